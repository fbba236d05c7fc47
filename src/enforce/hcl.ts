/** A value of HCL: `ref` stands without quotes, `list` is a `toset` with one text a line, `map` has one pair a line. */
export type HclValue =
  | string
  | number
  | { readonly ref: string }
  | { readonly list: readonly string[] }
  | { readonly map: ReadonlyArray<readonly [key: string, value: string]> };

/** A block with its attributes, in order. */
export interface HclBlock {
  readonly head: string;
  readonly attributes: ReadonlyArray<readonly [name: string, value: HclValue]>;
}

/** Quotes a text; template markers are taken literally (HCL native syntax, quoted templates). */
export function hclString(text: string): string {
  // Functions, for `$` means something in a replacement text.
  return JSON.stringify(text)
    .replaceAll('${', () => '$${')
    .replaceAll('%{', () => '%%{');
}

/** The block as `terraform fmt` would write it: `=` of neighbouring lines one below the other, lists set off. */
export function hclBlock({ head, attributes }: HclBlock): string {
  const groups: string[] = [];
  let group: [string, string][] = [];
  const flush = () => {
    const width = Math.max(0, ...group.map(([name]) => name.length));
    if (group.length > 0) groups.push(group.map(([name, text]) => `  ${name.padEnd(width)} = ${text}\n`).join(''));
    group = [];
  };
  for (const [name, value] of attributes) {
    if (typeof value === 'object' && 'list' in value) {
      flush();
      const items = value.list.map((text) => `    ${hclString(text)},\n`).join('');
      groups.push(`  ${name} = toset([\n${items}  ])\n`);
    } else if (typeof value === 'object' && 'map' in value) {
      flush();
      const width = Math.max(0, ...value.map.map(([key]) => key.length));
      const items = value.map.map(([key, text]) => `    ${key.padEnd(width)} = ${hclString(text)}\n`).join('');
      groups.push(`  ${name} = {\n${items}  }\n`);
    } else
      group.push([
        name,
        typeof value === 'string' ? hclString(value) : typeof value === 'number' ? `${value}` : value.ref,
      ]);
  }
  flush();
  return `${head} {\n${groups.join('\n')}}\n`;
}
