import { makeSshTarget, parseSshTarget, type SshTarget } from '../collectors/ssh/targets.ts';
import { type AnsibleHost, readAnsibleInventory } from '../inventories/ansible.ts';
import { UserError } from '../model/errors.ts';
import { matchesGlob } from '../util/glob.ts';
import { readText } from './read-text.ts';

/** Largest list or inventory that is read, in bytes. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_TARGETS = 100_000;

export interface SshTargetFlags {
  /** Hosts, `@FILE` (one per line), `-` (standard input). */
  readonly hosts: readonly string[];
  /** Ansible inventory. */
  readonly inventory?: string;
  /** Ansible host pattern: which hosts of the inventory. */
  readonly limit?: string;
}

export interface SshTargets {
  /** Each machine once, in the order given. */
  readonly targets: readonly SshTarget[];
  /** What could not be used, with its place: `hosts.txt:3: …`. */
  readonly problems: readonly string[];
}

/** Reads which machines to look at. Throws UserError where a file cannot be read or nothing is left. */
export async function readSshTargets(flags: SshTargetFlags): Promise<SshTargets> {
  const targets = new Map<string, SshTarget>();
  const problems: string[] = [];
  const add = (target: SshTarget | string, place: string) => {
    if (typeof target === 'string') problems.push(`${place}${target}`);
    else if (targets.size >= MAX_TARGETS) throw new UserError(`there are more than ${MAX_TARGETS} hosts`);
    else {
      const key = `${target.user ?? ''}@${target.host}:${target.port ?? ''}`;
      if (!targets.has(key)) targets.set(key, target);
    }
  };
  for (const word of flags.hosts) {
    if (word !== '-' && !word.startsWith('@')) {
      add(parseSshTarget(word), '');
      continue;
    }
    const file = word === '-' ? '-' : word.slice(1);
    for (const [index, line] of (await readText(file, MAX_FILE_BYTES)).split(/\r?\n/).entries()) {
      const text = line.replace(/(?:^|\s)#.*$/, '').trim();
      if (text !== '') add(parseSshTarget(text), `${file}:${index + 1}: `);
    }
  }
  if (flags.inventory !== undefined) {
    const { hosts, problems: found } = readAnsibleInventory(
      await readText(flags.inventory, MAX_FILE_BYTES),
      flags.inventory,
    );
    for (const { message, line, column } of found)
      problems.push(`${[flags.inventory, line, column].filter((part) => part !== undefined).join(':')}: ${message}`);
    for (const host of limitHosts(hosts, flags.limit ?? 'all'))
      add(targetOf(host), `${flags.inventory}${host.line === undefined ? '' : `:${host.line}`}: `);
  } else if (flags.limit !== undefined)
    throw new UserError('--limit chooses hosts of an inventory: give --inventory too');
  if (targets.size === 0)
    throw new UserError('there is no host to look at', {
      hint: problems.length > 0 ? problems.slice(0, 5).join('; ') : 'Name hosts, @FILE, "-", or --inventory FILE.',
    });
  const count = Map.groupBy(targets.values(), ({ name }) => name);
  // several machines behind the ports of one address
  const told = ({ name, port }: SshTarget) =>
    (count.get(name)?.length ?? 0) > 1 && port !== undefined ? `${name}:${port}` : name;
  return { targets: [...targets.values()].map((target) => ({ ...target, name: told(target) })), problems };
}

function targetOf({ name, host, user, port, vars }: AnsibleHost): SshTarget | string {
  const connection = vars.get('ansible_connection') ?? 'ssh';
  if (!/^(?:smart|ssh|paramiko|paramiko_ssh|ansible\.builtin\.ssh)$/.test(connection))
    return `${name} is not reached over SSH (ansible_connection=${connection.slice(0, 40)})`;
  return makeSshTarget({ name, host: host ?? name, user, port }, JSON.stringify(name));
}

/**
 * Hosts that an Ansible pattern chooses: names and groups with `*` and `?`, joined by `:` or `,`; `!x` leaves out, `&x` keeps
 * only those in both (ansible "Patterns: targeting hosts and groups").
 */
export function limitHosts(hosts: readonly AnsibleHost[], pattern: string): AnsibleHost[] {
  const terms = pattern.split(/[,:]/).map((term) => term.trim());
  const isIn = (host: AnsibleHost, term: string) =>
    term === 'all' || matchesGlob(term, host.name) || host.groups.some((group) => matchesGlob(term, group));
  const wanted = terms.filter((term) => term !== '' && !/^[!&]/.test(term));
  const rest = (sign: string) => terms.filter((term) => term.startsWith(sign)).map((term) => term.slice(1));
  return hosts.filter(
    (host) =>
      (wanted.length === 0 || wanted.some((term) => isIn(host, term))) &&
      rest('&').every((term) => isIn(host, term)) &&
      !rest('!').some((term) => isIn(host, term)),
  );
}
