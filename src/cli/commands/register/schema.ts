import { Argument, type Command } from 'commander';
import { withExamples } from '../../options.ts';
import { writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'JSON Schema of a file of the workspace, for editors';
  const command = parent
    .command('schema')
    .summary(summary)
    .description(summary)
    .addArgument(new Argument('[file]', 'which file').choices(['register', 'config', 'exceptions']).default('register'))
    .option('-o, --output <file>', 'write to a file')
    .action(async (file: 'register' | 'config' | 'exceptions', flags: { output?: string }) => {
      const schemas = await import('../../../register/json-schema.ts');
      const schema = {
        register: schemas.registerJsonSchema,
        config: schemas.configJsonSchema,
        exceptions: schemas.exceptionsJsonSchema,
      }[file]();
      await writeResult(JSON.stringify(schema, null, 2), flags);
    });
  withExamples(command, [['quietdoor register schema register', 'schema of register/*.yaml']]);
}
