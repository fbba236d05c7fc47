import { load } from 'js-yaml';
import { memorySource } from '../src/register/memory-source.ts';
import { loadWorkspace } from '../src/register/workspace.ts';
import { median, printTable } from './measure.ts';

// Loading a register of 20,000 entries, cold and from the cache, beside js-yaml alone on the same text in the same run.
const ENTRIES = 20_000;
const RUNS = 5;

function registerText(): string {
  const entries = Array.from(
    { length: ENTRIES },
    (_, i) => `  - id: svc-${i}
    service: postgresql            # IANA name
    purpose: Orders database number ${i}, read and written by the order API
    owner: team-${i % 40}
    hosts: [db-${i % 500}, 10.20.${i % 200}.0/28, tag:orders-db]
    port: ${1024 + (i % 60_000)}
    process: { exe: /usr/lib/postgresql/*/bin/postgres, user: postgres, unit: postgresql@*.service }
    sources: [zone:app, 10.20.9.${i % 250}]
    data: [phi]
    encryption: tls
    auth: password
    change: CHG-${i}
    approval: { by: approver@example.org, at: 2026-09-30T14:02:00Z, digest: "sha256:${'a'.repeat(64)}" }
    review: { every: 90d, last: 2026-09-30, by: reviewer@example.org }
    expires: 2027-09-30T00:00:00Z
`,
  );
  return `ports:\n${entries.join('')}`;
}

/** Wall and processor time of one run, ms. On a busy machine only the second says much. */
async function time(run: () => unknown): Promise<{ wall: number; cpu: number }> {
  const [start, used] = [performance.now(), process.cpuUsage()];
  await run();
  const { user, system } = process.cpuUsage(used);
  return { wall: performance.now() - start, cpu: (user + system) / 1000 };
}

const text = registerText();
const owners = Array.from({ length: 40 }, (_, i) => `  team-${i}: t@example.org\n`).join('');
const config = `name: bench\nowners:\n${owners}zones: { app: [10.20.0.0/16] }\n`;
const source = memorySource({ 'quietdoor.yaml': config, 'register/all.yaml': text });
const kept = new Map<string, string>();
const cache = {
  get: async (key: string) => kept.get(key) ?? null,
  put: async (key: string, value: string) => void kept.set(key, value),
};
const { register } = await loadWorkspace(source, { cache });
if (register.entries.length !== ENTRIES || register.problems.length > 0)
  throw new Error('the register was not read whole');

type Times = { wall: number; cpu: number }[];
const ms: Record<'peer' | 'cold' | 'cached', Times> = { peer: [], cold: [], cached: [] };
for (let run = 0; run < RUNS; run++) {
  ms.peer.push(await time(() => load(text)));
  ms.cold.push(await time(() => loadWorkspace(source)));
  ms.cached.push(await time(() => loadWorkspace(source, { cache })));
}
const wall = (times: Times) => median(times.map((time) => time.wall));
const row = (name: string, times: Times, bar: string) => [
  name,
  wall(times).toFixed(0),
  median(times.map((time) => time.cpu)).toFixed(0),
  (wall(times) / wall(ms.peer)).toFixed(2),
  bar,
];
console.log(`${ENTRIES} entries, ${(text.length / 1e6).toFixed(1)} MB, medians of ${RUNS} runs`);
printTable(
  ['', 'wall ms', 'cpu ms', 'of js-yaml', 'bar'],
  [
    row('js-yaml alone', ms.peer, ''),
    row('loadWorkspace, cold', ms.cold, '2000 ms'),
    row('loadWorkspace, cached', ms.cached, '300 ms'),
  ],
);
