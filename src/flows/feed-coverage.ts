/** Intervals [from, until) of UTC seconds, flat and ascending, with holes between them. */
export type Spans = number[];

/** Spans kept of one feed: two weeks with a hole in every other bucket. */
const MOST_SPANS = 2048;

/** Adds [from, until) to spans, joining what touches or is less than `bridge` seconds apart. */
export function addSpan(spans: Spans, from: number, until: number, bridge: number): void {
  const last = spans.length - 2;
  // Nearly every record continues the newest span.
  if (last < 0 || from > (spans[last + 1] as number) + bridge) {
    spans.push(from, until);
    if (spans.length > MOST_SPANS * 2) dropShortest(spans);
    return;
  }
  if (from >= (spans[last] as number)) {
    if (until > (spans[last + 1] as number)) spans[last + 1] = until;
    return;
  }
  // First span that ends at `from` or later, and first that begins after `until`.
  let low = 0;
  let high = spans.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[middle * 2 + 1] as number) + bridge < from) low = middle + 1;
    else high = middle;
  }
  let after = low;
  let start = from;
  let end = until;
  while (after * 2 < spans.length && (spans[after * 2] as number) <= end + bridge) {
    start = Math.min(start, spans[after * 2] as number);
    end = Math.max(end, spans[after * 2 + 1] as number);
    after++;
  }
  spans.splice(low * 2, (after - low) * 2, start, end);
  if (spans.length > MOST_SPANS * 2) dropShortest(spans);
}

/** Forgets the shorter half of the spans: hostile times must not fill the memory, and no hole may count as covered. */
function dropShortest(spans: Spans): void {
  const lengths: number[] = [];
  for (let i = 0; i < spans.length; i += 2) lengths.push((spans[i + 1] as number) - (spans[i] as number));
  const limit = lengths.toSorted((a, b) => a - b)[lengths.length >>> 1] as number;
  let kept = 0;
  for (let i = 0, longest = 0; i < spans.length; i += 2) {
    const length = (spans[i + 1] as number) - (spans[i] as number);
    if (length < limit || (length === limit && longest++ % 2 === 0)) continue;
    spans[kept++] = spans[i] as number;
    spans[kept++] = spans[i + 1] as number;
  }
  spans.length = kept;
}
