/** A JSON document as far as it could be read. */
export interface ReadJson {
  /** undefined: nothing of it. */
  readonly value: unknown;
  /** Where it stops being JSON; absent: nowhere. */
  readonly problem?: { readonly message: string; readonly line: number; readonly column: number };
}

const BLANKS = /[ \t\n\r]*/y;
const SCALAR = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
/** Of control characters only those above 0x7e may stand in a text. */
const STRING_PIECE = /(?:[^"\\\p{Cc}]|[\u007f-\u009f]){1,4096}|\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/uy;

/**
 * Parses a JSON text. Of one that is cut off or broken, it gives what stands before: the complete elements of the
 * outermost list that the break is in, with all around it.
 */
export function readJson(text: string): ReadJson {
  const source = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  try {
    return { value: JSON.parse(source) };
  } catch {
    const { end, kept, message } = scan(source);
    const before = source.slice(0, end);
    const line = before.split('\n').length;
    const problem = { message, line, column: end - before.lastIndexOf('\n') };
    try {
      return { value: kept === null ? undefined : JSON.parse(kept), problem };
    } catch {
      return { value: undefined, problem };
    }
  }
}

/** Walks over the text by the grammar (RFC 8259) to where it breaks. `kept`: what can be closed before that. */
function scan(text: string): { end: number; kept: string | null; message: string } {
  const closers: ('}' | ']')[] = [];
  let kept: string | null = null;
  let at = 0;
  let expected: 'value' | 'key' | 'end' = 'value';
  /** A `]` or `}` may stand here: nothing was listed yet. */
  let isEmpty = false;
  let isCut = false;
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const string = (): boolean => {
    if (text[at] !== '"') return false;
    const start = at++;
    while (match(STRING_PIECE));
    if (text[at] === '"') return at++ > 0;
    isCut = at >= text.length;
    if (isCut) at = start; // where the person looks for it
    return false;
  };
  /** An element of the outermost list is complete. */
  const keep = () => {
    if (closers.indexOf(']') === closers.length - 1 && closers.length > 0)
      kept = `${text.slice(0, at)}${closers.toReversed().join('')}`;
  };
  const stop = (what: string) => ({
    end: at,
    kept,
    message:
      isCut || at >= text.trimEnd().length
        ? 'the JSON ends before it is complete'
        : `no valid JSON: ${what} was expected`,
  });
  for (;;) {
    match(BLANKS);
    const c = text[at];
    if (expected === 'value') {
      if (c === '{' || c === '[') {
        closers.push(c === '{' ? '}' : ']');
        at++;
        isEmpty = true;
        if (c === '{') expected = 'key';
        else keep();
        continue;
      }
      if (!(c === ']' && isEmpty)) {
        if (!string() && !match(SCALAR)) return stop('a value');
        expected = 'end';
        keep();
        continue;
      }
    } else if (expected === 'key' && !(c === '}' && isEmpty)) {
      if (!string()) return stop('a key');
      match(BLANKS);
      if (text[at] !== ':') return stop('a colon');
      at++;
      isEmpty = false;
      expected = 'value';
      continue;
    }
    const closer = closers.at(-1);
    if (closer === undefined) return stop(at < text.length ? 'the end' : 'a value');
    if (c === closer) {
      closers.pop();
      at++;
      expected = 'end';
      keep();
    } else if (c === ',' && expected === 'end') {
      at++;
      isEmpty = false;
      expected = closer === '}' ? 'key' : 'value';
    } else return stop(closer === '}' ? 'a comma or }' : 'a comma or ]');
  }
}
