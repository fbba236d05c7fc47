import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type Connection, readConnections } from '../collectors/linux/connections.ts';
import { type Address, bindScopeOf, formatAddress, parseAddress, unmapAddress } from '../model/address.ts';

/** A login over the network that rules must not cut off. */
export interface Session {
  readonly peer: Address;
  /** Address and port of this machine. null: not known. */
  readonly local: Address | null;
  readonly port: number;
  /** `own`: it is how this program was started, for certain. `possible`: it may be. */
  readonly kind: 'own' | 'possible';
  /** How that is known, goes into messages. */
  readonly known: string;
}

/** Logins from elsewhere, and where people log in. */
export interface Sessions {
  readonly sessions: readonly Session[];
  /** Ports that an SSH server listens on beyond loopback, ascending. */
  readonly sshPorts: readonly number[];
}

/** Names of the tasks of SSH servers (OpenSSH before and since 9.8, Dropbear, Tinyssh). */
const SSH_SERVERS = new Set(['sshd', 'sshd-session', 'sshd-auth', 'dropbear', 'tinysshd']);
const MOST_ANCESTORS = 64;

/**
 * Finds the login that this process belongs to: by SSH_CONNECTION of itself and of every process that it descends from (sudo
 * takes it away, its parent has it), and by the connections that those hold. Where none of this says, as below tmux or
 * screen, every login of an SSH server may be the one.
 */
export function findSessions(env: NodeJS.ProcessEnv, self: number = process.pid, proc = '/proc'): Sessions {
  const { incoming, listening, listeners } = readConnections(`${proc}/${self}`);
  const byInode = new Map(incoming.filter((c) => c.inode > 0).map((c) => [c.inode, c]));
  const found: Session[] = [];
  const add = (session: Session | null) => {
    if (session && bindScopeOf(formatAddress(session.peer)) !== 'loopback') found.push(session);
  };
  add(sessionOf(env.SSH_CONNECTION, env.SSH_CLIENT));
  for (const pid of ancestors(proc, self)) {
    const vars = environment(proc, pid);
    add(sessionOf(vars.get('SSH_CONNECTION'), vars.get('SSH_CLIENT')));
    for (const connection of heldBy(proc, pid, byInode)) add(sessionBy(connection, 'own', proc, pid));
  }
  const servers = sshServers(proc);
  const sshPorts = new Set(listening.includes(22) ? [22] : []);
  const held = servers.flatMap((pid) => [...socketInodes(proc, pid)]);
  const heldInodes = new Set(held);
  for (const [port, inodes] of listeners) if (inodes.some((inode) => heldInodes.has(inode))) sshPorts.add(port);
  if (found.length === 0)
    for (const pid of servers)
      for (const connection of heldBy(proc, pid, byInode)) add(sessionBy(connection, 'possible', proc, pid));
  return { sessions: distinct(found), sshPorts: [...sshPorts].sort((a, b) => a - b) };
}

/** `SSH_CONNECTION=CLIENT CLIENT-PORT SERVER SERVER-PORT`, `SSH_CLIENT=CLIENT CLIENT-PORT SERVER-PORT` (ssh(1)). */
function sessionOf(connection: string | undefined, client: string | undefined): Session | null {
  const [peer, , local, port] = connection?.split(' ') ?? [];
  const [otherPeer, , otherPort] = client?.split(' ') ?? [];
  const from = addressOf(peer ?? otherPeer);
  const number = Number(port ?? otherPort);
  if (!from || !Number.isInteger(number) || number < 1 || number > 65_535) return null;
  const known = connection === undefined ? 'by SSH_CLIENT' : 'by SSH_CONNECTION';
  return { peer: from, local: addressOf(local), port: number, kind: 'own', known };
}

function addressOf(text: string | undefined): Address | null {
  const address = text === undefined ? null : parseAddress(text.split('%', 1)[0] as string);
  return address && unmapAddress(address);
}

function sessionBy(c: Connection, kind: Session['kind'], proc: string, pid: number): Session {
  const name = taskName(proc, pid);
  return { peer: c.peer, local: c.local, port: c.localPort, kind, known: `held by ${name} (process ${pid})` };
}

/** The processes that one descends from, nearest first, without init. */
export function ancestorsOf(self: number): readonly number[] {
  return [...ancestors('/proc', self)];
}

function* ancestors(proc: string, self: number): Generator<number> {
  let pid = parentOf(proc, self);
  for (let n = 0; pid !== null && pid > 1 && n < MOST_ANCESTORS; n++) {
    yield pid;
    pid = parentOf(proc, pid);
  }
}

function parentOf(proc: string, pid: number): number | null {
  const parent = /^PPid:\s*(\d+)$/m.exec(read(`${proc}/${pid}/status`))?.[1];
  return parent === undefined ? null : Number(parent);
}

function environment(proc: string, pid: number): ReadonlyMap<string, string> {
  const pairs = read(`${proc}/${pid}/environ`).split('\0');
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

function* heldBy(proc: string, pid: number, byInode: ReadonlyMap<number, Connection>): Generator<Connection> {
  for (const inode of socketInodes(proc, pid)) {
    const connection = byInode.get(inode);
    if (connection) yield connection;
  }
}

function* socketInodes(proc: string, pid: number): Generator<number> {
  for (const fd of list(`${proc}/${pid}/fd`)) {
    let target: string;
    try {
      target = readlinkSync(`${proc}/${pid}/fd/${fd}`);
    } catch {
      continue; // closed meanwhile
    }
    const inode = /^socket:\[(\d{1,15})\]$/.exec(target)?.[1];
    if (inode !== undefined) yield Number(inode);
  }
}

function sshServers(proc: string): number[] {
  return list(proc)
    .filter((name) => /^\d{1,10}$/.test(name))
    .map(Number)
    .filter((pid) => SSH_SERVERS.has(taskName(proc, pid)));
}

function taskName(proc: string, pid: number): string {
  return read(`${proc}/${pid}/comm`).trim();
}

function distinct(sessions: readonly Session[]): Session[] {
  const seen = new Map<string, Session>();
  for (const session of sessions) {
    const key = `${formatAddress(session.peer)} ${session.port}`;
    if (!seen.has(key)) seen.set(key, session);
  }
  return [...seen.values()];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
