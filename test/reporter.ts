import type { TestEvent } from 'node:test/reporters';
import { inspect, styleText } from 'node:util';

/**
 * Reporter for `node --test`: failures with their cause, skips with their reason, and the one closing line
 * `N passed, N failed, N skipped`. A run without a test is a failure.
 */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const started = Date.now();
  const skips = new Map<string, number>();
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for await (const event of source) {
    if (event.type === 'test:fail') {
      const cause = event.data.details.error?.cause;
      // A suite or a file fails because something inside it did; that something is reported itself.
      if (event.data.details.error && 'failureType' in event.data.details.error) {
        if (event.data.details.error.failureType === 'subtestsFailed') continue;
      }
      failed++;
      yield `${styleText('red', '✗')} ${event.data.file ?? ''}:${event.data.line ?? 0}  ${event.data.name}\n${indent(describe(cause ?? event.data.details.error))}\n`;
    } else if (event.type === 'test:pass') {
      if (event.data.details.type === 'suite') continue;
      if (event.data.skip !== undefined || event.data.todo !== undefined) {
        skipped++;
        const reason = String(event.data.skip || event.data.todo || event.data.name);
        skips.set(reason, (skips.get(reason) ?? 0) + 1);
      } else passed++;
    } else if (event.type === 'test:stderr') {
      yield event.data.message;
    }
  }
  if (passed + failed === 0) {
    failed = 1;
    yield 'No test ran: the patterns match no test file.\n';
  }
  for (const [reason, count] of skips) yield `skipped ${count}: ${reason}\n`;
  if (failed > 0) process.exitCode = 1;
  yield `${((Date.now() - started) / 1000).toFixed(1)} s\n`;
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

function describe(error: unknown): string {
  if (error instanceof Error) return error.stack ?? error.message;
  // Whatever was thrown: not everything can be made a string.
  return typeof error === 'string' ? error : inspect(error);
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
