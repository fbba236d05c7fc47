import { readdirSync, readFileSync } from 'node:fs';

/** Left for everything else: the store, pipes, name look-ups, identification. */
const RESERVE = 48;
/** Where the limit cannot be read (not Linux): the smallest usual one. */
const UNKNOWN_LIMIT = 256;

/**
 * Returns how many connections this process may hold at once: its soft limit of open files (/proc/self/limits, proc(5))
 * less what is open and a reserve; at least 4. (Node raises the soft limit to the hard one when it starts.)
 */
export function spareDescriptors(): number {
  let limit = UNKNOWN_LIMIT;
  let open = 32;
  try {
    const text = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (text !== undefined) limit = text === 'unlimited' ? 1_048_576 : Number(text);
    open = readdirSync('/proc/self/fd').length;
  } catch {
    // no /proc: what is assumed above holds
  }
  const spare = limit - open;
  return Math.max(4, spare - Math.min(RESERVE, Math.ceil(spare / 3)));
}
