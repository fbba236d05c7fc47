import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { createLinePieces } from './line-pieces.ts';
import { netlinkListener } from './netlink-drops.ts';
import { makePipe, type Pipe } from './pipe.ts';
import { enlargeSocketBuffer } from './socket-buffer.ts';

/** Events of connection tracking that did not arrive. UTC seconds. */
export interface ConntrackLoss {
  readonly from: number;
  readonly until: number;
  /** Null: nobody knows, because the program that listened was gone. */
  readonly lost: number | null;
  readonly because: string;
}

export interface ConntrackLiveOptions {
  /** Ends of connections too: with packets and bytes where the kernel counts them. */
  readonly withBytes: boolean;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Whole lines of `conntrack -E -o timestamp,extended,id`: bytes[from, to), good until it returns. */
  readonly onEvents: (bytes: Uint8Array, from: number, to: number) => void;
  /** Whole lines of `conntrack -L -o extended,id`: at the start, and after a loss. */
  readonly onListed: (bytes: Uint8Array, from: number, to: number, isStart: boolean) => void;
  /** A listing is over. */
  readonly onListingEnd?: (isStart: boolean) => void;
  readonly onLoss: (loss: ConntrackLoss) => void;
  /** Everything up to that time (UTC seconds) was delivered, or was told as lost. */
  readonly onDelivered: (until: number) => void;
  readonly onWarning: (text: string) => void;
  /** Bytes of the socket's buffer, which the kernel doubles; default 32 MiB, 128 MiB with the ends of connections. */
  readonly bufferBytes?: number;
  /** Program and first arguments; default `conntrack`. */
  readonly command?: readonly [string, ...string[]];
}

/** A running listener. */
export interface ConntrackLive {
  /** Events that were lost, as far as known; whole listings that made up for them. */
  readonly lost: number;
  readonly resyncs: number;
  readonly restarts: number;
  stop(): Promise<void>;
}

/** Why there is no listener. */
export interface NoConntrack {
  readonly reason: string;
}

/**
 * The kernel doubles these. A waiting event takes 1,280 bytes. New connections come one by one; ends come in bursts, when the
 * kernel sweeps its table: tens of thousands within a tenth of a second. Memory is only taken while events wait.
 */
const BUFFER = { new: 33_554_432, both: 134_217_728 } as const;
/** The kernel's count of what was dropped is looked at this often. */
const POLL_MS = 1_000;
/**
 * Pauses between two reads. conntrack writes every event by itself: without a pause each would wake this process. Its
 * pipe holds 350 events, and the socket's buffer thousands more.
 */
const PAUSE_MS = { full: 2, busy: 8, idle: 40 } as const;
const CHUNK = 65_536;
const READY_MS = 5_000;
/** Shortest time between two listings of the table. */
const RESYNC_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;

const decoder = new TextDecoder('latin1');

/**
 * Starts `conntrack -E` and keeps it running: it is started again when it dies, what the kernel dropped is counted, and the
 * table is listed after either, so that what is still there is not missed. Changes nothing on the machine.
 */
export async function openConntrackLive(options: ConntrackLiveOptions): Promise<ConntrackLive | NoConntrack> {
  const live = new Listener(options);
  const reason = await live.start();
  return reason === null ? live : { reason };
}

class Listener implements ConntrackLive {
  lost = 0;
  resyncs = 0;
  restarts = 0;
  private readonly options: ConntrackLiveOptions;
  private readonly command: readonly [string, ...string[]];
  private child: ChildProcess | null = null;
  private lister: ChildProcess | null = null;
  private reading: Promise<void> = Promise.resolve();
  private isStopping = false;
  private poll: NodeJS.Timeout | undefined;
  private again: NodeJS.Timeout | undefined;
  private pauseMs = 1_000;
  /** Drops of the present child that were told; and when they were looked at, UTC seconds. */
  private drops = 0;
  private seenAt = 0;
  private needsResync = false;
  private lastListing = 0;
  private lastError = '';
  private isTold = false;

  constructor(options: ConntrackLiveOptions) {
    this.options = options;
    this.command = options.command ?? ['conntrack'];
  }

  /** Null: it listens; else why not. */
  async start(): Promise<string | null> {
    const reason = await this.listen();
    if (reason !== null) {
      this.end();
      return reason;
    }
    this.poll = setInterval(() => this.look(), POLL_MS);
    this.list(true);
    return null;
  }

  private get bufferBytes(): number {
    return this.options.bufferBytes ?? (this.options.withBytes ? BUFFER.both : BUFFER.new);
  }

  private get seconds(): number {
    return this.options.now() / 1000;
  }

