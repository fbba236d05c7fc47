import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface UdpAnswer {
  readonly data: Buffer;
  /** It came from the address and port that were asked. */
  readonly isFromTarget: boolean;
}

/** A socket that asks one port. Nothing that the other side does makes it throw. */
export interface UdpSocket {
  send(datagram: Uint8Array): void;
  /** Answers that came within `waitMs`; ends early when `expected` have come, or a moment after the first. */
  hear(waitMs: number, expected: number, signal: AbortSignal | undefined): Promise<readonly UdpAnswer[] | 'refused'>;
  close(): void;
}

/** After the first answer, how long further ones may take, ms. */
const PAUSE_MS = 250;

/** Answers to one try that are kept at most. */
const MAX_ANSWERS = 8;

/** Opens a socket; null where the system has no route or no socket left. */
export function openSocket(address: string, port: number, isConnected: boolean): Promise<UdpSocket | null> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    let answers: UdpAnswer[] = [];
    let isRefused = false;
    let wake = () => {};
    socket.on('message', (data, from) => {
      if (answers.length === MAX_ANSWERS) return;
      answers.push({ data, isFromTarget: isConnected || (from.port === port && from.address === address) });
      wake();
    });
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'ECONNREFUSED') isRefused = true;
      wake();
      resolve(null);
    });
    const giveUp = () => {
      socket.close();
      resolve(null);
    };
    const ready = () =>
      resolve({
        send: (datagram) =>
          isConnected ? socket.send(datagram, noteError) : socket.send(datagram, port, address, noteError),
        hear,
        close: () => {
          wake();
          socket.close();
        },
      });
    const noteError = (error: (Error & { code?: string }) | null) => {
      if (error?.code !== 'ECONNREFUSED') return;
      isRefused = true;
      wake();
    };
    // Without a route, connect says so to its callback.
    if (isConnected) socket.connect(port, address, (error?: Error) => (error ? giveUp() : ready()));
    else socket.bind(0, ready);

    function hear(waitMs: number, expected: number, signal: AbortSignal | undefined) {
      return new Promise<readonly UdpAnswer[] | 'refused'>((done) => {
        const settle = () => {
          clearTimeout(timer);
          clearTimeout(pause);
          signal?.removeEventListener('abort', settle);
          wake = () => {};
          const heard = answers;
          answers = [];
          done(isRefused && heard.length === 0 ? 'refused' : heard);
        };
        const timer = setTimeout(settle, waitMs);
        let pause: NodeJS.Timeout | undefined;
        wake = () => {
          if (answers.length >= expected || isRefused) settle();
          else pause ??= setTimeout(settle, Math.min(PAUSE_MS, waitMs));
        };
        signal?.addEventListener('abort', settle, { once: true });
        if (signal?.aborted) settle();
        else if (answers.length > 0 || isRefused) wake();
      });
    }
  });
}
