import { ACTION, BUCKET_SECONDS, type FlowBatch } from '../model/flow.ts';
import { textOfWords } from '../model/flow-address.ts';
import { DAY_SECONDS, type PortTraffic } from './history.ts';
import type { GrowingSourceTable } from './source-table.ts';

/** Rows kept of one port by source; a port with more has counts only, and no first-seen memory. */
const MOST_VISITS = 2_000_000;
/** Ports from here on are taken by clients: a row without a known direction may name such a one. */
const FIRST_CLIENT_PORT = 32_768;
/** Rows that a client's port would hardly have. */
const ROWS_OF_A_SERVICE = 200;

/** When anything is known of a destination. */
export interface KnownTimes {
  /** UTC seconds. */
  readonly since: number;
  /** By bucket of the history: 1 where no feed that sees the destination delivered; null: all is covered. */
  readonly uncovered: Uint8Array | null;
}

export interface GatherOptions {
  /** UTC seconds: histories begin there (a multiple of a day) and end there. Earlier rows are remembered, not counted. */
  readonly historyFrom: number;
  readonly until: number;
  readonly table: GrowingSourceTable;
  readonly knownOf: (destination: string) => KnownTimes;
}

/**
 * Makes ports of rows that are sorted by destination, port, protocol, bucket and source. A port is valid until the next is
 * asked for. Two feeds that report the same source in the same bucket saw the same connections: the larger count stands.
 */
export async function* gatherPorts(
  batches: AsyncIterable<FlowBatch>,
  options: GatherOptions,
): AsyncGenerator<PortTraffic, void, undefined> {
  const port = createGatherer(options);
  for await (const batch of batches)
    for (let row = 0; row < batch.length; row++) {
      if (!port.isOf(batch, row)) {
        const done = port.finish();
        if (done) yield done;
        port.begin(batch, row);
      }
      port.add(batch, row);
    }
  const done = port.finish();
  if (done) yield done;
}

/** A port, by keyOf, of which there is no row: it is silent where its destination is seen. */
export function silentPort(key: string, { historyFrom, until, knownOf }: GatherOptions): PortTraffic {
  const [destination = '', protocol, port] = key.split(' ');
  const buckets = Math.max(0, Math.ceil((until - historyFrom) / BUCKET_SECONDS));
  const { uncovered, since } = knownOf(destination);
  const counts = Float32Array.from({ length: buckets }, (_, i) => (uncovered?.[i] === 1 ? Number.NaN : 0));
  return {
    history: {
      ...{ destination, protocol: Number(protocol), port: Number(port), from: historyFrom },
      ...{ accepted: counts, denied: counts, bytes: counts, sources: counts },
    },
    ...{ visits: makeVisits(0), earlier: null, isDirected: true, knownSince: since },
  };
}

interface Gatherer {
  isOf(batch: FlowBatch, row: number): boolean;
  begin(batch: FlowBatch, row: number): void;
  add(batch: FlowBatch, row: number): void;
  /** The port, null where there is none or it is most likely a client's. */
  finish(): PortTraffic | null;
}

