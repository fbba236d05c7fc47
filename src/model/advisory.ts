import type { PackageFacts } from './listener.ts';

/** A known vulnerability that is about one package version seen on a host: from OSV data, with CISA's KEV beside it. */
export interface Advisory {
  /** `DSA-5678-1`, `CVE-2024-6387`, `GHSA-…`. */
  readonly id: string;
  /** CVE ids and others, sorted. */
  readonly aliases: readonly string[];
  readonly summary: string;
  /** First version without it; absent: none known. */
  readonly fixed?: string;
  /** CVSS vector or a word, as the source gives it. */
  readonly severity?: string;
  /** In CISA's catalogue of known exploited vulnerabilities; `due`: date by which federal agencies had to act, ISO. */
  readonly exploited?: { readonly cve: string; readonly due?: string; readonly ransomware?: boolean };
}

/** Names a package version within its distribution: what advisories are looked up by. */
export interface PackageKey {
  /** OSV ecosystem: `Debian:12`, `Alpine:v3.20`, `Rocky Linux:9`. */
  readonly ecosystem: string;
  /** Source package for dpkg and apk; rpm by binary name, as OSV has it. */
  readonly name: string;
  readonly version: string;
}

export function packageKeyText({ ecosystem, name, version }: PackageKey): string {
  return `${ecosystem}|${name}|${version}`;
}

/** What advisories call a package; null where its distribution is not known, or has no name among them. */
export function packageKeyOf(facts: PackageFacts): PackageKey | null {
  const { ecosystem, manager, name, version, source = name, sourceVersion = version } = facts;
  if (ecosystem === undefined) return null;
  return manager === 'rpm' ? { ecosystem, name, version } : { ecosystem, name: source, version: sourceVersion };
}

/** What is known of vulnerabilities: the answer of the given data, and how old that is. */
export interface AdvisoryData {
  /** By packageKeyText; a package that was looked up and has none has an empty list. One that is missing is unknown. */
  readonly byPackage: ReadonlyMap<string, readonly Advisory[]>;
  /** Newest `modified` among the records, UTC milliseconds; null: no record. */
  readonly newest: number | null;
  /** Ecosystems that the data covers. */
  readonly ecosystems: readonly string[];
  /** Ecosystems of packages behind listeners that the data says nothing of, with the number of packages. */
  readonly notCovered?: ReadonlyArray<{ readonly ecosystem: string; readonly packages: number }>;
  /** What could not be read, in sentences. */
  readonly problems: readonly string[];
}
