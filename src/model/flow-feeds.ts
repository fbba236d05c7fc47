/** How well a feed delivered in a time. */
export interface FeedHealth {
  readonly name: string;
  readonly format: string;
  /** UTC seconds: end of what it delivered last, at any time: of the time that it covers, else of its newest flow; null: none is kept. */
  readonly lastDelivered: number | null;
  /** Share of the time for which it delivered, 0 to 1; null: it covers no time, as what is not in it may have been all the same. */
  readonly covered: number | null;
  /** Times without delivery since the first one that it delivered for: those said, and those that nothing is said of. */
  readonly gaps: readonly { readonly from: number; readonly until: number; readonly isKnown: boolean }[];
  /** Records that are known to be lost; null: an unknown number. */
  readonly lost: number | null;
  /** Addresses that it reported as destinations, in either role. */
  readonly addresses: number;
}

export interface FlowFeeds {
  /** UTC seconds: the time looked at. */
  readonly from: number;
  readonly until: number;
  readonly feeds: readonly FeedHealth[];
}
