/**
 * What is known of one port (destination address, protocol, port): counts per bucket of BUCKET_SECONDS, dense, the first at
 * `from`. A bucket that no feed covered is NaN in all of them: nothing is known of it, which is not zero.
 */
export interface PortHistory {
  /** Address as text. */
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
  /** UTC seconds, a multiple of BUCKET_SECONDS. */
  readonly from: number;
  readonly accepted: Float32Array;
  readonly denied: Float32Array;
  readonly bytes: Float32Array;
  /** Different sources in the bucket. */
  readonly sources: Float32Array;
}

/** A source at a port in a bucket: what first-seen memory and contributing flows are made of. */
export interface Sighting {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
  /** UTC seconds. */
  readonly bucket: number;
  readonly action: number;
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}
