import { configJsonSchema, exceptionsJsonSchema, registerJsonSchema } from '../../src/register/json-schema.ts';

/** docs/reference/*.schema.json: what editors complete with. By path. */
export function schemaReference(): Record<string, string> {
  const text = (schema: unknown) => `${JSON.stringify(schema, null, 2)}\n`;
  return {
    'docs/reference/register.schema.json': text(registerJsonSchema()),
    'docs/reference/config.schema.json': text(configJsonSchema()),
    'docs/reference/exceptions.schema.json': text(exceptionsJsonSchema()),
  };
}
