/**
 * The measured side of bench/host.bench.ts, bundled by it as the product is: one snapshot per line of input (`serve`),
 * or one at once (`once`). Prints a line of JSON per snapshot, with the listeners unless the line of input is `quiet`: a
 * list of them all for the bench weighs more than the snapshot itself.
 */
import { createInterface } from 'node:readline';
import { createLocalCollector, type LocalCollector } from '../src/collectors/local.ts';

export interface Answer {
  readonly ms: number;
  /** User and system time, milliseconds. */
  readonly cpuMs: number;
  /** Resident set after the snapshot, MB. */
  readonly rssMb: number;
  /** `transport|address|port|pid,pid`, by scope. */
  readonly listeners: Record<string, string[]>;
}

async function snapshot(collector: LocalCollector, quiet: boolean): Promise<Answer> {
  const started = performance.now();
  const before = process.cpuUsage();
  const { listeners } = await collector.collect({ hashes: false, root: '/', now: Date.now });
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  const rssMb = process.memoryUsage.rss() / 1024 ** 2;
  const byScope: Record<string, string[]> = {};
  for (const l of quiet ? [] : listeners) {
    if (l.transport !== 'tcp' && l.transport !== 'udp') continue;
    const pids = [l.process, ...l.sharedWith].flatMap((p) => (p === null ? [] : [p.pid])).sort((a, b) => a - b);
    byScope[l.scope] ??= [];
    byScope[l.scope]?.push(`${l.transport}|${l.address}|${l.port}|${pids.join(',')}`);
  }
  return { ms, cpuMs: (user + system) / 1000, rssMb, listeners: byScope };
}

const collector = createLocalCollector();
if (process.argv[2] === 'once') console.log(JSON.stringify(await snapshot(collector, false)));
else
  for await (const line of createInterface({ input: process.stdin }))
    console.log(JSON.stringify(await snapshot(collector, line === 'quiet')));
