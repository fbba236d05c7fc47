import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { writeResult } from '../../output.ts';

interface VerifyFlags extends OutputOptions, PlaceOptions {
  readonly from?: string;
  readonly key?: string;
  readonly witnessed?: string;
  readonly export?: string;
  readonly proof?: string;
  readonly publicKey?: string;
  readonly strict: boolean;
}

export function define(parent: Command): void {
  const summary = 'check that no record was altered, removed, put in or reordered';
  const command = parent
    .command('verify')
    .summary(summary)
    .description(
      `${summary}: records, tree, checkpoints, keys.\nWithout --key, --witnessed or --from it can only say that the ledger is consistent in itself.\nExit code 0 only if all holds, 1 if something does not; 3 where nothing says who signed a proof. With --strict, 3 also\nwithout --key and --witnessed, and where records came after the newest checkpoint.`,
    )
    .option('--key <fingerprint>', 'of the key of the ledger, known from elsewhere')
    .option(
      '--witnessed <file>',
      'checkpoints kept elsewhere: the end of the ledger was not cut off, nothing rewritten',
    )
    .option('--from <file>', 'trust the newest checkpoint in this file, and look only at what came later')
    .option('--export <dir>', 'verify an export or archive instead of the store')
    .option('--proof <file>', 'verify a proof that "ledger prove" made instead of the store')
    .option('--public-key <file>', 'of the key of the ledger, with --proof: checks the signature')
    .option('--strict', 'nothing counts that no key and no witness from elsewhere stands behind', false)
    .action(async (flags: VerifyFlags) => {
      const { verifyWhatIsMeant } = await import('../../../app/ledger-verify-any.ts');
      const { verdictText } = await import('../../../reports/ledger-verdict.ts');
      const { verdict, notices } = await verifyWhatIsMeant(flags);
      await writeResult(verdictText(verdict, notices, flags.format), flags);
      const isOpen = verdict.proof
        ? !verdict.proof.isVouchedFor
        : flags.strict && (verdict.trust !== 'both' || verdict.last > verdict.signed);
      process.exitCode = verdict.problems.length > 0 ? EXIT.findings : isOpen ? EXIT.gaps : EXIT.clean;
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor ledger verify', 'all of it, in itself'],
    ['quietdoor ledger verify --key sha256:… --witnessed db-1.txt', 'against what was written down elsewhere'],
    ['quietdoor ledger verify --export ledger-2026 --key sha256:…', 'an export'],
    ['quietdoor ledger verify --proof 4711.tlog-proof --public-key public-key.pem', 'one record'],
  ]);
}