function createGatherer({ historyFrom, until, table, knownOf }: GatherOptions): Gatherer {
  const buckets = Math.max(0, Math.ceil((until - historyFrom) / BUCKET_SECONDS));
  const dense = () => new Float32Array(buckets);
  const [accepted, denied, bytes, sources] = [dense(), dense(), dense(), dense()];
  let room = 4_096;
  let visits = makeVisits(room);
  const key = new Uint32Array(4);
  let isOpen = false;
  let destination = '';
  let service = 0;
  let protocol = 0;
  let rows = 0;
  let isDirected = false;
  let isWhole = true;
  let lastAccepted = -1;
  let early = emptyPast();

  /** Row of the visits with this bucket, source and action; -1: none. */
  function find(bucket: number, source: number, action: number): number {
    for (let i = visits.length - 1; i >= 0 && visits.bucket[i] === bucket && visits.source[i] === source; i--)
      if (visits.action[i] === action) return i;
    return -1;
  }

  function count(bucket: number, source: number, action: number, connections: number, size: number): void {
    const at = Math.floor((bucket - historyFrom) / BUCKET_SECONDS);
    if (at >= buckets) return;
    if (action === ACTION.denied) {
      denied[at] = (denied[at] as number) + connections;
      return;
    }
    accepted[at] = (accepted[at] as number) + connections;
    bytes[at] = (bytes[at] as number) + size;
    // Rows of one source are neighbours.
    const before = visits.length - 2;
    const isSame =
      before >= 0 &&
      visits.bucket[before] === bucket &&
      visits.source[before] === source &&
      visits.action[before] !== ACTION.denied;
    if (!isSame) sources[at] = (sources[at] as number) + 1;
  }

  return {
    isOf(batch, row) {
      if (!isOpen || batch.port[row] !== service || batch.protocol[row] !== protocol) return false;
      for (let w = 0; w < 4; w++) if (batch.dst[row * 4 + w] !== key[w]) return false;
      return true;
    },
    begin(batch, row) {
      isOpen = true;
      for (let w = 0; w < 4; w++) key[w] = batch.dst[row * 4 + w] as number;
      destination = textOfWords(batch.dst, row);
      service = batch.port[row] as number;
      protocol = batch.protocol[row] as number;
      [rows, isDirected, isWhole, lastAccepted] = [0, false, true, -1];
      for (const values of [accepted, denied, bytes, sources]) values.fill(0);
      visits.length = 0;
      early = emptyPast();
    },
    add(batch, row) {
      rows++;
      if (batch.directed[row] === 1) isDirected = true;
      const bucket = batch.bucket[row] as number;
      const action = batch.action[row] as number;
      const source = table.ofRow(batch.src, row);
      if (bucket < historyFrom) {
        if (action === ACTION.denied) return;
        early.firstAccepted ??= bucket;
        if (lastAccepted >= 0) early.longestPause = Math.max(early.longestPause, bucket - lastAccepted);
        early.lastAccepted = bucket;
        lastAccepted = bucket;
        early.sources.add(source);
        early.networks.add(table.network(source));
        return;
      }
      if (bucket >= until) return;
      const connections = batch.connections[row] as number;
      const size = batch.bytes[row] as number;
      const packets = batch.packets[row] as number;
      const same = find(bucket, source, action);
      if (same >= 0) {
        const more = Math.max(0, connections - (visits.connections[same] as number));
        const moreBytes = Math.max(0, size - (visits.bytes[same] as number));
        visits.connections[same] = (visits.connections[same] as number) + more;
        visits.bytes[same] = (visits.bytes[same] as number) + moreBytes;
        visits.packets[same] = Math.max(visits.packets[same] as number, packets);
        const at = Math.floor((bucket - historyFrom) / BUCKET_SECONDS);
        const counts = action === ACTION.denied ? denied : accepted;
        counts[at] = (counts[at] as number) + more;
        if (action !== ACTION.denied) bytes[at] = (bytes[at] as number) + moreBytes;
        return;
      }
      if (visits.length === MOST_VISITS) {
        isWhole = false;
        visits.length--; // keeps the newest row for what lies beside it
      }
      if (visits.length === room) {
        room = Math.min(MOST_VISITS, room * 2);
        visits = grown(visits, room);
      }
      const i = visits.length++;
      visits.bucket[i] = bucket;
      visits.source[i] = source;
      visits.action[i] = action;
      visits.connections[i] = connections;
      visits.packets[i] = packets;
      visits.bytes[i] = size;
      count(bucket, source, action, connections, size);
    },
    finish() {
      if (!isOpen) return null;
      const isLikely = isDirected || service < FIRST_CLIENT_PORT;
      if (!isLikely && rows < ROWS_OF_A_SERVICE) return null;
      const known = knownOf(destination);
      const { uncovered } = known;
      const before = Math.min(buckets, Math.max(0, Math.floor((known.since - historyFrom) / BUCKET_SECONDS)));
      for (const values of [accepted, denied, bytes, sources]) values.fill(Number.NaN, 0, before);
      if (uncovered)
        for (let i = 0; i < buckets; i++)
          if (uncovered[i] === 1 && accepted[i] === 0 && denied[i] === 0)
            accepted[i] = denied[i] = bytes[i] = sources[i] = Number.NaN;
      return {
        history: { destination, protocol, port: service, from: historyFrom, accepted, denied, bytes, sources },
        visits,
        earlier: early.firstAccepted === null ? null : early,
        isDirected: isLikely && isWhole,
        knownSince: Math.min(known.since, early.firstAccepted ?? known.since),
      };
    },
  };
}

function emptyPast() {
  return {
    firstAccepted: null as number | null,
    lastAccepted: null as number | null,
    longestPause: 0,
    sources: new Set<number>(),
    networks: new Set<number>(),
  };
}

function makeVisits(room: number) {
  return {
    ...{ length: 0, bucket: new Uint32Array(room), source: new Uint32Array(room), action: new Uint8Array(room) },
    ...{ connections: new Float64Array(room), packets: new Float64Array(room), bytes: new Float64Array(room) },
  };
}

function grown(old: ReturnType<typeof makeVisits>, room: number): ReturnType<typeof makeVisits> {
  const visits = makeVisits(room);
  for (const name of ['bucket', 'source', 'action', 'connections', 'packets', 'bytes'] as const)
    visits[name].set(old[name] as never);
  visits.length = old.length;
  return visits;
}

/** Start of the day, UTC seconds. */
export function dayOf(time: number): number {
  return Math.floor(time / DAY_SECONDS) * DAY_SECONDS;
}
