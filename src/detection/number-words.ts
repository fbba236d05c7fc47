/** 1234567 as `1,234,567`; small ones with a digit behind the point where that says more. */
export function numberWords(value: number): string {
  if (value >= 10 || Number.isInteger(value)) return String(Math.round(value)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  if (value >= 0.1) return value.toFixed(1);
  return value > 0 ? 'fewer than 0.1' : '0';
}

/** Bytes in the largest unit that fits: `3.2 MB` (powers of 1,000). */
export function bytesWords(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Length of a window of buckets: `5 minutes`, `an hour`. */
export function windowWords(buckets: number): string {
  if (buckets < 12) return `${buckets * 5} minutes`;
  return buckets === 12 ? 'an hour' : `${buckets / 12} hours`;
}

/** `between 3 and 40`, `up to 40`, `none`. */
export function bandWords(low: number, high: number): string {
  if (high <= 0) return 'none';
  if (low <= 0) return `up to ${numberWords(high)}`;
  return Math.round(low) === Math.round(high)
    ? `about ${numberWords(high)}`
    : `between ${numberWords(low)} and ${numberWords(high)}`;
}
