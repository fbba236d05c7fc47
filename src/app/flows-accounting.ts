import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CONNTRACK_SYSCTLS, networkNamespace } from '../collectors/flows/conntrack-facts.ts';
import { UserError } from '../model/errors.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { openStateToWrite } from './state.ts';
import { writeFileWhole } from './write-file.ts';

/** One setting of the kernel that is to change. */
export interface SettingChange {
  /** `net.netfilter.nf_conntrack_acct`. */
  readonly setting: string;
  readonly old: string;
  readonly new: string;
  /** What it does. */
  readonly effect: string;
}

/** What `--enable-accounting` would change, in one network namespace. */
export interface AccountingPlan {
  readonly changes: readonly SettingChange[];
  /** `net:[4026531840]`. */
  readonly namespace: string | null;
}

const SETTINGS = [
  { name: 'nf_conntrack_acct', effect: 'packets and bytes of connections that begin from now on are counted' },
  { name: 'nf_conntrack_timestamp', effect: 'the kernel keeps when a connection began' },
] as const;

const schema = z.object({
  namespace: z.string().nullable(),
  changes: z.array(
    z.object({ setting: z.string(), old: z.string().regex(/^\d{1,9}$/), new: z.string(), effect: z.string() }),
  ),
});

const recordFile = (context: Context) => join(context.state, 'flows-settings.json');
const pathOf = (setting: string) => join(CONNTRACK_SYSCTLS, setting.slice('net.netfilter.'.length));

/** What would change. Changes nothing. Throws UserError where the settings cannot be read. */
export function planAccounting(): AccountingPlan {
  const changes = SETTINGS.flatMap(({ name, effect }) => {
    const setting = `net.netfilter.${name}`;
    const old = readSetting(setting);
    return old === '0' ? [{ setting, old, new: '1', effect }] : [];
  });
  return { changes, namespace: networkNamespace() };
}

/** What an earlier run changed and has not put back; null: nothing. */
export function changedSettings(context: Context): AccountingPlan | null {
  let text: string;
  try {
    text = readFileSync(recordFile(context), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${recordFile(context)} is damaged: it says which settings were changed`, {
      hint: 'The events say it too: quietdoor events --type setting.changed. Put them back by hand, then remove the file.',
      cause: error,
    });
  }
}

/** Carries out the plan: first written down how it was, then changed, then recorded. */
export async function enableAccounting(context: Context, plan: AccountingPlan): Promise<void> {
  if (plan.changes.length === 0) return;
  await using store = await openStateToWrite(context);
  writeFileWhole(recordFile(context), `${JSON.stringify(plan, null, 2)}\n`);
  for (const change of plan.changes) writeSetting(change.setting, change.new);
  await recordChanges(context, store, plan.changes, 'flows collect --enable-accounting');
}

/** Puts back what was changed; what somebody else has changed since stays. Returns what was put back. */
export async function undoAccounting(context: Context): Promise<readonly SettingChange[]> {
  const plan = changedSettings(context);
  if (plan === null) return [];
  const namespace = networkNamespace();
  if (plan.namespace !== namespace)
    throw new UserError(`the settings were changed in the network namespace ${plan.namespace}; this is ${namespace}`, {
      hint: 'Run this in that namespace. If it is gone, so are its settings: remove flows-settings.json in the state.',
    });
  const back = plan.changes
    .filter((change) => readSetting(change.setting) === change.new)
    .map((change) => ({ ...change, old: change.new, new: change.old, effect: 'as it was' }));
  await using store = await openStateToWrite(context);
  for (const change of back) writeSetting(change.setting, change.new);
  await recordChanges(context, store, back, 'flows collect, put back');
  rmSync(recordFile(context), { force: true });
  return back;
}

async function recordChanges(
  context: Context,
  store: Store,
  changes: readonly SettingChange[],
  because: string,
): Promise<void> {
  const drafts = changes.map((change) => ({
    type: 'setting.changed' as const,
    observedAt: context.now(),
    actor: context.actor,
    subject: change.setting,
    body: { setting: change.setting, old: change.old, new: change.new, because },
  }));
  if (drafts.length > 0) await store.appendEvents(drafts, context.now());
}

function readSetting(setting: string): string {
  try {
    return readFileSync(pathOf(setting), 'latin1').trim();
  } catch (error) {
    throw new UserError(`${setting} cannot be read: ${(error as Error).message}`, {
      hint: 'The kernel has no connection tracking here, or its module (nf_conntrack) is not loaded.',
      cause: error,
    });
  }
}

function writeSetting(setting: string, value: string): void {
  try {
    writeFileSync(pathOf(setting), value);
  } catch (error) {
    throw new UserError(`${setting} could not be set to ${value}: ${(error as Error).message}`, {
      hint: 'Changing it needs root, and /proc/sys must not be read-only. What was changed: --undo puts it back.',
      cause: error,
    });
  }
}
