import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KnownPorts } from '../collectors/network/host-probe.ts';
import type { ScanNews } from '../collectors/network/host-result.ts';
import { portsIn } from '../collectors/network/network-observation.ts';
import { setOfAddresses } from '../collectors/network/targets.ts';
import type { AddressSet } from '../model/address-set.ts';
import { UserError } from '../model/errors.ts';
import { formatPorts, parsePorts } from '../model/port-ranges.ts';
import { makeFileBeside, makeFolderBeside } from '../store/sqlite-file.ts';
import { compareText } from '../util/compare.ts';

/** What a scan was told to do, as its journal keeps it. */
export interface ScanOrder {
  /** CIDRs and their names, as they were worked out when it began: a name may mean something else later. */
  readonly addresses: readonly string[];
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** In the order in which they are asked, and so no ranges that are merged. */
  readonly ports: readonly number[];
  readonly udp: readonly number[];
  readonly rate: number | null;
  readonly ratePerHost: number | null;
  readonly retries: number;
  readonly skipSilent: boolean;
  readonly identify: boolean;
  readonly recog: string | null;
}

/** A scan that was not finished. */
export interface UnfinishedScan {
  readonly id: string;
  readonly order: ScanOrder;
  /** Addresses that were recorded. */
  readonly done: AddressSet;
  /** Of addresses that were begun. */
  readonly known: ReadonlyMap<string, KnownPorts>;
}

/** Writes down how far a scan came, so that another process can go on. Deleted when the scan is finished. */
export interface ScanJournal {
  readonly id: string;
  news(news: readonly ScanNews[]): void;
  done(address: string): void;
  finish(): void;
  close(): void;
}

/** As the command line takes them. */
const MOST_RETRIES = 10;

const KINDS = ['open', 'closed', 'filtered', 'unreachable', 'silent'] as const;

/** Starts a journal in the state folder. Throws UserError where it cannot be written. */
export function createJournal(state: string, order: ScanOrder, now: number): ScanJournal {
  const stamp = new Date(now)
    .toISOString()
    .replaceAll(/[-:]|\..*/g, '')
    .replace('T', '-');
  const id = `${stamp}-${randomBytes(2).toString('hex')}`;
  try {
    makeFolderBeside(folderOf(state), state);
    makeFileBeside(fileOf(state, id), state);
    const file = openOwn(state, id, APPEND);
    appendFileSync(file, `${JSON.stringify({ version: 1, order })}\n`);
    closeSync(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`the scan's journal cannot be written: ${(error as Error).message}`, { cause: error });
  }
  return openJournal(state, id);
}

/** Goes on with a journal. */
export function openJournal(state: string, id: string): ScanJournal {
  const file = openOwn(state, id, APPEND);
  // one write per line: a process that is killed leaves whole lines, and the last one at worst torn
  const write = (line: object) => writeSync(file, `${JSON.stringify(line)}\n`);
  // a torn last line must not swallow the next one
  writeSync(file, '\n');
  write({ pid: process.pid, started: startOf(process.pid) });
  return {
    id,
    news: (news) => {
      for (const { address, ports } of news) {
        const known = KINDS.flatMap((kind) => (ports[kind].length === 0 ? [] : [[kind, formatPorts(ports[kind])]]));
        if (known.length > 0) write({ part: address, ...Object.fromEntries(known) });
      }
    },
    done: (address) => write({ done: address }),
    finish: () => rmSync(fileOf(state, id), { force: true }),
    close: () => closeSync(file),
  };
}

