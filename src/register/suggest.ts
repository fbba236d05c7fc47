/** Longest text that is compared; a longer one is no slip of the finger. Characters. */
const LONGEST = 40;

/**
 * Returns the known word that was most likely meant, or undefined when none is near: at most one slip (a letter too
 * many, too few, wrong, or two swapped) per three letters, one in a short word. Case and `-`/`_` do not count as slips.
 */
export function suggest(written: string, known: Iterable<string>): string | undefined {
  if (written.length > LONGEST) return undefined;
  const plain = fold(written);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 0.5;
  if (written.length < 2) return undefined;
  for (const word of known) {
    if (word.length > LONGEST || Math.abs(word.length - plain.length) > bestDistance) continue;
    const distance = slips(plain, fold(word));
    if (distance < bestDistance || (distance === bestDistance && best !== undefined && word < best)) {
      best = word;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "owner"?`, or undefined. */
export function didYouMean(written: string, known: Iterable<string>): string | undefined {
  const word = suggest(written, known);
  return word === undefined ? undefined : `did you mean "${word}"?`;
}

function fold(text: string): string {
  return text.toLowerCase().replaceAll('_', '-');
}

/** Optimal string alignment distance (Damerau-Levenshtein without overlapping swaps). */
function slips(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, at(before, j - 2) + 1);
      row.push(least);
    }
    before = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0;
}
