import { Socket } from 'node:net';
import { type Attempt, attemptOfError } from './verdict.ts';

/** One attempt to connect. Belongs to the connector again when `onDone` returns. */
export interface Probe<Host> {
  host: Host;
  /** Position of the port in the scan's list. */
  index: number;
  /** When it was started and when it is given up, in ms of performance.now(). */
  startedAt: number;
  deadline: number;
  /** When the answer was read, or the attempt given up. */
  endedAt: number;
  attempt: Attempt | null;
  /** errno of a failed attempt, for people. */
  code: string;
}

interface Slot<Host> {
  readonly socket: Socket;
  readonly probe: Probe<Host>;
  address: string;
  port: number;
  busy: boolean;
}

/** Sweep every so many ms; also the fineness of timeouts. */
const SLOT_MS = 10;
/** Longest timeout: SLOT_MS times this. */
const WHEEL = 1024;

/**
 * Makes TCP connections and closes them at once. Sockets are used again and again, which node:net allows after `close`
 * (documentation of `socket.connect()`): half the time and memory of new ones. Timeouts are swept by the caller, after
 * the poll phase, so that a late loop does not turn answers that wait in the queue into silence.
 */
export class Connector<Host> {
  readonly #onDone: (probe: Probe<Host>) => void;
  readonly #free: Slot<Host>[] = [];
  readonly #all: Slot<Host>[] = [];
  /** Timer wheel: attempts by the time at which they are given up. Entries may be stale. */
  readonly #wheel: Slot<Host>[][] = Array.from({ length: WHEEL }, () => []);
  #swept = Math.floor(performance.now() / SLOT_MS);
  readonly #stackTraceLimit = Error.stackTraceLimit;
  inFlight = 0;

  /** `onDone` is told of every attempt exactly once, after its descriptor is closed. */
  constructor(onDone: (probe: Probe<Host>) => void) {
    this.#onDone = onDone;
    // a refused connection is an Error, and its stack costs a fifth of the attempt
    Error.stackTraceLimit = 0;
  }

  start(host: Host, address: string, port: number, index: number, now: number, timeoutMs: number): void {
    const slot = this.#free.pop() ?? this.#make(host);
    const { probe } = slot;
    slot.address = address;
    slot.port = port;
    slot.busy = true;
    probe.host = host;
    probe.index = index;
    probe.startedAt = now;
    probe.deadline = now + timeoutMs;
    probe.attempt = null;
    this.inFlight++;
    const tick = Math.min(Math.ceil(probe.deadline / SLOT_MS), this.#swept + WHEEL - 1);
    this.#wheel[tick % WHEEL]?.push(slot);
    slot.socket.connect({ host: address, port, autoSelectFamily: false });
  }

  /** Gives up what is overdue. Call it from setImmediate: after the poll phase has delivered what came in. */
  sweep(now: number): void {
    const until = Math.floor(now / SLOT_MS);
    if (until - this.#swept >= WHEEL) this.#swept = until - WHEEL + 1;
    for (; this.#swept <= until; this.#swept++) {
      const due = this.#wheel[this.#swept % WHEEL] as Slot<Host>[];
      for (const slot of due) {
        if (!slot.busy || slot.probe.attempt !== null || slot.probe.deadline > now) continue;
        slot.probe.attempt = 'filtered';
        slot.probe.code = 'ETIMEDOUT';
        slot.probe.endedAt = now;
        slot.socket.destroy();
      }
      due.length = 0;
    }
  }

  /** Ends every attempt without telling anybody. The connector cannot be used afterwards. */
  close(): void {
    for (const slot of this.#all) {
      slot.busy = false;
      slot.socket.removeAllListeners();
      slot.socket.on('error', () => {});
      slot.socket.destroy();
    }
    this.inFlight = 0;
    Error.stackTraceLimit = this.#stackTraceLimit;
  }

  #make(host: Host): Slot<Host> {
    const socket = new Socket();
    const probe: Probe<Host> = { host, index: 0, startedAt: 0, deadline: 0, endedAt: 0, attempt: null, code: '' };
    const slot: Slot<Host> = { socket, probe, address: '', port: 0, busy: false };
    socket.on('connect', () => {
      probe.endedAt = performance.now();
      probe.attempt ??= isSelfConnect(socket, slot) ? 'closed' : 'open';
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (probe.attempt !== null) return;
      probe.endedAt = performance.now();
      probe.code = error.code ?? error.message;
      probe.attempt = attemptOfError(probe.code, slot.address.includes(':'));
    });
    socket.on('close', () => {
      if (!slot.busy) return;
      slot.busy = false;
      this.inFlight--;
      this.#free.push(slot);
      this.#onDone(probe);
    });
    this.#all.push(slot);
    return slot;
  }
}

/**
 * A connection to an address of this machine can meet itself: where the kernel picks the port that is asked as the
 * source port, the SYN answers itself (simultaneous open, RFC 9293, 3.5), though nobody listens.
 */
function isSelfConnect(socket: Socket, { address, port }: { address: string; port: number }): boolean {
  return socket.localPort === port && socket.localAddress === address;
}
