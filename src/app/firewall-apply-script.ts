import { NFT_TABLE } from '../enforce/nftables.ts';

/** The only table that `firewall apply` ever writes. */
export const OWN_TABLE = { family: 'inet', name: NFT_TABLE } as const;

const OWN = `${OWN_TABLE.family} ${OWN_TABLE.name}`;

const ALLOWED = new Set(['', 'add ', 'delete ', 'destroy ', 'flush '].map((verb) => `${verb}table ${OWN}`));

/**
 * Says why a script for `nft -f` may touch more than our own table; null: it does not. Anything but a plain sequence of
 * `table`, `add table`, `delete table`, `destroy table` and `flush table` of that table is refused: no includes, no variables.
 */
export function whyNotOurs(script: string): string | null {
  for (const statement of topLevel(script)) {
    if (statement === null) return 'the script ends inside of a block or a text';
    if (statement === 'include') return 'the script includes another file';
    if (!ALLOWED.has(statement))
      return `the script has a statement about something else than table ${OWN}: ${statement.slice(0, 120)}`;
  }
  return null;
}

/**
 * What stands outside of braces, a statement each, blanks folded; null at the end: braces or quotes are left open. nft
 * takes an `include` inside of a block too, and what it brings may close the block: it is always told.
 */
function* topLevel(script: string): Generator<string | null> {
  let depth = 0;
  let word = '';
  let statement = '';
  let inText = false;
  let inComment = false;
  for (const character of script) {
    if (inComment) {
      if (character !== '\n') continue;
      inComment = false;
    }
    if (inText) {
      if (character === '"') inText = false;
      continue;
    }
    word = /\w/.test(character) ? `${word}${character}`.slice(-20) : '';
    if (word === 'include') yield 'include';
    if (character === '"') {
      inText = true;
      // A text outside of a block belongs to none of the statements that are allowed.
      if (depth === 0) statement += '"';
    } else if (character === '#') inComment = true;
    else if (character === '{') depth++;
    else if (character === '}') {
      depth--;
      if (depth < 0) return yield null;
    } else if (depth === 0 && (character === '\n' || character === ';')) {
      const whole = fold(statement);
      if (whole !== '') yield whole;
      statement = '';
    }
    // A block ends its statement even where another follows on the same line.
    if (depth === 0 && character === '}') {
      const whole = fold(statement);
      if (whole !== '') yield whole;
      statement = '';
    } else if (depth === 0 && character !== '"' && character !== '#' && character !== '\n' && character !== ';')
      statement += character;
  }
  const rest = fold(statement);
  if (rest !== '') yield rest;
  if (depth !== 0 || inText) yield null;
}

function fold(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/**
 * A script that puts our own table back as it was, in one transaction. `before`: as `nft list table` printed it; null:
 * there was none.
 */
export function restoreScript(before: string | null): string {
  return `table ${OWN} {\n}\ndelete table ${OWN}\n${before === null ? '' : `${before.trimEnd()}\n`}`;
}

/** The table blocks of a script as the one transaction that replaces whatever our table holds. */
export function replaceScript(rules: string): string {
  return `table ${OWN} {\n}\ndelete table ${OWN}\n${rules.trimEnd()}\n`;
}
