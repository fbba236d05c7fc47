import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FlowManifestStore, StoredPart } from '../flow-manifest.ts';
import { takeRunLock } from '../run-lock.ts';
import { makeFolderBeside } from '../sqlite-file.ts';

const FOLDER = 'flows';
/** Held in shares by those who write files, as a whole by who removes what nobody wants. */
export const WRITING = 'flows';
/** Held by who merges parts. */
export const COMPACTING = 'flows-compact';
const STAGED = /^\.staged-[\da-f-]{36}\.parquet$/;
const SPILL = /^\.spill-(\d+)-[\da-f]+$/;
const PERIOD = /^\d{4}-\d\d(-\d\d)?$/;
const PART = /^\d+s-[\da-f-]{36}\.parquet$/;
/** Retired files are kept so long for those who still read them. */
const READING_MS = 15 * 60_000;

/** Seconds of a bucket of the three tiers. */
export const TIERS = { fiveMinutes: 300, hours: 3_600, days: 86_400 } as const;
const DAY_S = 86_400;

/** Folder of the flows of a store. */
export function flowFolder(dir: string): string {
  return join(dir, FOLDER);
}

export function makeFlowFolder(dir: string): string {
  const folder = flowFolder(dir);
  makeFolderBeside(folder, dir);
  return folder;
}

/** Start of the period that a file of a tier is about: a day, and for days a month. UTC seconds. */
export function periodOf(tier: number, bucket: number): number {
  if (tier < DAY_S) return bucket - (bucket % DAY_S);
  const date = new Date(bucket * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1) / 1000;
}

/** End of the period that begins at a time. */
export function periodEnd(tier: number, period: number): number {
  if (tier < DAY_S) return period + DAY_S;
  const date = new Date(period * 1000);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) / 1000;
}

/** A path for a file that is being written. */
export function stagedFile(folder: string): string {
  return join(folder, `.staged-${randomUUID()}.parquet`);
}

/** A path for what does not fit into memory. */
export function spillFolder(folder: string): string {
  return join(folder, `.spill-${process.pid}-${randomUUID().slice(0, 8)}`);
}

/**
 * Makes a staged file a part: its bytes and its name are on disk when this resolves. Returns its path below the folder,
 * size and digest.
 */
export async function keepStaged(
  folder: string,
  staged: string,
  tier: number,
  from: number,
): Promise<Pick<StoredPart, 'file' | 'bytes' | 'sha256'>> {
  const period = new Date(periodOf(tier, from) * 1000).toISOString().slice(0, tier < DAY_S ? 10 : 7);
  const { uid, gid } = fs.statSync(folder);
  const own = (path: string): void => {
    if (process.getuid?.() === 0 && uid !== 0) fs.lchownSync(path, uid, gid);
  };
  fs.chmodSync(staged, 0o600);
  own(staged);
  const digest = await digestOf(staged, true);
  const target = join(folder, period);
  if (fs.mkdirSync(target, { recursive: true, mode: 0o700 }) !== undefined) {
    own(target);
    syncFolder(folder);
  }
  const file = `${period}/${tier}s-${randomUUID()}.parquet`;
  fs.renameSync(staged, join(folder, file));
  syncFolder(target);
  return { file, ...digest };
}

/** Size and SHA-256 of a file; with `sync`, its bytes are on disk afterwards. */
export async function digestOf(path: string, sync = false): Promise<{ bytes: number; sha256: string }> {
  const handle = await open(path, 'r');
  try {
    if (sync) await handle.sync();
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(1 << 20);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, bytes);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

function syncFolder(path: string): void {
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Removes files of ours that are no parts (yet); what cannot be removed is left to the next who cleans up. */
export function removeFiles(folder: string, files: readonly string[]): void {
  for (const file of files) {
    fs.rmSync(join(folder, file), { force: true });
    // A folder that is now empty; any other error is none of ours.
    try {
      if (file.includes('/')) fs.rmdirSync(dirname(join(folder, file)));
    } catch {}
  }
}

/**
 * Removes what a broken off writer left behind, and retired files that nobody reads any more. Does nothing while
 * somebody writes. `now`: UTC milliseconds.
 */
export async function cleanUp(dir: string, manifest: FlowManifestStore, now: number): Promise<void> {
  const folder = flowFolder(dir);
  const lock = takeRunLock(dir, WRITING);
  if (!lock) return;
  try {
    const retired = await manifest.retiredBefore(now - READING_MS);
    removeFiles(folder, retired);
    if (retired.length > 0) await manifest.forgetRetired(retired);
    const known = new Set(await manifest.files());
    const { staged, parts, spills } = filesIn(folder);
    removeFiles(folder, [...staged, ...parts.filter((file) => !known.has(file))]);
    for (const spill of spills) fs.rmSync(join(folder, spill), { recursive: true, force: true });
  } finally {
    lock.release();
  }
}

/** What is in the folder, by what it is; paths below it. */
export function filesIn(folder: string): { staged: string[]; parts: string[]; spills: string[]; foreign: string[] } {
  const found = { staged: [] as string[], parts: [] as string[], spills: [] as string[], foreign: [] as string[] };
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry;
    const spill = SPILL.exec(name);
    if (entry.isFile() && STAGED.test(name)) found.staged.push(name);
    else if (entry.isDirectory() && spill) {
      if (!isRunning(Number(spill[1]))) found.spills.push(name);
    } else if (entry.isDirectory() && PERIOD.test(name)) {
      for (const inner of fs.readdirSync(join(folder, name), { withFileTypes: true }))
        (inner.isFile() && PART.test(inner.name) ? found.parts : found.foreign).push(`${name}/${inner.name}`);
    } else found.foreign.push(name);
  }
  return found;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
