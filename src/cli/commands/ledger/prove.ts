import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { writeResult } from '../../output.ts';

interface ProveFlags extends PlaceOptions {
  readonly output?: string;
}

export function define(parent: Command): void {
  const summary = 'prove that one record is in the ledger';
  const command = parent
    .command('prove')
    .summary(summary)
    .description(`${summary}: the record, the hashes up to the root, and the signed checkpoint (c2sp.org/tlog-proof).`)
    .argument('<sequence>', 'number of the record, as "events" shows it')
    .option('-o, --output <file>', 'write it to a file instead of standard output')
    .action(async (sequence: string, flags: ProveFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { proveRecord } = await import('../../../app/ledger-prove.ts');
      await writeResult(await proveRecord(openContext(flags), sequence), flags);
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor ledger prove 4711 -o 4711.tlog-proof', 'for somebody who may see no other record'],
    ['quietdoor ledger verify --proof 4711.tlog-proof --public-key public-key.pem', 'what they do with it'],
  ]);
}
