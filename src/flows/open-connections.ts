/** Connections that were counted and not seen to end, by a number of their own (never 0). */
export interface OpenConnections {
  /** Finds a connection; its place, or -1. Places are good until the next call of `remember` or `forget`. */
  find(key: number): number;
  /** Takes in a connection, in the place of an older one where there is no room. Returns its place. */
  remember(key: number, start: number): number;
  forget(place: number): void;
  /** UTC seconds; packets and bytes that were counted already. */
  readonly start: Float64Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

/** Places of one row of the table: a connection is in one of these, so that finding it takes a bounded time. */
const WAYS = 8;

/**
 * Makes a memory of at most `most` connections (a power of two; 32 bytes each). It grows as it fills. At its largest, what
 * begins later takes the place of what began first in its row: a long connection may then count twice.
 */
export function createOpenConnections(most: number = 524_288): OpenConnections {
  let room = Math.min(most, 1024);
  let keys = new Float64Array(room);
  let start = new Float64Array(room);
  let packets = new Float64Array(room);
  let bytes = new Float64Array(room);

  /** A free place in the row of the key, or the one that began first. */
  function placeFor(key: number): number {
    const row = (key % (room / WAYS)) * WAYS;
    let chosen = row;
    for (let place = row; place < row + WAYS; place++) {
      if (keys[place] === key || keys[place] === 0) return place;
      if ((start[place] as number) < (start[chosen] as number)) chosen = place;
    }
    return chosen;
  }

  function grow(): void {
    const old = { keys, start, packets, bytes };
    room *= 2;
    keys = new Float64Array(room);
    start = new Float64Array(room);
    packets = new Float64Array(room);
    bytes = new Float64Array(room);
    for (let from = 0; from < old.keys.length; from++) {
      if (old.keys[from] === 0) continue;
      // A row of the old table is spread over two of the new one: it fits.
      const place = placeFor(old.keys[from] as number);
      keys[place] = old.keys[from] as number;
      start[place] = old.start[from] as number;
      packets[place] = old.packets[from] as number;
      bytes[place] = old.bytes[from] as number;
    }
  }

  return {
    get start() {
      return start;
    },
    get packets() {
      return packets;
    },
    get bytes() {
      return bytes;
    },
    find(key) {
      const row = (key % (room / WAYS)) * WAYS;
      for (let place = row; place < row + WAYS; place++) if (keys[place] === key) return place;
      return -1;
    },
    remember(key, at) {
      let place = placeFor(key);
      while (keys[place] !== 0 && keys[place] !== key && room < most) {
        grow();
        place = placeFor(key);
      }
      keys[place] = key;
      start[place] = at;
      packets[place] = 0;
      bytes[place] = 0;
      return place;
    },
    forget(place) {
      keys[place] = 0;
    },
  };
}
