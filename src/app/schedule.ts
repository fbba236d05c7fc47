import type { Event } from '../model/event.ts';
import type { ScheduleState } from '../model/schedule.ts';
import { type ScheduleRun, scheduleStates } from '../model/schedule-state.ts';
import type { LoadedWorkspace } from '../register/workspace.ts';
import type { Store } from '../store/store.ts';

/** Versions of the register that are looked at. */
const VERSIONS = 200;

/** What became of each item of the schedule; undefined where the workspace has none. `store` null: nothing ever ran. */
export async function loadSchedule(
  store: Store | null,
  workspace: LoadedWorkspace,
  now: number,
): Promise<readonly ScheduleState[] | undefined> {
  const items = workspace.register.schedule;
  if (!items) return undefined;
  if (!store) return scheduleStates(items, [], null, now);
  const runs: ScheduleRun[] = [];
  // Each by itself: the newest run of a monthly item lies behind thousands of an hourly one.
  for (const { name } of items) {
    const [newest] = await store.events({ types: ['schedule.ran'], subject: name, limit: 1 });
    if (newest) runs.push(...runOf(newest));
  }
  return scheduleStates(items, runs, await knownSince(store, workspace), now);
}

function runOf({ subject, body }: Event): ScheduleRun[] {
  const { started, exit, cron, timeZone } = body;
  if (typeof started !== 'number' || typeof exit !== 'number') return [];
  return [{ name: subject, started, exit, cron: String(cron), timeZone: String(timeZone) }];
}

/**
 * When the schedule as it is was first kept (UTC milliseconds): before that nothing was due by it. Goes back over the kept
 * versions of the register for as long as the schedule is the same; null where none was kept.
 */
async function knownSince(store: Store, workspace: LoadedWorkspace): Promise<number | null> {
  const schedule = scheduleText(workspace.files);
  let since: number | null = null;
  for (const { body, observedAt } of await store.events({ types: ['register.changed'], limit: VERSIONS })) {
    const bytes = typeof body.document === 'string' ? await store.document(body.document) : undefined;
    if (!bytes) break;
    const { files } = JSON.parse(Buffer.from(bytes).toString()) as { files: { path: string; text: string }[] };
    if (scheduleText(files) !== schedule) break;
    since = observedAt;
  }
  return since;
}

/** A part of a file from `schedule:` to the next key at its top level. */
const SCHEDULE = /^["']?schedule["']?[ \t]*:.*(?:\r?\n(?:[ \t#\]-].*)?)*/m;

/** What quietdoor.yaml and those that it extends schedule, without comments of their own line: as they are written. */
function scheduleText(files: readonly { readonly path: string; readonly text: string }[]): string {
  return files
    .filter(({ path }) => /(^|\/)quietdoor\.ya?ml$/.test(path))
    .map(({ path, text }) => `${path}\n${SCHEDULE.exec(text)?.[0] ?? ''}`)
    .flatMap((text) => text.split('\n').map((line) => line.trimEnd()))
    .filter((line) => line !== '' && !/^\s*#/.test(line))
    .join('\n');
}
