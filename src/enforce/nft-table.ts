import type { NftChain, NftRule, NftSet } from './nft-statements.ts';

/** A table of the family inet with one chain at the hook input. */
export interface NftTable {
  readonly name: string;
  readonly sets: readonly NftSet[];
  readonly chain: NftChain;
}

/**
 * The table as a file for `nft -f`. The first two lines make the last state of the table go, whether or not it was
 * there, in the same transaction that brings the new one: no packet meets a host without rules.
 */
export function nftText(table: NftTable, comments: readonly string[]): string {
  const { name, sets, chain } = table;
  return [
    '#!/usr/sbin/nft -f',
    ...comments.map((line) => `# ${line}`),
    '',
    `table inet ${name} {}`,
    `delete table inet ${name}`,
    `table inet ${name} {`,
    ...sets.flatMap(setLines),
    `\tchain ${chain.name} {`,
    `\t\ttype filter hook input priority filter; policy ${chain.policy};`,
    ...chain.rules.map((rule) => `\t\t${ruleText(rule)}`),
    '\t}',
    '}',
    '',
  ].join('\n');
}

/** Takes the table away again, whether or not it is there. */
export function nftUndo(name: string): string {
  return `#!/usr/sbin/nft -f\ntable inet ${name} {}\ndelete table inet ${name}\n`;
}

function setLines(set: NftSet): string[] {
  return [
    `\tset ${set.name} {`,
    `\t\ttype ${set.family}_addr`,
    '\t\tflags interval',
    `\t\tcomment "${set.comment}"`,
    '\t\telements = {',
    ...set.elements.map((element) => `\t\t\t${element.text},`),
    '\t\t}',
    '\t}',
    '',
  ];
}

function ruleText(rule: NftRule): string {
  const comment = rule.comment === undefined ? [] : [`comment "${rule.comment}"`];
  return [...rule.statements.map((statement) => statement.text), ...comment].join(' ');
}

/** The same table as `nft -j list ruleset` prints it once it is loaded. */
export function nftJson(table: NftTable): string {
  const { name, sets, chain } = table;
  const family = 'inet';
  const objects = [
    { metainfo: { json_schema_version: 1 } },
    { table: { family, name, handle: 1 } },
    ...sets.map((set, i) => ({
      set: {
        ...{ family, name: set.name, table: name, type: `${set.family}_addr`, handle: i + 2, comment: set.comment },
        ...{ flags: ['interval'], elem: set.elements.map((element) => element.json) },
      },
    })),
    {
      chain: {
        ...{ family, table: name, name: chain.name, handle: sets.length + 2 },
        ...{ type: 'filter', hook: 'input', prio: 0, policy: chain.policy },
      },
    },
    ...chain.rules.map((rule, i) => ({
      rule: {
        ...{ family, table: name, chain: chain.name, handle: sets.length + 3 + i },
        ...(rule.comment !== undefined && { comment: rule.comment }),
        expr: rule.statements.map((statement) => statement.json),
      },
    })),
  ];
  return `${JSON.stringify({ nftables: objects })}\n`;
}
