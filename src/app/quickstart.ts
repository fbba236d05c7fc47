import { hostname } from 'node:os';
import { join } from 'node:path';
import type { CheckOutcome } from './check.ts';
import { type Context, openContext, type PlaceFlags } from './context.ts';
import { draftRegister } from './draft.ts';
import { initWorkspace } from './init.ts';
import { makeReport, recordExport } from './report.ts';
import { scan } from './scan.ts';
import { writeFileWhole } from './write-file.ts';

export interface QuickstartResult {
  readonly context: Context;
  /** The workspace was there before. */
  readonly again: boolean;
  readonly listeners: number;
  readonly gaps: readonly { readonly message: string; readonly remedy?: string }[];
  readonly changes: { readonly opened: number; readonly closed: number; readonly changed: number };
  readonly drafted: number;
  readonly outcome: CheckOutcome;
  /** Absolute path of the report. */
  readonly report: string;
}

/**
 * The main job on this machine from nothing: workspace, scan, drafts, checks, report. A workspace that is there is
 * used; what a person edited in it stays. `step` is told what is being done.
 */
export async function quickstart(
  dir: string,
  flags: PlaceFlags,
  step: (what: string) => void,
): Promise<QuickstartResult> {
  const { made } = initWorkspace(dir, hostname());
  const context = openContext({ ...flags, workspace: dir });
  step('looking at the sockets of every network namespace');
  const { observation, events } = await scan(context, { collector: 'local', hashes: true, root: '/' });
  step('drafting register entries for what listens');
  const { ids } = await draftRegister(context, { write: true });
  step('comparing and writing the report');
  const report = await makeReport(context);
  const path = join(context.workspace, 'report.html');
  writeFileWhole(path, report.text);
  await recordExport(context, report, 'report.html');
  const count = (type: string) => events.filter((event) => event.type === type).length;
  return {
    context,
    again: made.length === 0,
    listeners: observation.listeners.length,
    gaps: observation.gaps,
    changes: { opened: count('listener.opened'), closed: count('listener.closed'), changed: count('listener.changed') },
    drafted: ids.length,
    outcome: report.outcome,
    report: path,
  };
}
