import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

interface DraftFlags extends PlaceOptions, Pick<OutputOptions, 'output' | 'quiet'> {
  readonly print?: boolean;
}

export function define(parent: Command): void {
  const summary = 'write draft entries for what listens and no entry covers';
  const command = parent
    .command('draft')
    .summary(summary)
    .description(`${summary}. Drafts are never approved by the machine.`)
    .option('--print', 'print them instead of adding them to register/drafts.yaml')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (flags: DraftFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { draftRegister, DRAFT_FILE } = await import('../../../app/draft.ts');
      const draft = await draftRegister(openContext(flags), { write: !flags.print });
      if (flags.print) await writeResult(draft.text, {});
      else if (draft.ids.length > 0) await writeResult(draft.ids.join('\n'), {});
      progress(
        flags,
        draft.ids.length === 0
          ? 'Every listener is covered by an entry; nothing to draft.'
          : `${draft.ids.length} ${draft.ids.length === 1 ? 'draft' : 'drafts'} for ${draft.endpoints} endpoints${flags.print ? '' : ` in ${DRAFT_FILE}: fill in purpose, owner and sources, then: quietdoor register approve ID`}`,
      );
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor register draft', 'add them to register/drafts.yaml'],
    ['quietdoor register draft --print', 'only look at them'],
  ]);
}
