import type { Advisory } from '../model/advisory.ts';
import { compareText } from '../util/compare.ts';

/**
 * Advisories of one package version without those that say nothing new: a distribution's advisory (DSA, USN) and the
 * records of the CVEs it repairs are about the same. Kept is the one that covers most and names a fix; it takes the
 * severity of the others where it has none. Sorted by id.
 */
export function foldAdvisories(advisories: readonly Advisory[]): readonly Advisory[] {
  const cves = (a: Advisory) => [a.id, ...a.aliases].filter((id) => id.startsWith('CVE-'));
  const ranked = advisories.toSorted(
    (a, b) =>
      Number(b.fixed !== undefined) - Number(a.fixed !== undefined) ||
      cves(b).length - cves(a).length ||
      compareText(a.id, b.id),
  );
  const kept = new Map<string, Advisory>();
  /** By CVE, the id of the advisory that speaks for it. */
  const told = new Map<string, string>();
  for (const advisory of ranked) {
    const about = cves(advisory);
    if (about.length === 0 || !about.every((cve) => told.has(cve))) {
      kept.set(advisory.id, advisory);
      for (const cve of about) if (!told.has(cve)) told.set(cve, advisory.id);
    } else if (advisory.severity !== undefined)
      for (const cve of about) {
        const speaker = kept.get(told.get(cve) as string);
        if (speaker && speaker.severity === undefined)
          kept.set(speaker.id, { ...speaker, severity: advisory.severity });
      }
  }
  return [...kept.values()].sort((a, b) => compareText(a.id, b.id));
}
