import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface CheckpointFlags extends PlaceOptions {
  readonly witness?: readonly string[];
  readonly key?: string;
  readonly output?: string;
  readonly quiet?: boolean;
}

export function define(parent: Command): void {
  const summary = 'sign what is recorded up to now, and send that off this machine';
  const command = parent
    .command('checkpoint')
    .summary(summary)
    .description(
      `${summary}.\nPrints a C2SP checkpoint. The first one makes the key of the ledger, in the state directory.\nExit code 3 where a witness could not be reached; the next checkpoint covers this one.`,
    )
    .option(
      '--witness <where>',
      'send it there too (may be given again): file:PATH, git:FOLDER, or a URL that takes a POST; quietdoor.yaml names those of every checkpoint',
      (where: string, before: readonly string[] = []) => [...before, where],
    )
    .option('--key <kind>', 'of a key that is made: ed25519 or ecdsa-p256')
    .option('-o, --output <file>', 'write it to a file instead of standard output')
    .option('-q, --quiet', 'no words on standard error')
    .action(async (flags: CheckpointFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { makeCheckpoint, openSequencer } = await import('../../../app/ledger-checkpoint.ts');
      const { parseWitness, tellWitness, tellWitnesses } = await import('../../../app/ledger-witness.ts');
      const context = openContext(flags);
      const witnesses = (flags.witness ?? []).map((text) => ({ text, witness: parseWitness(text) }));
      const { loadRegister } = await import('../../../app/load-register.ts');
      const { witnesses: configured = [] } = (await loadRegister(context, null)).register;
      await using sequencer = await openSequencer(context, flags.key);
      const checkpoint = await makeCheckpoint(context, sequencer);
      await writeResult(checkpoint.signed, flags);
      progress(flags, `${checkpoint.size} records, signed with ${sequencer.signing.key.fingerprint}`);
      const answers = [...(await tellWitnesses(context, configured, checkpoint))];
      for (const { text, witness } of witnesses)
        answers.push({ where: text, failed: await tellWitness(context, witness, checkpoint) });
      for (const { where, failed } of answers) {
        if (failed === null) progress(flags, `sent to ${where}`);
        else {
          process.stderr.write(`could not be sent to ${where}: ${failed}\n`);
          process.exitCode = EXIT.gaps;
        }
      }
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor ledger checkpoint --witness file:/mnt/worm/db-1.txt', 'to a share that can only be appended to'],
    ['quietdoor ledger checkpoint --witness https://witness.example.org/', 'to a service of others'],
  ]);
}
