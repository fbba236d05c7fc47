import { compareText } from '../../util/compare.ts';
import { getOrMake } from '../../util/get-or-make.ts';

/** A host of an Ansible inventory with the variables that hold for it. */
export interface AnsibleHost {
  /** Name in the inventory. */
  readonly name: string;
  /** Every group it is in, those that contain these too; without `all` and `ungrouped`. Sorted. */
  readonly groups: readonly string[];
  /** `ansible_host`: where to connect, if not to `name`. */
  readonly host?: string;
  /** `ansible_port`. */
  readonly port?: number;
  /** `ansible_user`. */
  readonly user?: string;
  /** Variables that are a text, number or boolean, as text: of the host, else of its nearest group. */
  readonly vars: ReadonlyMap<string, string>;
  /** 1-based line where it stands first, if the format has lines. */
  readonly line?: number;
}

/** Something of an inventory that could not be read. The rest is used. */
export interface AnsibleProblem {
  readonly message: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
}

interface Group {
  readonly hosts: Set<string>;
  readonly children: Set<string>;
  readonly vars: Map<string, string>;
}

interface HostRecord {
  readonly vars: Map<string, string>;
  readonly line: number | undefined;
}

/** Where readers put what they read. */
export interface AnsibleInventory {
  /** A host of a group, by a name that may hold ranges (`web[01:20]`). */
  readonly addHost: (pattern: string, group: string, vars: Iterable<[string, string]>, line?: number) => void;
  readonly addGroup: (name: string, line?: number) => boolean;
  readonly addChild: (parent: string, child: string, line?: number) => void;
  readonly addGroupVar: (group: string, name: string, value: string) => void;
  readonly report: (problem: AnsibleProblem) => void;
  /** Says whether so many more things may be read: aliases and ranges can name millions in a few lines. */
  readonly spend: (count: number, line?: number) => boolean;
  readonly finish: () => { hosts: AnsibleHost[]; problems: readonly AnsibleProblem[] };
}

const MAX_HOSTS = 200_000;
const MAX_GROUPS = 100_000;
const MAX_PROBLEMS = 1_000;
const MAX_DEPTH = 100;
/** Times that a host, group or variable is named. Ten thousand hosts with a hundred variables and groups name 2 million. */
const MAX_NAMED = 5_000_000;

export function createInventory(): AnsibleInventory {
  const hosts = new Map<string, HostRecord>();
  const groups = new Map<string, Group>();
  const problems: AnsibleProblem[] = [];
  let isFull = false;
  let named = 0;

  const report = (problem: AnsibleProblem) => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
    else if (problems.length === MAX_PROBLEMS)
      problems.push({ message: 'there are more problems; they are not listed' });
  };
  const at = (line: number | undefined) => (line === undefined ? {} : { line });
  const spend = (count: number, line?: number): boolean => {
    if (named > MAX_NAMED) return false;
    named += count;
    if (named > MAX_NAMED)
      // however many problems there are
      problems.push({ message: 'hosts, groups and variables are named too often; the rest was not read', ...at(line) });
    return named <= MAX_NAMED;
  };
  const groupOf = (name: string): Group =>
    getOrMake(groups, name, () => ({ hosts: new Set(), children: new Set(), vars: new Map() }));

  const addGroup = (name: string, line?: number): boolean => {
    if (!spend(1, line)) return false;
    if (!/^[^\s:[\]{}]{1,255}$/.test(name)) {
      report({ message: `"${name.slice(0, 80)}" is no name of a group`, ...at(line) });
      return false;
    }
    if (groups.size >= MAX_GROUPS && !groups.has(name)) {
      report({ message: `there are more than ${MAX_GROUPS} groups; ${name} was not read`, ...at(line) });
      return false;
    }
    groupOf(name);
    return true;
  };

  return {
    report,
    addGroup,
    spend,
    addHost: (pattern, group, vars, line) => {
      if (!spend(1, line)) return;
      const names = expandRanges(pattern, MAX_HOSTS);
      if (names === undefined || names.some((name) => !/^[^\s,[\]{}]{1,255}$/.test(name))) {
        report({
          message: `"${pattern.slice(0, 80)}" is no name of a host, nor a range of at most ${MAX_HOSTS}`,
          ...at(line),
        });
        return;
      }
      const own = [...vars];
      // a name costs twice: it is put into the group, and the group into what is known of it
      if (!spend(names.length * (2 + own.length), line)) return;
      for (const name of names) {
        if (hosts.size >= MAX_HOSTS && !hosts.has(name)) {
          if (!isFull)
            report({ message: `there are more than ${MAX_HOSTS} hosts; the rest was not read`, ...at(line) });
          isFull = true;
          return;
        }
        const host = getOrMake(hosts, name, () => ({ vars: new Map(), line }));
        for (const [key, value] of own) host.vars.set(key, value);
        groupOf(group).hosts.add(name);
      }
    },
    addChild: (parent, child, line) => {
      if (addGroup(parent, line) && addGroup(child, line)) groupOf(parent).children.add(child);
    },
    addGroupVar: (group, name, value) => groupOf(group).vars.set(name, value),
    finish: () => {
      const memberships = membershipsOf(groups, report, spend);
      const found = [...hosts].map(([name, record]) =>
        describe(name, record, memberships.get(name) ?? [], groups, report),
      );
      return { hosts: found.sort((a, b) => compareText(a.name, b.name)), problems };
    },
  };
}

