const STAR = '*'.charCodeAt(0);
const ANY_ONE = '?'.charCodeAt(0);

/**
 * Says whether a text matches a pattern in which `*` stands for any run of characters (also `/`) and `?` for one.
 * Everything else is literal; the whole text must match. Linear in time but for the number of stars: no regular
 * expression is built, so a hostile pattern cannot make it slow.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  if (pattern === text) return true; // wildcards match themselves
  let p = 0;
  let t = 0;
  let star = -1;
  let retry = 0;
  while (t < text.length) {
    const c = pattern.charCodeAt(p);
    if (c === STAR) {
      star = p++;
      retry = t;
    } else if (c === ANY_ONE || c === text.charCodeAt(t)) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++retry;
    } else return false;
  }
  while (pattern.charCodeAt(p) === STAR) p++;
  return p === pattern.length;
}
