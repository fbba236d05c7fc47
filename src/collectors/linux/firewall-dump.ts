import type { RulesetDump } from '../../model/admission.ts';

/** A program that prints a part of a host's packet filters. It reads only. */
export interface FirewallProgram {
  /** The command as a person would type it: the name of its output. */
  readonly name: string;
  /** Programs that print it, best first, each with its arguments. */
  readonly ways: ReadonlyArray<readonly [program: string, ...args: string[]]>;
  /** Run only where this file of /proc lists tables: the program would load modules of the kernel otherwise. */
  readonly onlyWith?: 'ip_tables_names' | 'ip6_tables_names';
}

export const NFT = 'nft -j list ruleset';
const IPTABLES = 'iptables-save -c';
const IP6TABLES = 'ip6tables-save -c';
const LEGACY = 'iptables-legacy-save -c';
const LEGACY6 = 'ip6tables-legacy-save -c';

/** Everything that is asked of a host. */
export const FIREWALL_PROGRAMS: readonly FirewallProgram[] = [
  { name: NFT, ways: [['nft', '-j', 'list', 'ruleset']] },
  { name: 'nft --debug=netlink list ruleset', ways: [['nft', '--debug=netlink', 'list', 'ruleset']] },
  // what "iptables" is, is a choice of the machine: the name of the variant is asked for where there is one
  {
    name: IPTABLES,
    ways: [
      ['iptables-nft-save', '-c'],
      ['iptables-save', '-c'],
    ],
  },
  {
    name: IP6TABLES,
    ways: [
      ['ip6tables-nft-save', '-c'],
      ['ip6tables-save', '-c'],
    ],
  },
  { name: LEGACY, ways: [['iptables-legacy-save', '-c']], onlyWith: 'ip_tables_names' },
  { name: LEGACY6, ways: [['ip6tables-legacy-save', '-c']], onlyWith: 'ip6_tables_names' },
  { name: 'ipset save', ways: [['ipset', 'save']] },
  { name: 'ip -j addr', ways: [['ip', '-j', 'addr']] },
  { name: 'ip -j link', ways: [['ip', '-j', 'link']] },
  { name: 'ip -j route show table all', ways: [['ip', '-j', 'route', 'show', 'table', 'all']] },
  { name: 'ip -j -6 route show table all', ways: [['ip', '-j', '-6', 'route', 'show', 'table', 'all']] },
];

/** Folders that root's programs lie in, whatever the caller's PATH says. */
export const ROOT_PATH = '/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin';

/** Largest output of one program that is kept, and how long it may take. */
export const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
export const OUTPUT_TIMEOUT_MS = 10_000;

/** What became of one program. */
export interface ProgramOutput {
  readonly status: 'ok' | 'missing' | 'failed' | 'too-long' | 'timeout' | 'not-asked';
  readonly text: string;
  /** What it wrote to standard error, bounded. */
  readonly error: string;
}

/** What the kernel says of its packet filters by itself. */
export interface KernelFilters {
  /** Tables of legacy iptables, by family; null: cannot be read. */
  readonly legacyIpv4: readonly string[] | null;
  readonly legacyIpv6: readonly string[] | null;
  /** The nf_tables module: null where it cannot be told. */
  readonly hasNfTables: boolean | null;
}

/** Where and when a dump was taken. */
export interface DumpOrigin {
  readonly host: string;
  readonly source: string;
  /** UTC milliseconds. */
  readonly takenAt: number;
}

/** Puts together what programs printed. A filter that may be there and was not seen is a problem: answers are undecided then. */
export function dumpOf(
  origin: DumpOrigin,
  outputs: ReadonlyMap<string, ProgramOutput>,
  kernel: KernelFilters,
): RulesetDump {
  const files: { name: string; text: string }[] = [];
  const problems: string[] = [];
  for (const { name } of FIREWALL_PROGRAMS) {
    const output = outputs.get(name);
    // an empty answer of iptables-save or ipset says that there is nothing
    if (output?.status === 'ok' && output.text.trim() !== '') files.push({ name, text: output.text });
    const problem = problemOf(name, output, outputs, kernel);
    if (problem !== null) problems.push(problem);
  }
  return { ...origin, files, problems };
}

/** The dump of a host that could not be asked. */
export function notTaken(origin: DumpOrigin, problem: string): RulesetDump {
  return { ...origin, files: [], problems: [problem] };
}

const STATUS_WORDS: Readonly<Record<Exclude<ProgramOutput['status'], 'ok' | 'not-asked'>, string>> = {
  missing: 'is not installed',
  failed: 'failed',
  'too-long': `printed more than ${MAX_OUTPUT_BYTES >> 20} MiB`,
  timeout: `took longer than ${OUTPUT_TIMEOUT_MS / 1000} s`,
};

function problemOf(
  name: string,
  output: ProgramOutput | undefined,
  outputs: ReadonlyMap<string, ProgramOutput>,
  kernel: KernelFilters,
): string | null {
  const status = output?.status ?? 'failed';
  const text = outputs.get(name)?.text ?? '';
  if (status === 'ok' && !hasSaidMore(name, output)) return null;
  const what = status === 'ok' || status === 'not-asked' ? '' : STATUS_WORDS[status];
  const said = output?.error ? ` (${firstLine(output.error)})` : '';
  switch (name) {
    case NFT:
      if (status === 'ok') return `"${name}" left something out${said}`;
      if (status === 'missing' && kernel.hasNfTables === false) return null;
      return status === 'missing'
        ? 'nft is not installed and the kernel may have nftables rules; install nftables to see them'
        : `"${name}" ${what}${said}; nftables rules were not seen`;
    case IPTABLES:
    case IP6TABLES:
      // what it would show, nft shows too, if with less detail
      return status === 'missing' || status === 'ok' || outputs.get(NFT)?.status === 'ok'
        ? null
        : `"${name}" ${what}${said}; its rules were not seen`;
    case LEGACY:
    case LEGACY6: {
      const tables = name === LEGACY ? kernel.legacyIpv4 : kernel.legacyIpv6;
      const file = name === LEGACY ? 'ip_tables_names' : 'ip6_tables_names';
      if (tables === null) return `/proc/net/${file} cannot be read; tables of legacy iptables may be in force`;
      if (tables.length === 0 || text !== '') return null;
      // before there were two variants, the plain name was the legacy one
      const plain = outputs.get(name === LEGACY ? IPTABLES : IP6TABLES)?.text ?? '';
      if (plain !== '' && !/nf_tables|iptables-nft/.test(plain.slice(0, 1000))) return null;
      return `legacy iptables has the tables ${tables.join(', ')}, and "${name}" ${what === '' ? 'printed nothing' : what}${said}; its rules were not seen`;
    }
    default:
      // without sets, addresses or routes the rules that ask for them are undecided, and say so themselves
      return null;
  }
}

/** nft prints on standard error what its JSON cannot hold; what it puts into the JSON as a text is seen there. */
function hasSaidMore(name: string, output: ProgramOutput | undefined): boolean {
  if (name !== NFT || output === undefined) return false;
  return output.error
    .split('\n')
    .some((line) => line.trim() !== '' && !/stmt ops \w+ have no json callback/.test(line));
}

function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').slice(0, 200);
}

/** Names of legacy tables, from /proc/net/ip_tables_names; null text: the file cannot be read. */
export function legacyTables(text: string | null): readonly string[] | null {
  return text === null ? null : text.split('\n').filter((line) => /^[\w-]{1,32}$/.test(line));
}
