/** Steps into JSON that may be anything: what is not of the kind asked for is empty. */
export type Values = Readonly<Record<string, unknown>>;

export function mapOf(value: unknown): Values {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Values) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text; numbers and booleans as text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

export function textsOf(value: unknown): (string | undefined)[] {
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)];
}

/** The first member that says something, whatever the case of its key. */
export function pick(values: Values, keys: readonly string[]): unknown {
  const byKey = new Map(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
  return keys.map((key) => byKey.get(key)).find((value) => value !== undefined && value !== null && value !== '');
}
