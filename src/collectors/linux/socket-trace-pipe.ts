import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';

/** Reads a trace_pipe as events come. */
export interface TracePipe {
  /** Stops reading for a while: the kernel's buffer holds what comes. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Closes the file. Settled when it is closed. */
  readonly close: () => Promise<void>;
  /** Closes the file at once, for a process that ends. Nothing may be done with it any more. */
  readonly abandon: () => void;
}

export interface TracePipeReader {
  /** A piece of the text; its bytes are valid during the call only. */
  readonly onPiece: (bytes: Buffer) => void;
  /** It cannot be read any longer. */
  readonly onEnd: () => void;
}

/** At most so many bytes are read in one go, before others have their turn. */
const PIECE_BYTES = 64 * 1024;
/** The kernel gives up to two pages at a time: less than half a page, and the buffer is drained. */
const DRAINED_BYTES = 2048;
/** While events keep coming they are read in batches, this often: one by one would cost several times as much. */
const BATCH_MS = 10;
/** How often is looked where Node cannot wait for the pipe. */
const POLL_MS = 50;
const POLL_BYTES = 256 * 1024;

/**
 * Opens the pipe. It is a file that can be polled, but a *file* by its type, so Node offers only reads through its thread pool
 * for it: a blocking one would keep one of four threads for ever. `wait`: by the event loop's own poll, through
 * the handle that Node's sockets use, costs nothing while nothing happens and wakes at once. `look`: a look every 50 ms
 * that never blocks, for a Node without access to that handle.
 */
export function openTracePipe(path: string, how: 'wait' | 'look' | 'best', reader: TracePipeReader): TracePipe {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const handle = how === 'look' ? undefined : pollableHandle(fd);
    if (handle === undefined && how === 'wait') throw new Error('this Node gives no access to its pipe handle');
    return handle === undefined ? look(fd, reader) : wait(fd, handle, reader);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Node's handle of a pipe, opened on the descriptor; `undefined` where this Node does not give it. */
function pollableHandle(fd: number): object | undefined {
  try {
    const binding = (process as unknown as { binding: (name: string) => PipeBinding }).binding('pipe_wrap');
    const handle = new binding.Pipe(binding.constants.SOCKET);
    return (handle.open(fd) ?? 0) === 0 ? handle : undefined;
  } catch {
    return undefined;
  }
}

interface PipeBinding {
  readonly Pipe: new (type: number) => { open(fd: number): number | undefined };
  readonly constants: { readonly SOCKET: number };
}

function wait(fd: number, handle: object, { onPiece, onEnd }: TracePipeReader): TracePipe {
  let batch: NodeJS.Timeout | undefined;
  let isPaused = false;
  const closed = Promise.withResolvers<void>();
  const options = {
    handle,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(PIECE_BYTES),
      callback: (length: number, bytes: Uint8Array) => {
        onPiece(Buffer.from(bytes.buffer, bytes.byteOffset, length));
        if (isPaused) return false;
        if (length >= DRAINED_BYTES) return true;
        batch = setTimeout(() => {
          batch = undefined;
          if (!isPaused) socket.resume();
        }, BATCH_MS);
        return false;
      },
    },
  };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  socket.on('error', () => {}); // `close` follows
  socket.on('close', () => {
    clearTimeout(batch);
    closed.resolve();
    onEnd();
  });
  socket.resume();
  return {
    pause: () => {
      isPaused = true;
      socket.pause();
    },
    resume: () => {
      isPaused = false;
      if (batch === undefined) socket.resume();
    },
    close: () => {
      socket.destroy();
      return closed.promise;
    },
    abandon: () => closeSync(fd),
  };
}

function look(fd: number, { onPiece, onEnd }: TracePipeReader): TracePipe {
  const buffer = Buffer.alloc(PIECE_BYTES);
  let timer: NodeJS.Timeout | undefined;
  let isPaused = false;
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(timer);
    closeSync(fd);
    onEnd();
  };
  const readSome = () => {
    for (let total = 0; isOpen && !isPaused && total < POLL_BYTES; ) {
      const length = readNow(fd, buffer);
      if (length === 0) break;
      if (length < 0) return close();
      total += length;
      onPiece(buffer.subarray(0, length));
    }
    if (isOpen && !isPaused) timer = setTimeout(readSome, POLL_MS);
  };
  timer = setTimeout(readSome, 0);
  return {
    pause: () => {
      isPaused = true;
      clearTimeout(timer);
    },
    resume: () => {
      if (!isPaused || !isOpen) return;
      isPaused = false;
      timer = setTimeout(readSome, 0);
    },
    close: async () => close(),
    abandon: close,
  };
}

/** Bytes that are there now; 0: none, -1: it cannot be read any longer. */
function readNow(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, null) || -1;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 0 : -1;
  }
}
