import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../model/errors.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { compareText } from '../util/compare.ts';
import { cleanEnv, type ProgramResult, runProgram } from './run-program.ts';

/** Namespace of the signatures (PROTOCOL.sshsig of OpenSSH), so that one made for another purpose never counts here. */
export const APPROVAL_NAMESPACE = 'quietdoor-approval';
export const REVIEW_NAMESPACE = 'quietdoor-review';

/** A person types a passphrase or touches a token meanwhile. */
const SIGN_TIMEOUT_MS = 120_000;
const VERIFY_TIMEOUT_MS = 10_000;
const MAX_SIGNATURE = 32_768;

/** What an approver signs. */
export interface ApprovalClaim {
  readonly entry: string;
  /** `sha256:<hex>` of the entry. */
  readonly digest: string;
  readonly by: string;
  /** UTC milliseconds. */
  readonly at: number;
  /** Hosts confirmed; the order does not matter. Absent: the stamp records none, which is not the same as an empty list. */
  readonly hosts?: readonly string[];
}

/**
 * Returns the bytes that are signed for an approval: RFC 8785 JSON and a newline. They name the entry, what it means,
 * who, when, and for which hosts, so that a signature fits nowhere else.
 */
export function approvalPayload(claim: ApprovalClaim): string {
  return `${canonicalJson({
    type: 'quietdoor-approval',
    version: 1,
    entry: claim.entry,
    digest: claim.digest,
    by: claim.by,
    at: new Date(claim.at).toISOString(),
    hosts: claim.hosts && [...new Set(claim.hosts)].sort(compareText),
  })}\n`;
}

/**
 * Signs a payload with an ssh key: a private key file, or a `.pub` file whose private half an ssh agent holds.
 * Returns the armoured signature, ending in a newline. ssh-keygen itself asks for a passphrase, on the terminal.
 * Throws UserError where the key cannot be used.
 */
export async function signPayload(
  payload: string,
  keyFile: string,
  env: NodeJS.ProcessEnv = process.env,
  namespace: string = APPROVAL_NAMESPACE,
): Promise<string> {
  const args = ['-Y', 'sign', '-n', namespace, '-f', keyFile];
  const done = await runProgram('ssh-keygen', args, { env: cleanEnv(env), timeoutMs: SIGN_TIMEOUT_MS, input: payload });
  const signature = done.stdout.toString('utf8');
  if (done.kind === 'ended' && done.code === 0 && signature.startsWith('-----BEGIN SSH SIGNATURE-----'))
    return signature;
  throw signingError(done, keyFile);
}

function signingError(done: ProgramResult, keyFile: string): UserError {
  if (done.kind === 'missing') {
    return new UserError('ssh-keygen is not installed, so nothing can be signed', {
      hint: 'Install the OpenSSH client (8.2 or newer), or approve without --sign: it then counts as claimed.',
    });
  }
  if (done.kind === 'timeout') {
    return new UserError(`signing with ${keyFile} was not finished within ${SIGN_TIMEOUT_MS / 1000} s`, {
      hint: 'Run it on a terminal where the passphrase can be typed, or load the key into an ssh agent.',
    });
  }
  if (/incorrect passphrase/.test(done.stderr)) {
    return new UserError(`the passphrase of ${keyFile} was wrong or could not be asked for`, {
      hint: `Run it on a terminal, or load the key first: ssh-add ${keyFile}`,
    });
  }
  if (/No such file|No private key found|agent/i.test(done.stderr)) {
    return new UserError(`no private key for ${keyFile}: ${firstLine(done.stderr)}`, {
      hint: 'Name a private key file, or a .pub file whose private key the running ssh agent holds (ssh-add -L lists them).',
    });
  }
  return new UserError(`ssh-keygen could not sign with ${keyFile}: ${firstLine(done.stderr)}`, {
    hint: 'Check that the file is an OpenSSH private key that only you can read (chmod 600).',
  });
}

/**
 * What can be said of a signature. `forged`: it does not fit these bytes and this purpose. `untrusted`: intact, but the
 * trust root does not list its key for the signer. `expired`: listed, and outside the key's validity today.
 */
export type SignatureVerdict =
  | { readonly kind: 'good'; readonly key: string }
  | { readonly kind: 'forged' | 'untrusted' | 'expired' | 'unavailable'; readonly reason: string };

/**
 * Verifies an armoured ssh signature over a payload: is it intact, and do the allowed signers (ssh-keygen(1), "ALLOWED
 * SIGNERS") list its key for `signer` now. The key in the answer is its fingerprint, `SHA256:…`. Does not throw.
 */
export async function verifySignature(
  payload: string,
  signature: string,
  signer: string,
  allowedSignersText: string,
  env: NodeJS.ProcessEnv = process.env,
  namespace: string = APPROVAL_NAMESPACE,
): Promise<SignatureVerdict> {
  if (signature.length > MAX_SIGNATURE) return { kind: 'forged', reason: 'the signature is too long to be one' };
  const dir = await mkdtemp(join(tmpdir(), 'quietdoor-verify-'));
  try {
    const signatureFile = join(dir, 'signature');
    const allowedFile = join(dir, 'allowed_signers');
    await writeFile(signatureFile, `${signature.trim()}\n`, { mode: 0o600 });
    await writeFile(allowedFile, allowedSignersText, { mode: 0o600 });
    const keygen = (...args: readonly string[]) =>
      runProgram('ssh-keygen', args, { env: cleanEnv(env), timeoutMs: VERIFY_TIMEOUT_MS, input: payload });
    const named = ['-n', namespace, '-s', signatureFile];

    const trusted = await keygen('-Y', 'verify', ...named, '-I', signer, '-f', allowedFile);
    if (trusted.kind !== 'ended') return unavailable(trusted);
    if (trusted.code === 0) return { kind: 'good', key: fingerprintIn(trusted) };

    const intact = await keygen('-Y', 'check-novalidate', ...named);
    if (intact.kind !== 'ended') return unavailable(intact);
    if (intact.code !== 0) {
      return {
        kind: 'forged',
        reason: `the signature does not fit this approval (${firstLine(intact.stderr) || 'ssh-keygen refuses it'})`,
      };
    }
    const key = fingerprintIn(intact);
    if (/key has expired|not yet valid/.test(trusted.stderr)) {
      return { kind: 'expired', reason: `the key ${key} of ${signer} is not valid today by the allowed signers` };
    }
    return {
      kind: 'untrusted',
      reason: `signed with ${key}, a key that the allowed signers do not list for ${signer}`,
    };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function unavailable(done: ProgramResult): SignatureVerdict {
  if (done.kind === 'missing') return { kind: 'unavailable', reason: 'ssh-keygen is not installed' };
  return { kind: 'unavailable', reason: `ssh-keygen did not finish (${done.kind})` };
}

function fingerprintIn(done: ProgramResult): string {
  return /\bkey (SHA256:\S+)/.exec(done.stdout.toString('utf8'))?.[1] ?? 'unknown key';
}

function firstLine(text: string): string {
  return (text.trim().split(/\r?\n/)[0] ?? '').slice(0, 200);
}