/** Groups of each host with their distance: 0 for its own, 1 for the parents of those, and so on. */
function membershipsOf(
  groups: ReadonlyMap<string, Group>,
  report: (problem: AnsibleProblem) => void,
  spend: (count: number) => boolean,
): Map<string, Map<string, number>> {
  const parents = new Map<string, string[]>();
  for (const [name, { children }] of groups)
    for (const child of children) getOrMake(parents, child, () => []).push(name);
  /** Groups that contain a group, with their distance. Each is entered once, so a cycle ends. */
  const ancestors = new Map<string, Map<string, number>>();
  const ancestorsOf = (start: string): Map<string, number> => {
    const known = ancestors.get(start);
    if (known) return known;
    const distance = new Map([[start, 0]]);
    for (const [name, depth] of distance) {
      for (const parent of depth < MAX_DEPTH ? (parents.get(name) ?? []) : []) {
        if (parent === start) report({ message: `group ${start} contains itself` });
        else if (!distance.has(parent) && spend(1)) distance.set(parent, depth + 1);
      }
    }
    ancestors.set(start, distance);
    return distance;
  };
  const memberships = new Map<string, Map<string, number>>();
  for (const [group, { hosts }] of groups) {
    for (const host of hosts) {
      const mine = getOrMake(memberships, host, () => new Map<string, number>());
      const above = ancestorsOf(group);
      if (!spend(above.size)) return memberships;
      for (const [name, depth] of above) mine.set(name, Math.min(depth, mine.get(name) ?? depth));
    }
  }
  return memberships;
}

function describe(
  name: string,
  { vars: own, line }: HostRecord,
  distances: Iterable<[string, number]>,
  groups: ReadonlyMap<string, Group>,
  report: (problem: AnsibleProblem) => void,
): AnsibleHost {
  const member = [...distances].filter(([group]) => group !== 'all' && group !== 'ungrouped');
  // the nearest group wins; of equally near ones the last by name (Ansible merges them in the order of their names)
  const layers = member.sort(([a, x], [b, y]) => y - x || compareText(a, b)).map(([group]) => groups.get(group)?.vars);
  const vars = new Map<string, string>();
  for (const layer of [groups.get('all')?.vars, ...layers, own]) for (const [k, v] of layer ?? []) vars.set(k, v);
  const portText = vars.get('ansible_port') ?? vars.get('ansible_ssh_port');
  const port = portText !== undefined && /^\d{1,5}$/.test(portText) ? Number(portText) : undefined;
  const isPort = port !== undefined && port >= 1 && port <= 65_535;
  if (portText !== undefined && !isPort)
    report({ message: `ansible_port of ${name} is no port`, ...(line === undefined ? {} : { line }) });
  const host = vars.get('ansible_host') ?? vars.get('ansible_ssh_host');
  const user = vars.get('ansible_user') ?? vars.get('ansible_ssh_user');
  return {
    name,
    groups: member.map(([group]) => group).sort(compareText),
    ...(host === undefined ? {} : { host }),
    ...(isPort ? { port } : {}),
    ...(user === undefined ? {} : { user }),
    vars,
    ...(line === undefined ? {} : { line }),
  };
}

const RANGE = /\[(?:(\d{1,9}):(\d{1,9})|([a-zA-Z]):([a-zA-Z]))(?::(\d{1,9}))?\]/;

/**
 * Names that a pattern stands for: `web[01:20]` counts with leading zeros, `db-[a:f]` in letters, `[1:10:2]` in steps.
 * Several ranges multiply. `undefined` where there are more than `max`, or a range is not in order.
 */
export function expandRanges(pattern: string, max: number): string[] | undefined {
  let names = [''];
  let rest = pattern;
  for (let match = RANGE.exec(rest); match; match = RANGE.exec(rest)) {
    const before = rest.slice(0, match.index);
    rest = rest.slice(match.index + match[0].length);
    const parts = rangeParts(match, max);
    if (parts === undefined || names.length * parts.length > max) return undefined;
    names = names.flatMap((name) => parts.map((part) => name + before + part));
  }
  return names.map((name) => name + rest);
}

function rangeParts([, from, to, first, last, step]: RegExpExecArray, max: number): string[] | undefined {
  const isNumber = from !== undefined;
  const [start, end] = isNumber
    ? [Number(from), Number(to)]
    : [(first as string).charCodeAt(0), (last as string).charCodeAt(0)];
  const by = step === undefined ? 1 : Number(step);
  if (by < 1 || end < start || (end - start) / by >= max) return undefined;
  const width = isNumber && from.startsWith('0') ? from.length : 0;
  const parts: string[] = [];
  for (let n = start; n <= end; n += by) parts.push(isNumber ? String(n).padStart(width, '0') : String.fromCharCode(n));
  return parts;
}
