const LINE_FEED = 10;
const BLANK = 32;
const OPENING = [91, 123];
const CLOSING = [93, 125];

/**
 * Returns the line (from 1) at which a YAML or JSON text nests deeper than allowed; null: nowhere. Parsers recurse per
 * level, so depth is bounded before they run. Indentation, dashes and brackets nest; a bracket inside a text counts too,
 * which only makes the bound stricter.
 */
export function lineThatNestsTooDeep(text: string, maxDepth: number): number | null {
  let depth = 0;
  let line = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === LINE_FEED) {
      line++;
      let blanks = 0;
      while (text.charCodeAt(i + 1 + blanks) === BLANK) blanks++;
      // each level of a block takes a blank at least; dashes nest without any
      if (blanks > 4 * maxDepth || /^(?:- ){50}/.test(text.slice(i + 1 + blanks, i + 120 + blanks))) return line;
    } else if (OPENING.includes(code)) {
      if (++depth > maxDepth) return line;
    } else if (CLOSING.includes(code) && depth > 0) depth--;
  }
  return null;
}
