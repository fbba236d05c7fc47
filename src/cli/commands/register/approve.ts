import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface ApproveFlags extends PlaceOptions {
  readonly by?: string;
  readonly sign?: boolean;
  readonly key?: string;
  readonly quiet?: boolean;
}

export function define(parent: Command): void {
  const summary = 'write who approves an entry, when, and the digest of what is approved';
  const command = parent
    .command('approve')
    .summary(summary)
    .description(`${summary}. Any later change of meaning voids the approval.`)
    .argument('<ids...>', 'entries')
    .option('--by <email>', 'approver; default: git config user.email')
    .option('--sign', 'sign the digest with your SSH key: the approval can be proven')
    .option('--key <file>', 'key to sign with; default: git config user.signingKey, else ~/.ssh/id_ed25519')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (ids: string[], flags: ApproveFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { approveEntries } = await import('../../../app/approve.ts');
      const done = await approveEntries(openContext(flags), ids, {
        by: flags.by,
        sign: flags.sign === true || flags.key !== undefined,
        key: flags.key,
      });
      for (const { id, by, digest, hosts, file, warning } of done) {
        await writeResult(`${id}\t${digest}\t${by}`, {});
        progress(
          flags,
          `${file}: ${id} approved by ${by} for ${hosts.length === 0 ? 'the hosts it names' : hosts.join(', ')}`,
        );
        if (warning !== undefined) process.stderr.write(`Warning: ${warning}\n`); // with --quiet too
      }
      if (!flags.sign && !flags.key) {
        progress(
          flags,
          'Without --sign the approval is claimed, not proven, unless the commit that carries it is signed by an allowed signer.',
        );
      }
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor register approve pg-orders', 'claimed until it is committed with a signature'],
    ['quietdoor register approve pg-orders --sign', 'proven by your SSH key'],
  ]);
}
