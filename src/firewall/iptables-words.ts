/** A word of a rule. Quoted ones are never options: a comment may read `-j`. */
export interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

/**
 * Splits a line as iptables-restore does: blanks part words, `"` begins and ends a text, in which `\` takes the next
 * character as it is. null: a text is not closed.
 */
export function splitWords(line: string): Word[] | null {
  const words: Word[] = [];
  if (!line.includes('"')) {
    for (const text of line.split(/[ \t]+/)) if (text !== '') words.push({ text, quoted: false });
    return words;
  }
  let text = '';
  let inside = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (inside && c === '\\' && i + 1 < line.length) text += line[++i];
    else if (c === '"') {
      if (inside) {
        words.push({ text, quoted: true });
        text = '';
      }
      inside = !inside;
    } else if (inside || (c !== ' ' && c !== '\t')) text += c;
    else if (text !== '') {
      words.push({ text, quoted: false });
      text = '';
    }
  }
  if (inside) return null;
  if (text !== '') words.push({ text, quoted: false });
  return words;
}
