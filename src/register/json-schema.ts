import { z } from 'zod';
import { configSchema } from './config-schema.ts';
import { entrySchema, exceptionSchema } from './schema.ts';

/** JSON Schema (2020-12) of register/*.yaml, for `# yaml-language-server: $schema=`. */
export function registerJsonSchema(): object {
  const ports = z.array(entrySchema).describe('Register entries: approved uses of ports.').optional();
  return publish(z.strictObject({ ports }), 'register', 'Quietdoor register file');
}

/** JSON Schema (2020-12) of quietdoor.yaml. */
export function configJsonSchema(): object {
  return publish(configSchema, 'config', 'Quietdoor workspace (quietdoor.yaml)');
}

/** JSON Schema (2020-12) of exceptions.yaml. */
export function exceptionsJsonSchema(): object {
  const exceptions = z.array(exceptionSchema).describe('Accepted deviations.').optional();
  return publish(z.strictObject({ exceptions }), 'exceptions', 'Quietdoor exceptions (exceptions.yaml)');
}

type Schema = z.core.JSONSchema.JSONSchema;

function publish(schema: z.ZodType, name: string, title: string): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => loosen(jsonSchema as Schema),
  });
  return { $schema, $id: `urn:quietdoor:schema:${name}`, title, ...rest };
}

/**
 * What an editor sees as a number (`change: 4821`) is read as text, and an optional key that is left blank as missing:
 * the published schema allows both.
 */
function loosen(schema: Schema): void {
  if (schema.type === 'string' && !schema.pattern && !schema.enum)
    (schema as { type: unknown }).type = ['string', 'number'];
  for (const [key, member] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(key) || typeof member !== 'object') continue;
    const { description, ...rest } = member;
    const described = description === undefined ? {} : { description };
    (schema.properties as Record<string, unknown>)[key] = { ...described, anyOf: [rest, { type: 'null' }] };
  }
}
