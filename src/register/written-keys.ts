import { parseYamlParts } from './yaml-parts.ts';

/** Keys that a config file sets, with those one level down: `name`, `policy`, `policy.review`. Blank ones are not set. */
export function writtenKeys(text: string): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { value } of parseYamlParts(text, []).sections) {
    for (const [key, member] of membersOf(value)) {
      keys.add(key);
      for (const [inner] of membersOf(member)) keys.add(`${key}.${inner}`);
    }
  }
  return keys;
}

function membersOf(value: unknown): [string, unknown][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [];
  return Object.entries(value).filter(([, member]) => member !== null && member !== '');
}
