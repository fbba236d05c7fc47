import type { Bed } from './bed.ts';
import { type Probe, packFrames, probeOfMac } from './frames.ts';
import { type KernelCase, type Line, textOf } from './kernel-case.ts';

/** A file as a user would hand it in. */
export interface ListedFile {
  readonly name: string;
  readonly text: string;
}

/** What a packet had become when it passed the last hook. */
export interface Passed {
  readonly destination: string;
  readonly port: number;
  readonly sentOn: boolean;
}

/** The kernel did not take the rules: nothing to compare. */
export class Refused extends Error {}

const OBSERVER = 'quietdoor_observer';
const LAST = 2_000_000_000;
const KEYS = [
  ['in4', 'ipv4_addr', 'input', 'ip'],
  ['in6', 'ipv6_addr', 'input', 'ip6'],
  ['on4', 'ipv4_addr', 'postrouting', 'ip'],
  ['on6', 'ipv6_addr', 'postrouting', 'ip6'],
] as const;

/** Behind every other chain: writes down who came so far, and lets nobody further, so that nothing answers. */
function observer(): string {
  const chain = (hook: string) => `chain ${hook} {
    type filter hook ${hook} priority ${LAST}; policy drop;
    ${KEYS.filter((key) => key[2] === hook)
      .map(([set, , , ip]) => `add @${set} { ether saddr . ${ip} daddr . th dport }\n`)
      .join('')}
  }\n`;
  const sets = KEYS.map(
    ([set, type]) => `set ${set} { type ether_addr . ${type} . inet_service; size 65535; flags dynamic; }\n`,
  );
  return `table inet ${OBSERVER} {\n${sets.join('')}${chain('input')}${chain('postrouting')}}\n`;
}

/** Loads a ruleset in place of the one before. */
export async function load(bed: Bed, one: KernelCase, observed: boolean): Promise<void> {
  const iptables = one.iptables.length > 0;
  if (one.legacy || withLegacy.has(bed)) {
    await restoreTables(bed, 'legacy', EMPTY_TABLES, EMPTY_TABLES);
    if (one.legacy) withLegacy.add(bed);
    else withLegacy.delete(bed);
  }
  const text = `flush ruleset\n${observed ? observer() : ''}${textOf(one.nft)}`;
  const done = await bed.nft(text);
  if (done.status !== 0) throw new Refused(done.err);
  if (!iptables) return;
  await bed.run(['ipset', 'destroy']);
  if (one.ipset.length > 0) {
    const made = await bed.run(['ipset', 'restore'], textOf(one.ipset));
    if (made.status !== 0) throw new Refused(`ipset restore: ${made.err.trim()}`);
  }
  await restoreTables(bed, one.legacy ? 'legacy' : 'nft', textOf(one.iptables), textOf(one.ip6tables));
}

/** Beds where iptables-legacy holds rules: flushing the ruleset of nftables does not touch those. */
const withLegacy = new WeakSet<Bed>();

const HOOKS_OF_TABLES = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
};
// restoring a table removes its rules; its policies stay unless they are named
const EMPTY_TABLES = Object.entries(HOOKS_OF_TABLES)
  .map(([table, hooks]) => `*${table}\n${hooks.map((hook) => `:${hook} ACCEPT [0:0]\n`).join('')}COMMIT\n`)
  .join('');

async function restoreTables(bed: Bed, backend: 'nft' | 'legacy', ipv4: string, ipv6: string): Promise<void> {
  for (const [program, text] of [
    [`iptables-${backend}-restore`, ipv4],
    [`ip6tables-${backend}-restore`, ipv6],
  ] as const) {
    const done = await bed.run([program], text);
    if (done.status !== 0) throw new Refused(`${program}: ${done.err.trim()}`);
  }
}

/** Lists what is loaded, with the commands that the documentation tells users to run. */
export async function list(bed: Bed, one: KernelCase): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  const take = async (name: string, args: readonly string[]) => {
    const done = await bed.run(args);
    if (done.status !== 0) throw new Refused(`${args.join(' ')}: ${done.err.trim()}`);
    files.push({ name, text: done.out });
  };
  if (one.iptables.length > 0) {
    const backend = one.legacy ? 'legacy' : 'nft';
    await take('iptables-save', [`iptables-${backend}-save`]);
    await take('ip6tables-save', [`ip6tables-${backend}-save`]);
    if (one.ipset.length > 0) await take('ipset-save', ['ipset', 'save']);
  }
  // Beside iptables-nft its tables are listed twice, as on a real host; every other time, to try both.
  if (one.iptables.length === 0 || one.seed % 2 === 0) {
    const listed = await bed.nft('list ruleset', true);
    if (listed.status !== 0) throw new Refused(`list ruleset: ${listed.err}`);
    files.push({ name: 'nft.json', text: withoutObserver(listed.out) });
  }
  return files;
}

function withoutObserver(listing: string): string {
  const parsed = JSON.parse(listing) as { nftables: Array<Record<string, { table?: string; name?: string }>> };
  const kept = parsed.nftables.filter(
    (entry) => !Object.entries(entry).some(([kind, one]) => (kind === 'table' ? one.name : one.table) === OBSERVER),
  );
  return JSON.stringify({ nftables: kept });
}

/** Interfaces, addresses and routes of the bed. */
export async function listNetwork(bed: Bed): Promise<ListedFile[]> {
  const files: ListedFile[] = [];
  for (const [name, ...args] of [
    ['ip-addr.json', 'addr'],
    ['ip-route.json', 'route', 'show', 'table', 'all'],
    ['ip-6-route.json', '-6', 'route', 'show', 'table', 'all'],
  ] as const)
    files.push({ name, text: (await bed.run(['ip', '-j', ...args])).out });
  return files;
}

/** Sends the probes; result: per probe what passed, null where nothing did. */
export async function observe(bed: Bed, probes: readonly Probe[]): Promise<Array<Passed | null>> {
  const passed: Array<Passed | null> = probes.map(() => null);
  await bed.send(packFrames(probes));
  for (const [set, , hook] of KEYS) {
    const listed = await bed.nft(`list set inet ${OBSERVER} ${set}`, true);
    if (listed.status !== 0) throw new Error(`the observer is gone: ${listed.err}`);
    const entries = (JSON.parse(listed.out) as { nftables: Array<{ set?: { elem?: unknown[] } }> }).nftables;
    for (const element of entries.flatMap((entry) => entry.set?.elem ?? [])) {
      const { concat } = element as { concat: [string, string, number] };
      const id = probeOfMac(concat[0]);
      if (id >= 0 && id < passed.length)
        passed[id] = { destination: concat[1], port: concat[2], sentOn: hook === 'postrouting' };
    }
  }
  return passed;
}

export function removable(text: string): Line {
  return { text, removable: true };
}

export function fixed(text: string): Line {
  return { text, removable: false };
}
