/**
 * Says whether some text matches both patterns (`*` any run of characters, `?` one). Takes steps in the product of
 * their lengths.
 */
export function globsMeet(a: string, b: string): boolean {
  // below[j]: the rests a[i+1..] and b[j..] meet. Filled from the ends to the beginnings.
  let below: boolean[] = [];
  for (let i = a.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = b.length; j >= 0; j--) {
      const x = a[i];
      const y = b[j];
      if (x === undefined && y === undefined) row[j] = true;
      else if (x === '*') row[j] = below[j] === true || (y !== undefined && row[j + 1] === true);
      else if (y === '*') row[j] = row[j + 1] === true || (x !== undefined && below[j] === true);
      else row[j] = x !== undefined && y !== undefined && (x === y || x === '?' || y === '?') && below[j + 1] === true;
    }
    below = row;
  }
  return below[0] === true;
}
