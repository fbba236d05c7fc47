/**
 * Turns times of the trace into UTC milliseconds. The trace runs on the kernel's clock `mono`, which is CLOCK_MONOTONIC,
 * and so is process.hrtime(): what lies between that and the wall clock is measured with every piece that is read. A
 * wall clock that was stepped, or stood still while the machine slept, is right again with the next piece.
 */
export function monotonicToUtc(): (seconds: number) => number {
  const [seconds, nanoseconds] = process.hrtime();
  const offset = Date.now() - (seconds * 1000 + nanoseconds / 1e6);
  // not later than now: the wall clock was rounded down
  return (at) => Math.min(Math.floor(at * 1000 + offset), Date.now());
}
