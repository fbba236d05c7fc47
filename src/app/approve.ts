import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { formatPosition, UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import { buildMatcher, mergeHosts } from '../model/match.ts';
import type { Register, RegisterEntry } from '../model/register.ts';
import { approvalPayload, signPayload } from '../register/signature.ts';
import { stampApproval, stampReview } from '../register/stamp.ts';
import { didYouMean } from '../register/suggest.ts';
import { utcDay } from '../util/words.ts';
import type { Context } from './context.ts';
import { loadHosts } from './identities.ts';
import { loadRegister } from './load-register.ts';
import { keyToSignWith, signerOf } from './signer.ts';
import { openState, withStateToRead } from './state.ts';
import { writeFileWhole } from './write-file.ts';

export interface StampedEntry {
  readonly id: string;
  readonly by: string;
  readonly digest: string;
  /** Hosts that the approval was given for, of those known today. */
  readonly hosts: readonly string[];
  /** File that was written, relative to the workspace. */
  readonly file: string;
  /** What the person should know of it; not an error. */
  readonly warning?: string;
}

/** Writes approvals into the register, and an event for each. Throws UserError; entries before the one at fault stay approved. */
export async function approveEntries(
  context: Context,
  ids: readonly string[],
  options: { readonly by: string | undefined; readonly sign: boolean; readonly key: string | undefined },
): Promise<readonly StampedEntry[]> {
  const by = signerOf(context, options.by, 'the approver');
  const key = options.sign ? keyToSignWith(context, options.key) : undefined;
  const { register } = await loadRegister(context, null);
  refuseUnlessAllowed(register, by);
  const identities = await withStateToRead(context, (store) => loadHosts(store, register, context.now()));
  const known = identities.hosts.map((state) => state.host);
  const matcher = buildMatcher(register.entries, mergeHosts([...known, ...identities.known]));
  const done: StampedEntry[] = [];
  for (const entry of ids.map((id) => entryToStamp(register, id))) {
    const at = Math.floor(context.now() / 1000) * 1000; // what the file can say
    const hosts = matcher.hostsSelected(entry);
    const payload = approvalPayload({ entry: entry.id, digest: entry.digest, by, at, hosts });
    const proof = key === undefined ? {} : { proof: await signPayload(payload, key, context.env) };
    edit(context, entry, (text, file) =>
      stampApproval(text, entry.id, { by, at, digest: entry.digest, hosts, ...proof }, file),
    );
    const warning = warningOf(entry, at);
    done.push({ id: entry.id, by, digest: entry.digest, hosts, file: entry.at.file, ...warning });
    await record(context, {
      type: 'entry.approved',
      observedAt: at,
      actor: context.actor,
      subject: entry.id,
      body: { by, digest: entry.digest, hosts, signed: key !== undefined },
    });
  }
  return done;
}

/** An approval allows nothing where the entry has run out: whoever approves it should know. */
function warningOf(entry: RegisterEntry, now: number): { readonly warning?: string } {
  if (entry.expires === null || entry.expires > now) return {};
  const warning = `${entry.id} expired on ${utcDay(entry.expires)}: this approval allows nothing. Set a later expires at ${formatPosition(entry.at)} and approve it again.`;
  return { warning };
}

/** Writes reviews into the register, and an event for each. */
export async function reviewEntries(
  context: Context,
  ids: readonly string[],
  options: { readonly by: string | undefined },
): Promise<readonly StampedEntry[]> {
  const by = signerOf(context, options.by, 'the reviewer');
  const { register } = await loadRegister(context, null);
  const done: StampedEntry[] = [];
  for (const entry of ids.map((id) => entryToStamp(register, id))) {
    const last = Math.floor(context.now() / 1000) * 1000;
    edit(context, entry, (text, file) =>
      stampReview(text, entry.id, { ...entry.review, last, by, digest: entry.digest }, file),
    );
    done.push({ id: entry.id, by, digest: entry.digest, hosts: [], file: entry.at.file });
    await record(context, {
      type: 'entry.reviewed',
      observedAt: last,
      actor: context.actor,
      subject: entry.id,
      body: { by, digest: entry.digest },
    });
  }
  return done;
}

function entryToStamp(register: Register, id: string): RegisterEntry {
  const entry = register.entries.find((e) => e.id === id);
  if (!entry) {
    const near = didYouMean(
      id,
      register.entries.map((e) => e.id),
    );
    const broken = register.problems.some((problem) => problem.severity === 'error');
    throw new UserError(`the register has no entry "${id}"`, {
      hint:
        near ?? (broken ? 'Some entries could not be read: quietdoor register lint' : 'See: quietdoor register list'),
    });
  }
  if (entry.inheritedFrom !== null || isAbsolute(entry.at.file)) {
    throw new UserError(`${id} is inherited from ${entry.inheritedFrom ?? entry.at.file}`, {
      hint: 'Approve it in the workspace that it comes from.',
    });
  }
  return entry;
}

function refuseUnlessAllowed(register: Register, by: string): void {
  const { approvers } = register.policy;
  if (approvers.length > 0 && !approvers.some((approver) => approver.toLowerCase() === by.toLowerCase())) {
    throw new UserError(`${by} may not approve: policy.approvers of quietdoor.yaml names ${approvers.join(', ')}`);
  }
}

function edit(context: Context, entry: RegisterEntry, change: (text: string, file: string) => string): void {
  const path = resolve(context.workspace, entry.at.file);
  writeFileWhole(path, change(readFileSync(path, 'utf8'), entry.at.file));
}

/** The register is the authority, the ledger its witness: an approval stands although it could not be recorded here. */
async function record(context: Context, event: EventDraft): Promise<void> {
  const { store, readOnly } = await openState(context);
  try {
    if (store && readOnly === null) await store.appendEvents([event], context.now());
  } finally {
    await store?.close();
  }
}
