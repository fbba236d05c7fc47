import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { Checkpoint } from '../ledger/checkpoint.ts';
import { UserError } from '../model/errors.ts';
import { askGit, runGit, whyNot } from '../register/git.ts';
import type { Context } from './context.ts';

/** A place off this machine's reach that keeps checkpoints. */
export type Witness =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'webhook'; readonly url: string }
  | { readonly kind: 'git'; readonly folder: string };

const WEBHOOK_TIMEOUT_MS = 10_000;
/** File in a repository that checkpoints are appended to. */
const GIT_FILE = 'quietdoor-checkpoints.txt';

/** Reads `file:PATH`, `git:FOLDER` or a URL; `folder`: where relative paths start. Throws UserError. */
export function parseWitness(text: string, folder = '.'): Witness {
  const [, scheme, rest] = /^(file|git):(.+)$/.exec(text) ?? [];
  if (scheme === 'file') return { kind: 'file', path: resolve(folder, rest as string) };
  if (scheme === 'git') return { kind: 'git', folder: resolve(folder, rest as string) };
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return { kind: 'webhook', url: text };
  throw new UserError(`"${text}" names no witness`, { hint: 'Expected file:PATH, git:FOLDER, or an https URL.' });
}

/** Hands a checkpoint to a witness; null where it has it, else why not. Never throws. */
export async function tellWitness(context: Context, witness: Witness, checkpoint: Checkpoint): Promise<string | null> {
  try {
    if (witness.kind === 'webhook') await post(witness.url, checkpoint);
    else if (witness.kind === 'file') appendNote(inReach(context, placeOf(witness)), checkpoint);
    else await commit(context, witness.folder, inReach(context, placeOf(witness)), checkpoint);
    return null;
  } catch (error) {
    const { message, cause } = error as Error;
    return cause instanceof Error ? `${message}: ${cause.message}` : message;
  }
}

/** What became of handing a checkpoint to a witness of quietdoor.yaml; `failed`: null where it has it, else why not. */
export interface WitnessAnswer {
  readonly where: string;
  readonly failed: string | null;
}

/**
 * Hands a checkpoint to every witness that quietdoor.yaml names. Never throws. What the workspace says may come from other people
 * than who runs this: outside of it, only a file that is there already and empty or holds checkpoints is written to.
 */
export async function tellWitnesses(
  context: Context,
  witnesses: readonly string[],
  checkpoint: Checkpoint,
): Promise<readonly WitnessAnswer[]> {
  const answers: WitnessAnswer[] = [];
  for (const where of witnesses) {
    const witness = parseWitness(where, context.workspace);
    const foreign = witness.kind === 'webhook' ? null : whyForeign(context, witness, checkpoint);
    answers.push({ where, failed: foreign ?? (await tellWitness(context, witness, checkpoint)) });
  }
  return answers;
}

/** The file that checkpoints really end up in: links lead where they lead. */
function placeOf(witness: Exclude<Witness, { kind: 'webhook' }>): string {
  const path = witness.kind === 'file' ? witness.path : join(witness.folder, GIT_FILE);
  for (const real of [() => realpathSync(path), () => join(realpathSync(dirname(path)), basename(path))])
    try {
      return real();
    } catch {
      // Not there: perhaps the folder is. Without it nothing can be written.
    }
  return path;
}

function isInside(context: Context, place: string): boolean {
  return relative(realpathSync(context.workspace), place).split('/')[0] !== '..';
}

function whyForeign(
  context: Context,
  witness: Exclude<Witness, { kind: 'webhook' }>,
  { signed }: Checkpoint,
): string | null {
  const origin = Buffer.from(signed.slice(0, signed.indexOf('\n') + 1));
  const head = Buffer.alloc(origin.length);
  let path: string;
  try {
    path = placeOf(witness);
    if (isInside(context, path)) return null;
    if (!existsSync(path)) return `${path} lies outside the workspace and is not there; make it, empty, once`;
    const file = openRegular(path, constants.O_RDONLY);
    try {
      const { size } = fstatSync(file);
      if (size === 0) return null;
      readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    return (error as Error).message;
  }
  return head.equals(origin)
    ? null
    : `${path} lies outside the workspace and holds something else than checkpoints of this ledger`;
}

/** A schedule comes with the workspace, perhaps from other people: it writes into the workspace only. */
function inReach(context: Context, path: string): string {
  if (context.env.QUIETDOOR_DUE === '1' && !isInside(context, path))
    throw new Error('a scheduled run writes into its workspace only');
  return path;
}

/** Opens a file that is no link any more. A pipe would wait for whoever is at its other end, a device do as it likes: neither is. */
function openRegular(path: string, flags: number): number {
  const file = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o644);
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new Error(`${path} is no regular file`);
}

/** Appends a checkpoint, once, and flushes it. A last line that was cut off stays apart from it. */
function appendNote(path: string, { signed }: Checkpoint): void {
  const file = openRegular(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT);
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(Math.min(size, Buffer.byteLength(signed) + 1));
    readSync(file, tail, 0, tail.length, size - tail.length);
    const text = tail.toString();
    if (text.endsWith(`${signed}\n`)) return;
    writeSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${signed}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

async function post(url: string, { signed }: Checkpoint): Promise<void> {
  const answer = await fetch(url, {
    method: 'POST',
    body: signed,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'quietdoor' },
    redirect: 'error',
    signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`it answered ${answer.status}`);
}

async function commit(context: Context, folder: string, file: string, checkpoint: Checkpoint): Promise<void> {
  const inside = await askGit(folder, ['rev-parse', '--is-inside-work-tree'], context);
  if (inside.kind !== 'answer') throw new Error(`${folder} is no git repository: ${inside.reason}`);
  appendNote(file, checkpoint);
  const run = async (args: readonly string[], config: [string, string][] = []): Promise<string> => {
    const done = await runGit(folder, args, { env: context.env, config });
    if (done.kind !== 'ended' || done.code !== 0) throw new Error(`git ${args[0]}: ${whyNot(done)}`);
    return done.stdout.toString().trim();
  };
  await run(['add', '--', GIT_FILE]);
  if ((await run(['status', '--porcelain', '--', GIT_FILE])) === '') return;
  const named = await askGit(folder, ['config', 'user.email'], context);
  const identity: [string, string][] =
    named.kind === 'answer' && named.text !== ''
      ? []
      : [
          ['user.name', 'quietdoor'],
          ['user.email', `quietdoor@${hostname()}`],
        ];
  const message = `ledger: checkpoint of ${checkpoint.size} records`;
  await run(['commit', '--quiet', '-m', message, '--', GIT_FILE], [...identity, ['commit.gpgsign', 'false']]);
}
