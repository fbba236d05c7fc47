/** Round trip time as TCP estimates it (RFC 6298, section 2), in ms. */
export interface RoundTrip {
  /** Smoothed; 0 without a sample. */
  smoothed: number;
  variation: number;
  samples: number;
}

export function createRoundTrip(): RoundTrip {
  return { smoothed: 0, variation: 0, samples: 0 };
}

/** Adds a measurement. Every try has a socket of its own, so retransmissions are not ambiguous (Karn) here. */
export function addSample(trip: RoundTrip, ms: number): void {
  if (trip.samples++ === 0) {
    trip.smoothed = ms;
    trip.variation = ms / 2;
    return;
  }
  trip.variation += (Math.abs(trip.smoothed - ms) - trip.variation) / 4;
  trip.smoothed += (ms - trip.smoothed) / 8;
}

/** How long to wait for an answer, between the bounds given; `otherwise` where nothing was measured. */
export function timeoutOf(
  trip: RoundTrip,
  bounds: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  if (trip.samples === 0) return bounds.otherwise;
  return Math.min(Math.max(trip.smoothed + 4 * trip.variation, bounds.least), bounds.most);
}
