import type { Transport } from './endpoint.ts';

/** Length of a bucket of the roll-up, seconds. Buckets begin at multiples of it, UTC. */
export const BUCKET_SECONDS = 300;

/** What became of the packets. `unknown`: the record does not say. Values are written to disk and never change. */
export const ACTION = { unknown: 0, accepted: 1, denied: 2 } as const;

/**
 * Which side opened the connection. A record says it itself (a TCP SYN, conntrack's original direction, Zeek's
 * originator), or a listener or register entry on one side decides it, or it stays unknown. A lower port number
 * decides nothing.
 */
export const DIRECTION = { unknown: 0, forward: 1, reply: 2 } as const;
export type DirectionCode = (typeof DIRECTION)[keyof typeof DIRECTION];

/** IANA protocol numbers of transports that have ports (iana.org/assignments/protocol-numbers). */
export const PROTOCOL = { tcp: 6, udp: 17, sctp: 132, udplite: 136 } as const;

/** The transport of an IANA protocol number; null where it has no ports. */
export function transportOf(protocol: number): Transport | null {
  if (protocol === PROTOCOL.tcp) return 'tcp';
  if (protocol === PROTOCOL.udp) return 'udp';
  if (protocol === PROTOCOL.sctp) return 'sctp';
  return protocol === PROTOCOL.udplite ? 'udplite' : null;
}

/**
 * Rolled-up flows as columns: one row per bucket, source, endpoint, action and feed. Addresses are 128 bits in four words
 * a row, least significant word first (a BigUint64Array over the same buffer gives low, high), IPv4 as ::ffff:a.b.c.d.
 * Counts are whole numbers below 2^53. Rows may be longer than `length`: only the first `length` count.
 */
export interface FlowBatch {
  length: number;
  /** UTC seconds, a multiple of BUCKET_SECONDS (of 3,600 or 86,400 in older tiers). */
  readonly bucket: Uint32Array;
  readonly src: Uint32Array;
  readonly dst: Uint32Array;
  /** Port of the service side; where the direction is unknown, the destination's. */
  readonly port: Uint16Array;
  /** IANA protocol number. */
  readonly protocol: Uint8Array;
  /** ACTION. */
  readonly action: Uint8Array;
  /** 1: it is known that `dst:port` is the service side; 0: unknown, so `port` may be a client's. */
  readonly directed: Uint8Array;
  readonly connections: Float64Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  /** Number of the feed in the store. */
  readonly feed: Uint16Array;
}

/** Makes an empty batch with room for `capacity` rows. */
export function emptyBatch(capacity: number): FlowBatch {
  return {
    length: 0,
    bucket: new Uint32Array(capacity),
    src: new Uint32Array(capacity * 4),
    dst: new Uint32Array(capacity * 4),
    port: new Uint16Array(capacity),
    protocol: new Uint8Array(capacity),
    action: new Uint8Array(capacity),
    directed: new Uint8Array(capacity),
    connections: new Float64Array(capacity),
    packets: new Float64Array(capacity),
    bytes: new Float64Array(capacity),
    feed: new Uint16Array(capacity),
  };
}

/** Where flows come from: one log, one agent, one exporter. Its health is known by itself. */
export interface Feed {
  /** `aws-vpc:eni-0a1b`, `conntrack:db-1`, `netflow:10.0.0.1`, `import:NAME`. */
  readonly name: string;
  /** Name of the format or live source. */
  readonly format: string;
}

/** A time in which a feed delivered, or is known not to have. No row in a time nobody covered says nothing. */
export interface FeedCoverage {
  readonly feed: string;
  /** UTC seconds, [from, until). */
  readonly from: number;
  readonly until: number;
  /** `delivered`: what happened was reported. `gap`: records are known to be missing (overrun, SKIPDATA, stopped). */
  readonly kind: 'delivered' | 'gap';
  /** Records known to be lost; null: an unknown number. 0 for `delivered`. */
  readonly lost: number | null;
}