  /** Starts the child and waits until its socket has joined the groups. */
  private async listen(): Promise<string | null> {
    const { withBytes } = this.options;
    const [program, ...first] = this.command;
    const events = withBytes ? 'NEW,DESTROY' : 'NEW';
    const pipe = makePipe();
    const child = spawn(
      program,
      [...first, '-E', '-o', 'timestamp,extended,id', '-e', events, '-b', String(this.bufferBytes)],
      { stdio: ['ignore', pipe.write, 'pipe'] },
    );
    closeSync(pipe.write);
    this.child = child;
    this.lastError = '';
    let failure: string | null = null;
    child.once('error', (error) => {
      failure = (error as NodeJS.ErrnoException).code === 'ENOENT' ? `${program} is not installed` : error.message;
    });
    child.stderr?.on('data', (chunk: Uint8Array) => {
      // Overruns are counted by the kernel, see look(); what else it says matters when it ends.
      this.lastError = (this.lastError + decoder.decode(chunk)).slice(-2_000);
    });
    const ended = new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.once('error', () => resolve());
    });
    this.reading = this.readEvents(pipe, ended);
    const until = performance.now() + READY_MS;
    for (;;) {
      const isOver = await Promise.race([ended.then(() => true), later(20).then(() => false)]);
      if (isOver || failure !== null) return failure ?? this.whyEnded();
      const socket = child.pid === undefined ? null : netlinkListener(child.pid);
      if (socket !== null) {
        this.drops = 0;
        await this.enlarge(child.pid as number, socket.fd);
        break;
      }
      if (performance.now() > until) {
        child.kill();
        return `${program} did not begin to listen within ${READY_MS / 1000} s`;
      }
    }
    this.seenAt = this.seconds;
    void this.reading.then(() => this.died(child));
    return null;
  }

  private async enlarge(pid: number, fd: number): Promise<void> {
    const size = await enlargeSocketBuffer(pid, fd, this.bufferBytes);
    if (size === null && !this.isTold)
      this.options.onWarning(
        'the buffer of conntrack could not be made larger (needs perl and Linux 5.6): some of its releases have room for 166 events only, and more of them are lost in a burst; what is lost is counted',
      );
    this.isTold = true;
  }

  private whyEnded(): string {
    const line = this.lastError
      .split('\n')
      .find(
        (text) =>
          text.trim() !== '' && !text.startsWith('NOTICE') && !/^conntrack v[\d.]+ .*have been shown/.test(text),
      );
    return `${this.command[0]} ended${line === undefined ? '' : `: ${line.trim()}`}`;
  }

  /** Reads what the child writes until it has ended and all of it was read. */
  private async readEvents(pipe: Pipe, ended: Promise<void>): Promise<void> {
    const pieces = createLinePieces();
    const chunk = new Uint8Array(CHUNK);
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    for (;;) {
      const isLast = isOver;
      let length = pipe.read(chunk);
      const isFull = length > CHUNK / 4;
      const isBusy = length > 0;
      for (; length > 0; length = pipe.read(chunk)) pieces.push(chunk.subarray(0, length), this.options.onEvents);
      if (isLast) break;
      await later(isFull ? PAUSE_MS.full : isBusy ? PAUSE_MS.busy : PAUSE_MS.idle);
    }
    pipe.close();
  }

  /** Looks at what the kernel dropped since the last time. */
  private look(): void {
    const pid = this.child?.pid;
    const socket = pid === undefined ? null : netlinkListener(pid);
    if (socket === null) return; // it ended: died() tells the gap
    const now = this.seconds;
    const lost = socket.drops - this.drops;
    if (lost > 0) {
      this.drops = socket.drops;
      this.lost += lost;
      this.needsResync = true;
      this.options.onLoss({ from: this.seenAt, until: now, lost, because: 'events came faster than they were read' });
    } else this.options.onDelivered(now);
    this.seenAt = now;
    this.pauseMs = 1_000;
    // Not in the middle of an overrun: reading the table takes time that events then lack.
    const isDue = lost === 0 || performance.now() - this.lastListing > 3 * RESYNC_MS;
    if (this.needsResync && isDue && performance.now() - this.lastListing > RESYNC_MS) this.list(false);
  }

  /** Lists the table: what of it is not known yet was missed. */
  private list(isStart: boolean): void {
    if (this.lister !== null || this.isStopping) return;
    this.needsResync = false;
    this.lastListing = performance.now();
    const [program, ...first] = this.command;
    const lister = spawn(program, [...first, '-L', '-o', 'extended,id'], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.lister = lister;
    const pieces = createLinePieces();
    lister.stdout.on('data', (chunk: Uint8Array) =>
      pieces.push(chunk, (bytes, from, to) => this.options.onListed(bytes, from, to, isStart)),
    );
    lister.once('error', () => {});
    lister.once('close', (code) => {
      this.lister = null;
      if (code !== 0 && !this.isStopping)
        this.options.onWarning(`the table of connections could not be listed (${program} -L ended with ${code})`);
      if (!isStart) this.resyncs++;
      this.options.onListingEnd?.(isStart);
    });
  }

  private died(child: ChildProcess): void {
    if (this.isStopping || this.child !== child) return;
    this.child = null;
    this.options.onWarning(`${this.whyEnded()}; it is started again in ${this.pauseMs / 1000} s`);
    this.again = setTimeout(() => void this.restart(), this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
  }

  private async restart(): Promise<void> {
    const from = this.seenAt;
    const reason = await this.listen();
    if (this.isStopping) return;
    if (reason !== null) {
      this.seenAt = from;
      this.options.onLoss({ from, until: this.seconds, lost: null, because: reason });
      this.seenAt = this.seconds;
      this.again = setTimeout(() => void this.restart(), this.pauseMs);
      this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS);
      return;
    }
    this.restarts++;
    this.options.onLoss({ from, until: this.seenAt, lost: null, because: 'conntrack had ended' });
    this.needsResync = true;
    this.list(false);
  }

  async stop(): Promise<void> {
    if (this.isStopping) return;
    this.look();
    this.isStopping = true;
    const { child } = this;
    if (child === null)
      this.options.onLoss({ from: this.seenAt, until: this.seconds, lost: null, because: 'conntrack had ended' });
    this.end();
    if (child && child.exitCode === null && child.signalCode === null) {
      const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
      await Promise.race([closed, later(2_000)]);
    }
    await this.reading;
  }

  private end(): void {
    this.isStopping = true;
    clearInterval(this.poll);
    clearTimeout(this.again);
    this.child?.kill('SIGTERM');
    this.lister?.kill('SIGTERM');
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
