import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Done {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A connection to try: source, its port, destination, port, wire. */
export type ConnectTry = readonly [string, number, string, number, 0 | 1];

/** A host under test with a client and a container around it, in namespaces of our own: see prober.py. */
export interface Bed {
  nft(text: string, json?: boolean): Promise<Done>;
  run(args: readonly string[], input?: string): Promise<Done>;
  /** Frames as frames.ts packs them. */
  send(frames: Buffer): Promise<void>;
  /** Opens TCP ports on the host and in the container, on every address. */
  listen(ports: readonly number[]): Promise<void>;
  /** Waits until nothing happens for so long. Per try, added up: 1 connected, 2 a byte came, 4 accepted; -1: not tried. */
  connect(tries: readonly ConnectTry[], seconds: number): Promise<number[]>;
  close(): Promise<void>;
}

/** The bed could not be made, or its helper ended. */
export class BedError extends Error {}

/** Makes a bed. Throws a BedError with the reason where that is not allowed here. */
export async function createBed(): Promise<Bed> {
  const child = spawn('python3', [join(import.meta.dirname, 'prober.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ask = conversation(child);
  const hello = (await ask(null)) as { ready?: boolean; fatal?: string };
  if (hello.ready !== true) throw new BedError(hello.fatal ?? 'the helper did not start');
  return {
    nft: async (text, json = false) => (await ask({ do: 'nft', text, json })) as Done,
    run: async (args, input = '') => (await ask({ do: 'run', args, input })) as Done,
    send: async (frames) => {
      await ask({ do: 'send', frames: frames.toString('base64') });
    },
    listen: async (ports) => {
      await ask({ do: 'listen', ports });
    },
    connect: async (tries, wait) => ((await ask({ do: 'connect', tries, wait })) as { results: number[] }).results,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      await ended;
    },
  };
}

const LONGEST_ANSWER_MS = 60_000;

/** One line out, one line back. */
function conversation(child: ChildProcessWithoutNullStreams): (request: unknown) => Promise<unknown> {
  const waiting: Array<{ resolve: (answer: unknown) => void; reject: (error: Error) => void }> = [];
  let ended: string | null = null;
  let complaints = '';
  child.stderr.on('data', (data: Buffer) => {
    complaints = (complaints + data.toString()).slice(-4000);
  });
  child.stdin.on('error', () => {});
  const end = (reason: string) => {
    ended = reason;
    for (const one of waiting.splice(0)) one.reject(new BedError(reason));
  };
  child.once('error', (error) => end(`python3 does not start: ${error.message}`));
  child.once('close', (code, signal) => end(`the helper ended (${code ?? signal}): ${complaints.trim()}`));
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
  const timer = setTimeout(() => {
    if (waiting.length > 0) child.kill('SIGKILL');
  }, LONGEST_ANSWER_MS).unref();
  return (request) =>
    new Promise((resolve, reject) => {
      if (ended !== null) return reject(new BedError(ended));
      waiting.push({ resolve, reject });
      timer.refresh();
      if (request !== null) child.stdin.write(`${JSON.stringify(request)}\n`);
    });
}
