import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** Bytes of one answer that are read at most. */
const MAX_BYTES = 32_768;

/** How long a service may pause within an answer, ms. */
const PAUSE_MS = 250;

/** The time that one identification has. */
export interface Budget {
  /** ms that are left; 0 or less: none, or it was called off. */
  left(): number;
  readonly signal: AbortSignal | undefined;
}

/** A budget of so many ms from now, which ends early with the signal. */
export function budgetOf(timeoutMs: number, signal: AbortSignal | undefined): Budget {
  const end = performance.now() + timeoutMs;
  return { left: () => (signal?.aborted ? 0 : end - performance.now()), signal };
}

/** A connection to one port, bounded in bytes and time. Nothing that the other side does makes it throw. */
export interface Talk {
  /**
   * Sends bytes (null: only listens) and returns what came since the last call: as soon as `isEnough` says so, else when
   * the other side closed, paused or said too much, or after `waitMs`.
   */
  ask(request: Uint8Array | null, waitMs: number, isEnough: (answer: Buffer) => boolean): Promise<Buffer>;
  /** The other side has closed, or the connection broke. */
  readonly isOver: boolean;
  /** Hands the socket over to somebody else; the talk ends. */
  release(): Socket;
  close(): void;
}

/** Connects; null where nobody accepted in time. A connection that met itself (RFC 9293, 3.5) is none. */
export function dial(address: string, port: number, waitMs: number, budget: Budget): Promise<Talk | null> {
  return new Promise((resolve) => {
    const ms = Math.min(waitMs, budget.left());
    if (ms <= 0) return resolve(null);
    const socket = connect({ host: address, port, noDelay: true });
    const settle = (talk: Talk | null) => {
      clearTimeout(timer);
      budget.signal?.removeEventListener('abort', fail);
      socket.removeListener('error', fail);
      socket.removeListener('connect', succeed);
      if (talk === null) {
        socket.on('error', ignore);
        socket.destroy();
      }
      resolve(talk);
    };
    const fail = () => settle(null);
    const succeed = () => {
      const metItself = socket.localPort === port && socket.localAddress === socket.remoteAddress;
      settle(metItself ? null : talkOver(socket, budget));
    };
    const timer = setTimeout(fail, ms);
    budget.signal?.addEventListener('abort', fail, { once: true });
    socket.once('error', fail);
    socket.once('connect', succeed);
  });
}

function ignore(): void {}

/** A talk over an open socket, plain or TLS. */
export function talkOver(socket: Socket, budget: Budget): Talk {
  let pieces: Buffer[] = [];
  let length = 0;
  let isOver = false;
  let wake = ignore;
  const onData = (piece: Buffer) => {
    if (length < MAX_BYTES) pieces.push(piece.subarray(0, MAX_BYTES - length));
    length += piece.length;
    if (length >= MAX_BYTES) socket.pause();
    wake();
  };
  const onEnd = () => {
    isOver = true;
    wake();
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', onEnd);
  socket.on('error', onEnd);

  async function ask(request: Uint8Array | null, waitMs: number, isEnough: (answer: Buffer) => boolean) {
    const end = performance.now() + Math.min(waitMs, budget.left());
    if (request && !isOver && socket.writable) socket.write(request);
    let answer: Buffer = Buffer.alloc(0);
    let seen = 0;
    for (;;) {
      if (length > seen) {
        seen = length;
        answer = Buffer.concat(pieces);
        if (length >= MAX_BYTES || isEnough(answer)) break;
      }
      const left = Math.min(end - performance.now(), budget.left());
      if (isOver || left <= 0) break;
      const pause = seen > 0 ? Math.min(left, PAUSE_MS) : left;
      const hasMore = await more(pause);
      if (!hasMore && length === seen) break;
    }
    pieces = [];
    length = 0;
    if (socket.isPaused() && !isOver) socket.resume();
    return answer;
  }

  /** Resolves true when something happened, false after `ms`. */
  function more(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (happened: boolean) => {
        clearTimeout(timer);
        budget.signal?.removeEventListener('abort', stop);
        wake = ignore;
        resolve(happened);
      };
      const stop = () => settle(false);
      const timer = setTimeout(stop, ms);
      budget.signal?.addEventListener('abort', stop, { once: true });
      wake = () => settle(true);
    });
  }

  function release(): Socket {
    socket.removeListener('data', onData);
    socket.removeListener('end', onEnd);
    socket.removeListener('close', onEnd);
    socket.pause();
    return socket;
  }

  return {
    ask,
    get isOver() {
      return isOver;
    },
    release,
    close: () => socket.destroy(),
  };
}
