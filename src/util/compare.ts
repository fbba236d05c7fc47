/** Orders two texts by code unit: the same on every machine, whatever its locale. For `Array.prototype.sort`. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns a comparator that orders by each key in turn; numbers ascending, texts by code unit. */
export function compareBy<T>(...keys: ReadonlyArray<(item: T) => string | number>): (a: T, b: T) => number {
  return (a, b) => {
    for (const key of keys) {
      const x = key(a);
      const y = key(b);
      if (x < y) return -1;
      if (x > y) return 1;
    }
    return 0;
  };
}