/** Ids of the scans that were not finished, the newest first. */
export function listJournals(state: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folderOf(state));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new UserError(`${folderOf(state)} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return names
    .flatMap((name) => (/^[\w-]+\.jsonl$/.test(name) ? [name.slice(0, -6)] : []))
    .sort(compareText)
    .reverse();
}

/**
 * Reads how far a scan came; `id` null: the newest. Lines that are torn or unreadable are passed over: what they said is
 * asked again. Throws UserError where there is no such scan, or it is still running.
 */
export async function readJournal(state: string, wanted: string | null): Promise<UnfinishedScan> {
  const ids = listJournals(state);
  const id = wanted ?? ids[0];
  if (id === undefined)
    throw new UserError('there is no scan to resume: every scan of this workspace was finished', {
      hint: 'Start one with: quietdoor scan network TARGETS',
    });
  if (!ids.includes(id))
    throw new UserError(`there is no unfinished scan "${id}"`, {
      hint: ids.length === 0 ? 'Every scan was finished.' : `Unfinished: ${ids.join(', ')}`,
    });
  const done: string[] = [];
  const known = new Map<string, Map<number, KnownKind>>();
  let order: ScanOrder | undefined;
  const input = createReadStream('', { fd: openOwn(state, id, constants.O_RDONLY) });
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const text of lines) {
    const line = objectOf(text);
    if (line === undefined) continue;
    if (typeof line.done === 'string') {
      done.push(line.done);
      known.delete(line.done);
    } else if (typeof line.part === 'string') learn(known, line.part, line);
    else if (typeof line.pid === 'number') refuseIfRunning(id, line.pid, line.started);
    else if (order === undefined) order = orderOf(line.order);
  }
  if (order === undefined)
    throw new UserError(`the journal ${fileOf(state, id)} does not say what to scan`, {
      hint: 'Delete the file and start the scan again.',
    });
  return { id, order, done: setOfAddresses(done), known };
}

type KnownKind = (typeof KINDS)[number];

function learn(known: Map<string, Map<number, KnownKind>>, address: string, line: Record<string, unknown>): void {
  const ports = known.get(address) ?? new Map<number, KnownKind>();
  for (const kind of KINDS)
    if (typeof line[kind] === 'string')
      for (const port of portsIn(parsePorts(line[kind]).ranges)) ports.set(port, kind);
  known.set(address, ports);
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // torn by a kill, or the blank line that parts two runs
  }
}

/** The journal is our own file, yet it lies on a disk: what is not as we write it makes it unusable. */
function orderOf(value: unknown): ScanOrder | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const o = value as Record<string, unknown>;
  const isList = (list: unknown, type: string) => Array.isArray(list) && list.every((item) => typeof item === type);
  const isWhole = (n: unknown, min: number, max: number) => Number.isInteger(n) && Number(n) >= min && Number(n) <= max;
  const isPorts = (list: unknown) => Array.isArray(list) && list.every((port) => isWhole(port, 1, 65_535));
  const isRate = (rate: unknown) => rate === null || (typeof rate === 'number' && rate > 0);
  const isRight =
    isList(o.addresses, 'string') &&
    isPorts(o.ports) &&
    isPorts(o.udp) &&
    isRate(o.rate) &&
    isRate(o.ratePerHost) &&
    isWhole(o.retries, 0, MOST_RETRIES) &&
    typeof o.skipSilent === 'boolean' &&
    typeof o.identify === 'boolean' &&
    (o.recog === null || typeof o.recog === 'string') &&
    typeof o.names === 'object' &&
    o.names !== null &&
    Object.values(o.names).every((list) => isList(list, 'string'));
  return isRight ? (value as ScanOrder) : undefined;
}

function refuseIfRunning(id: string, pid: number, started: unknown): void {
  if (pid === process.pid || startOf(pid) === null || startOf(pid) !== started) return;
  throw new UserError(`the scan ${id} is still running, as process ${pid}`, { hint: 'Wait for it, or interrupt it.' });
}

/** Start time of a process in clock ticks (stat of proc(5)); tells a process from a later one with its pid. Null: gone. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Killed and not yet reaped by its parent, which in a container may take for ever.
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

const APPEND = constants.O_WRONLY | constants.O_APPEND;

/** Opens a journal. Run by root in the directory of somebody else, a link would lead to a file of their choice. */
function openOwn(state: string, id: string, mode: number): number {
  const path = fileOf(state, id);
  let file: number;
  try {
    file = openSync(path, mode | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const isLink = (error as NodeJS.ErrnoException).code === 'ELOOP';
    throw new UserError(`${path} cannot be used: ${isLink ? 'it is a symbolic link' : (error as Error).message}`, {
      cause: error,
    });
  }
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new UserError(`${path} cannot be used: it is no regular file`);
}

function folderOf(state: string): string {
  return join(state, 'scans');
}

function fileOf(state: string, id: string): string {
  return join(folderOf(state), `${id}.jsonl`);
}
