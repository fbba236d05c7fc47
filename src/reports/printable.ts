/**
 * Everything that acts on a terminal or reorders text without showing: control characters (escape sequences, C1),
 * format characters (bidirectional overrides, zero width, tags), lone surrogates, line and paragraph separators.
 * Process names and command lines are chosen by whoever starts the process, so they may hold any of them.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** The same without the line feed, by which JSON text is laid out. */
const INVISIBLE_IN_LINES = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Nothing but visible ASCII, as most text is: told ten times faster than the above. */
const PLAIN = /^[\x20-\x7e]*$/;
const PLAIN_LINES = /^[\n\x20-\x7e]*$/;

/** Returns the text on one line with every invisible character spelled out: ESC becomes `\x1b`. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(INVISIBLE, spell);
}

/** JSON text of a value, where invisible characters in strings are `\u` escapes: the same data, safe to look at. */
export function printableJson(value: unknown, indent = 0): string {
  const text = laidOut(value, indent);
  if (PLAIN_LINES.test(text)) return text;
  return text.replace(INVISIBLE_IN_LINES, (c) =>
    Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}

/** As wished, or on one line where the blanks would make it longer than a string can be (millions of addresses). */
function laidOut(value: unknown, indent: number): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    if (indent === 0 || !(error instanceof RangeError)) throw error;
    return JSON.stringify(value);
  }
}

function spell(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  if (code === 0x09) return '\\t';
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}
