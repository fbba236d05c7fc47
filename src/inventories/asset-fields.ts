import { formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import { CRITICALITIES, type Criticality } from '../model/asset.ts';
import { blockOf } from '../model/cidr.ts';
import { compareText } from '../util/compare.ts';
import type { AssetProblem, ReadAsset } from './asset-format.ts';

/** Longest text that is taken from an inventory; names have at most 253 characters (RFC 1035), tags may be longer. */
const LONGEST = 1_000;
/** Most names, addresses or tags of one asset. */
const MOST = 1_000;
const MAX_PROBLEMS = 1_000;

/** What an inventory says of one machine, as it stands there. Blank texts say nothing. */
export interface WrittenAsset {
  readonly id: string;
  readonly name: string | undefined;
  readonly names?: readonly (string | undefined)[];
  /** With or without prefix length or zone id. */
  readonly addresses: readonly (string | undefined)[];
  readonly tags?: readonly (string | undefined)[];
  readonly zone?: string | undefined;
  readonly environment?: string | undefined;
  readonly criticality?: string | undefined;
  readonly owner?: string | undefined;
  readonly inactive?: boolean;
  readonly passive?: boolean;
  readonly at?: string;
}

/**
 * Returns the asset with canonical addresses and sorted sets; null where it has neither name nor address. What is wrong
 * in a field costs that field and is reported. Loopback, unspecified and link-local addresses tell no machines apart and
 * are left out.
 */
export function toAsset(written: WrittenAsset, report: (message: string) => void): ReadAsset | null {
  const addresses = new Set<string>();
  for (const text of written.addresses) {
    const read = tidy(text) === undefined ? null : readAddress(tidy(text) as string);
    if (read && 'problem' in read) report(read.problem);
    else if (read?.address) addresses.add(read.address);
  }
  const sorted = sortedTexts(addresses);
  const name = tidy(written.name) ?? tidy(written.names?.find((one) => tidy(one) !== undefined)) ?? sorted[0];
  if (name === undefined) return null;
  const names = sortedTexts((written.names ?? []).map(tidy)).filter((one) => one.toLowerCase() !== name.toLowerCase());
  const criticality = tidy(written.criticality);
  const level = criticality === undefined ? undefined : readCriticality(criticality);
  if (level === null) report(`criticality "${cut(criticality)}" is none of ${CRITICALITIES.join(', ')}`);
  const one = (key: 'zone' | 'environment' | 'owner') => {
    const value = tidy(written[key]);
    return value === undefined ? {} : { [key]: value };
  };
  return {
    id: tidy(written.id) ?? name,
    name,
    names,
    addresses: sorted,
    tags: sortedTexts((written.tags ?? []).map(tidy)),
    ...one('zone'),
    ...one('environment'),
    ...(level ? { criticality: level } : {}),
    ...one('owner'),
    ...(written.inactive ? { inactive: true } : {}),
    ...(written.passive ? { passive: true } : {}),
    ...(written.at === undefined ? {} : { at: written.at }),
  };
}

/** Collects problems up to a bound, and says so where there are more. */
export function problemList(): { readonly problems: readonly AssetProblem[]; report: (problem: AssetProblem) => void } {
  const problems: AssetProblem[] = [];
  return {
    problems,
    report(problem) {
      if (problems.length < MAX_PROBLEMS) problems.push(problem);
      else if (problems.length === MAX_PROBLEMS)
        problems.push({ source: problem.source, message: 'there are more problems; they are not listed' });
    },
  };
}

/** One line without blanks around it, bounded; undefined where nothing is left. */
function tidy(text: string | undefined): string | undefined {
  // Halves of UTF-16 pairs and control characters are no text.
  const line = text
    ?.toWellFormed()
    .replaceAll(/\p{Cf}+/gu, '')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, LONGEST)
    .toWellFormed();
  return line === '' ? undefined : line;
}

function sortedTexts(texts: Iterable<string | undefined>): string[] {
  return [...new Set([...texts].filter((text) => text !== undefined))].sort(compareText).slice(0, MOST);
}

/** An address with or without prefix length; null: one that tells no machines apart. */
function readAddress(text: string): { readonly address: string | null } | { readonly problem: string } {
  const m = /^\[?([^[\]/%]+)(?:%[^[\]/]*)?\]?(?:\/(\d{1,3}))?$/.exec(text);
  const read = m && parseAddress(m[1] as string);
  if (!m || !read) return { problem: `"${cut(text)}" is no address` };
  const address = unmapAddress(read);
  const bits = address.family === 'ipv4' ? 32 : 128;
  const prefix = Number(m[2] ?? bits);
  if (prefix < bits - 1 && blockOf(address, prefix).network.value === address.value)
    return { problem: `"${cut(text)}" is a network, where the address of a machine was expected` };
  const shown = formatAddress(address);
  return { address: /^(0\.|127\.|169\.254\.|::1?$|fe[89ab])/.test(shown) ? null : shown };
}

/** Words beside our own, as ServiceNow (`1 - most critical`) and others have them. */
const CRITICALITY_WORDS: Readonly<Record<string, Criticality>> = {
  'mission critical': 'critical',
  'business critical': 'critical',
  'most critical': 'critical',
  'very high': 'critical',
  1: 'critical',
  'somewhat critical': 'high',
  2: 'high',
  moderate: 'medium',
  normal: 'medium',
  'less critical': 'medium',
  3: 'medium',
  'not critical': 'low',
  4: 'low',
};

function readCriticality(text: string): Criticality | null {
  const word = text.toLowerCase().replace(/^\d\s*-\s*/, '');
  const known = CRITICALITIES.find((level) => level === word);
  return known ?? (Object.hasOwn(CRITICALITY_WORDS, word) ? (CRITICALITY_WORDS[word] as Criticality) : null);
}

/**
 * Words for a machine that is not expected to answer: of NetBox (DeviceStatusChoices), ServiceNow (install_status), clouds.
 * A word that is not here says that it is in use.
 */
const INACTIVE = new Set([
  'absent',
  'deallocated',
  'decom',
  'decommissioned',
  'decommissioning',
  'deleted',
  'disposed',
  'eol',
  'failed',
  'inactive',
  'instock',
  'inventory',
  'notinstalled',
  'off',
  'offline',
  'onorder',
  'paused',
  'pendinginstall',
  'planned',
  'poweredoff',
  'retired',
  'scrapped',
  'shutoff',
  'shutdown',
  'spare',
  'staged',
  'stolen',
  'stopped',
  'suspended',
  'terminated',
]);

export function isInactive(status: string | undefined): boolean {
  return INACTIVE.has(status?.toLowerCase().replaceAll(/[^a-z]/g, '') ?? '');
}

export function cut(text: string | undefined): string {
  const line = (text ?? '').replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
