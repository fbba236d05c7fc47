/** Sorts values[0, length) in place, ascending. Most of what is sorted here has 48 values: insertion is fastest for those. */
export function sortPart(values: Float64Array, length: number): void {
  if (length > 80) {
    values.subarray(0, length).sort();
    return;
  }
  for (let i = 1; i < length; i++) {
    const v = values[i] as number;
    let j = i - 1;
    for (; j >= 0 && (values[j] as number) > v; j--) values[j + 1] = values[j] as number;
    values[j + 1] = v;
  }
}

/** The value below which a share `q` of sorted[0, length) lies; NaN of none. */
export function quantile(sorted: ArrayLike<number>, length: number, q: number): number {
  if (length === 0) return Number.NaN;
  const at = (length - 1) * q;
  const low = Math.floor(at);
  const a = sorted[low] as number;
  return a + ((sorted[Math.min(low + 1, length - 1)] as number) - a) * (at - low);
}

export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return quantile(sorted, sorted.length, 0.5);
}

/** The second largest of the values that are numbers; the largest of fewer than four; NaN of none. */
export function secondLargest(values: readonly number[]): number {
  let first = Number.NaN;
  let second = Number.NaN;
  let n = 0;
  for (const v of values) {
    if (Number.isNaN(v)) continue;
    n++;
    if (!(v <= first)) {
      second = first;
      first = v;
    } else if (!(v <= second)) second = v;
  }
  return n < 4 ? first : second;
}

/** The second smallest; the smallest of fewer than four; NaN of none. */
export function secondSmallest(values: readonly number[]): number {
  return -secondLargest(values.map((v) => -v));
}
