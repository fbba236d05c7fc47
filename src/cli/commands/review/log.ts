import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { SignedSitting } from '../../../app/review-log.ts';
import { count, utcTime } from '../../../util/words.ts';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface ReviewLogFlags extends OutputOptions, PlaceOptions {
  readonly until?: string;
  readonly decide?: string;
  readonly sign?: string;
  readonly by?: string;
  readonly ssh: boolean;
  readonly key?: string;
  readonly status: boolean;
  readonly show?: string;
}

export function define(parent: Command): void {
  const command = parent
    .command('log')
    .description('review the records, alerts and unusual patterns since the last sitting (NIST AU-6)')
    .option('--until <time>', 'end of what is reviewed; default: now')
    .option('--decide <file>', 'ask for a decision of every open item of a worksheet, on a terminal')
    .option('--sign <file>', 'sign the sitting of a worksheet in which everything is decided')
    .option('--by <email>', 'who reviewed; default: user.email of git')
    .option('--ssh', 'sign with an SSH key too', false)
    .option('--key <file>', 'the SSH key; default: user.signingKey of git, or one in ~/.ssh')
    .option('--status', 'sittings until now, and when the next one is due', false)
    .option('--show <record>', 'the decisions of a sitting, and whether its SSH signature is good')
    .action(async (flags: ReviewLogFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const context = openContext(flags);
      if (flags.status) return status(flags);
      if (flags.show !== undefined) {
        const { showSitting } = await import('../../../app/review-show.ts');
        const { renderSitting } = await import('../../../reports/log-review-sitting.ts');
        const sitting = await showSitting(context, flags.show);
        await writeResult(renderSitting(sitting, flags.format), flags);
        if (sitting.signature.kind === 'forged') process.exitCode = EXIT.findings;
        return;
      }
      if (flags.decide !== undefined) return decide(flags.decide);
      if (flags.sign !== undefined) {
        const { signLogReview } = await import('../../../app/review-log.ts');
        const options = { by: flags.by, sign: flags.ssh || flags.key !== undefined, key: flags.key };
        return tellSigned(await signLogReview(context, flags.sign, options), flags);
      }
      const { draftLogReview } = await import('../../../app/review-log.ts');
      const { parseTime } = await import('../../../app/parse-time.ts');
      const until = flags.until === undefined ? context.now() : parseTime(flags.until, context.now());
      const draft = await draftLogReview(context, until);
      const json = { schemaVersion: 1, digest: `sha256:${draft.digest}`, ...draft.queue };
      await writeResult(flags.format === 'json' ? `${JSON.stringify(json, null, 2)}\n` : draft.worksheet, flags);
      progress(
        flags,
        `${count(draft.queue.items.length, 'item')} to decide, ${utcTime(draft.queue.from)} to ${utcTime(draft.queue.until)}. ` +
          'Fill in the worksheet (or: quietdoor review log --decide FILE), then: quietdoor review log --sign FILE',
      );
    });
  withPlace(command);
  withOutput(command, ['yaml', 'json']);
  withExamples(command, [
    ['quietdoor review log -o sitting.yaml', 'make the worksheet of the next sitting'],
    ['quietdoor review log --decide sitting.yaml', 'go through it on a terminal'],
    ['quietdoor review log --sign sitting.yaml --by me@example.org', 'sign the sitting into the ledger'],
    ['quietdoor review log --show 412', 'what was decided in the sitting of that record'],
    ['quietdoor review log --status', 'who reviewed until when, and when the next sitting is due'],
  ]);
}

async function status(flags: ReviewLogFlags): Promise<void> {
  const { openContext } = await import('../../../app/context.ts');
  const { logReviewStatus } = await import('../../../app/review-log.ts');
  const { renderLogReviewStatus } = await import('../../../reports/log-review-status.ts');
  const context = openContext(flags);
  const found = await logReviewStatus(context);
  await writeResult(renderLogReviewStatus(found, context.now(), flags.format), flags);
}

/** Asks for what is open, and writes each answer at once: what was decided is not lost. */
async function decide(file: string): Promise<void> {
  const { UserError } = await import('../../../model/errors.ts');
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UserError('there is no terminal to ask on', {
      hint: `Edit ${file} instead: give every item its decision.`,
    });
  const { createInterface } = await import('node:readline/promises');
  const { openItems, writeDecision } = await import('../../../app/review-worksheet.ts');
  const { writeFileWhole } = await import('../../../app/write-file.ts');
  const { printable } = await import('../../../reports/printable.ts');
  let text = readFileSync(file, 'utf8');
  const items = openItems(text, file);
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (const [i, item] of items.entries()) {
      // Names of processes and notes of others come from outside.
      const [what, says, seen] = [item.what, item.says, item.seen].map(printable);
      process.stderr.write(`\n${i + 1} of ${items.length}  ${what}\n  ${says}\n  seen ${seen}\n`);
      const answer = (await lines.question('  [n]ormal, [f]ollow-up, [i]ncident, [s]kip, [q]uit: '))
        .trim()
        .toLowerCase();
      if (answer === 'q') return;
      const decision = ({ n: 'normal', f: 'follow-up', i: 'incident' } as const)[answer.slice(0, 1)];
      if (decision === undefined) continue;
      let note = '';
      do
        note = (
          await lines.question(decision === 'normal' ? '  note (may be empty): ' : '  note (who, where): ')
        ).trim();
      while (note === '' && decision !== 'normal');
      text = writeDecision(text, file, item.index, decision, note);
      writeFileWhole(file, text);
    }
    process.stderr.write(`\nWhen everything is decided: quietdoor review log --sign ${file}\n`);
  } catch (error) {
    // Ctrl-C and Ctrl-D: what was decided until then is in the file.
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
    process.stderr.write(
      `\nStopped; what was decided is in ${file}. Go on with: quietdoor review log --decide ${file}\n`,
    );
    process.exitCode = EXIT.interrupted;
  } finally {
    lines.close();
  }
}

async function tellSigned(sitting: SignedSitting, flags: ReviewLogFlags): Promise<void> {
  const { decisions, problem, ...rest } = sitting;
  const words = Object.entries(decisions).map(([decision, n]) => `${n} ${decision}`);
  const text =
    `Signed by ${sitting.by}: ${utcTime(sitting.from)} to ${utcTime(sitting.until)}, ${count(sitting.items, 'item')} (${words.join(', ')}), ` +
    `record ${sitting.record} of the ledger${sitting.isSigned ? ', with an SSH signature' : ''}.\n`;
  const json = { schemaVersion: 1, ...rest, decisions, underCheckpoint: problem === null };
  await writeResult(flags.format === 'json' ? `${JSON.stringify(json, null, 2)}\n` : text, flags);
  if (problem !== null) {
    process.stderr.write(
      `The sitting is recorded, but its checkpoint is not where it should be: ${problem}\nTry: quietdoor ledger checkpoint\n`,
    );
    process.exitCode = EXIT.gaps;
  }
}
