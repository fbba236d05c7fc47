import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../options.ts';
import { renderOptions, writeResult } from '../output.ts';

export function define(command: Command): void {
  command
    .argument('<what>', 'HOST:PORT[/transport][@scope] (":PORT" is this machine), or the id of a rule')
    .action(async (what: string, flags: OutputOptions & PlaceOptions) => {
      const { parseEndpointQuery } = await import('../../app/parse-endpoint.ts');
      const query = parseEndpointQuery(what);
      const options = renderOptions(flags);
      if (!query) {
        const { explainRule } = await import('../../app/explain-rule.ts');
        await writeResult(explainRule(what, flags.format, options), flags);
        return;
      }
      const { openContext } = await import('../../app/context.ts');
      const { explainEndpoint } = await import('../../app/explain.ts');
      const { text, outcome } = await explainEndpoint(openContext(flags), query, flags.format, options);
      await writeResult(text, flags);
      process.exitCode = EXIT[outcome];
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor explain db-1:5432', 'what it is, who answers for it, and whether it conforms'],
    ['quietdoor explain :22', 'the same for a port of this machine'],
    ['quietdoor explain wrong-process', 'what a rule means and what to do'],
  ]);
}
