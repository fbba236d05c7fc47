/** Listens to connection tracking as `quietdoor flows collect` does, until its input ends; then says what it saw. */
import { openConntrackLive } from '../src/collectors/flows/conntrack-live.ts';
import { conntrackText } from '../src/flows/conntrack-text.ts';
import { createRollup } from '../src/flows/rollup.ts';

const withBytes = process.argv[2] === 'bytes';
let batches = 0;
const rollup = createRollup({
  services: null,
  feed: 'conntrack',
  format: 'conntrack',
  now: () => Date.now(),
  onFlush: (batch) => {
    batches++;
    rollup.recycle(batch);
  },
  onProblem: (message) => process.stderr.write(`${message}\n`),
});
const parser = conntrackText.open(rollup, {
  reference: Date.now(),
  utcOffsetMinutes: 0,
  mapping: new Map(),
  prefixes: new Map(),
});
let lines = 0;
let news = 0;
const live = await openConntrackLive({
  withBytes,
  now: () => Date.now(),
  onEvents: (bytes, from, to) => {
    const before = rollup.counts.connections;
    lines += parser.lines(bytes, from, to, lines + 1);
    news += rollup.counts.connections - before;
  },
  onListed: () => {},
  onLoss: () => {},
  onDelivered: () => {},
  onWarning: (text) => process.stderr.write(`${text}\n`),
});
if ('reason' in live) throw new Error(live.reason);
const cpu = process.cpuUsage();
console.log('ready');
for await (const _ of process.stdin);
// What is still on its way.
for (let before = -1; before !== lines; ) {
  before = lines;
  await new Promise((resolve) => setTimeout(resolve, 1_200));
}
const used = process.cpuUsage(cpu);
await live.stop();
rollup.flush();
const { lost } = live;
console.log(
  JSON.stringify({
    lines,
    news,
    lost,
    problems: rollup.counts.problems,
    rows: rollup.counts.rows,
    batches,
    cpuMs: (used.user + used.system) / 1000,
    rssMb: process.memoryUsage.rss() / 1e6,
  }),
);
