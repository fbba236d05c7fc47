import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';

interface RotateFlags extends PlaceOptions {
  readonly key?: string;
}

export function define(parent: Command): void {
  const summary = 'replace the key that signs; the old one signs the new one';
  const command = parent
    .command('rotate')
    .summary(summary)
    .description(`${summary}, as an event, and is destroyed.\nPrints the new fingerprint: write it down elsewhere.`)
    .option('--key <kind>', 'of the new key: ed25519 or ecdsa-p256')
    .action(async (flags: RotateFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { rotateKey } = await import('../../../app/ledger-rotate.ts');
      const { fingerprint } = await rotateKey(openContext(flags), flags.key);
      process.stdout.write(`${fingerprint}\n`);
    });
  withPlace(command);
  withExamples(command, [['quietdoor ledger rotate', 'when somebody who could read the key has left']]);
}
