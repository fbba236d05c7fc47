import { cut, type Read } from './times.ts';

/** What a shell would act upon. No shell runs here, so each must be quoted to mean itself. */
const SPECIAL = /[|&;<>()$`*?~]/;

/**
 * Splits a command line into words as a POSIX shell would, as far as quotes go (XCU 2.2): blanks part words, `'…'` keeps
 * all, `"…"` all but a backslash before `"` and `\`. What only a shell could do (pipes, variables, patterns) is a
 * problem.
 */
export function splitWords(text: string): Read<string[]> {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (/\s/.test(c)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (c === "'" || c === '"') {
      word ??= '';
      for (i++; i < text.length && text[i] !== c; i++) {
        if (c === '"' && text[i] === '\\' && /["\\]/.test(text[i + 1] ?? '')) i++;
        word += text[i];
      }
      if (i >= text.length) return problem(text, `has a quote ${c} that is not closed`);
    } else if (c === '\\') {
      if (++i >= text.length) return problem(text, 'ends in a backslash');
      word = (word ?? '') + text[i];
    } else if (SPECIAL.test(c) && !(c === '~' && word !== null)) {
      return problem(text, `has ${c}, which only a shell would understand, and none runs it; quote it to mean itself`);
    } else word = (word ?? '') + c;
  }
  if (word !== null) words.push(word);
  return { value: words };
}

function problem(text: string, what: string): Read<string[]> {
  return { code: 'bad-command', message: `"${cut(text)}" ${what}` };
}
