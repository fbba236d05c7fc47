import { html } from '../reports/html.ts';
import { sha256 } from '../util/sha256.ts';
import { check } from './check.ts';
import { asOf, type Context } from './context.ts';
import { openState } from './state.ts';

export interface ReportResult {
  readonly text: string;
  /** SHA-256 of the text, hex. */
  readonly sha256: string;
  readonly outcome: Awaited<ReturnType<typeof check>>;
}

/** Makes the HTML report of the present facts. */
export async function makeReport(context: Context): Promise<ReportResult> {
  const outcome = await check(context);
  const { result, frameworks, rules } = outcome;
  const text = html.render(
    { result, frameworks, rules, failOn: outcome.workspace.register.failOn ?? 'medium' },
    { width: 100, color: false },
  );
  return { text, sha256: sha256(text), outcome };
}

/** Records that evidence left the store, where it can be recorded. */
export async function recordExport(context: Context, report: ReportResult, file: string): Promise<void> {
  const { store, readOnly } = await openState(context);
  try {
    if (!store || readOnly) return;
    const now = context.now();
    const body = {
      format: 'html',
      file,
      sha256: report.sha256,
      asOf: asOf(context),
      register: report.outcome.workspace.register.digest,
    };
    await store.appendEvents(
      [
        {
          type: 'evidence.exported',
          observedAt: now,
          actor: context.actor,
          subject: report.outcome.workspace.register.name,
          body,
        },
      ],
      now,
    );
  } finally {
    await store?.close();
  }
}
