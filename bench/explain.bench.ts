// `explain` with a million past events in the store; the raw look-up of the same port's events by node:sqlite beside it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { EventDraft } from '../src/model/event.ts';
import { openStore } from '../src/store/store.ts';
import { median, printTable } from './measure.ts';

const EVENTS = 1_000_000;
const BATCH = 20_000;
const executable = join(resolve(import.meta.dirname, '..'), 'bin/quietdoor.js');
const dir = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
const quietdoor = (...args: string[]) => {
  try {
    return execFileSync(process.execPath, [executable, ...args], {
      cwd: dir,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, QUIETDOOR_HOST: 'bench-host' },
    });
  } catch (error) {
    return String((error as { stdout: unknown }).stdout); // exit 1: there are findings, as there should be
  }
};
try {
  quietdoor('init', '.');
  quietdoor('scan', '--quiet');
  const store = await openStore({ dir: join(dir, '.quietdoor'), mode: 'write' });
  const [first] = await store.listenerStates({ openOnly: true });
  const port = first?.listener.port ?? 22;
  for (let at = 0; at < EVENTS; at += BATCH) {
    const drafts = Array.from({ length: BATCH }, (_, i): EventDraft => {
      const n = at + i;
      const subject = `bench-host:${n % 5000}/tcp`;
      return {
        type: n % 2 ? 'listener.closed' : 'listener.opened',
        observedAt: 1_790_000_000_000 + n,
        actor: 'collector:local',
        subject,
        body: { address: '0.0.0.0' },
      };
    });
    await store.appendEvents(drafts, 1_790_000_000_000 + at);
  }
  await store.close();

  const ours: number[] = [];
  const raw: number[] = [];
  for (let round = 0; round < 7; round++) {
    let started = performance.now();
    const text = quietdoor('explain', `:${port}`, '--format', 'json');
    ours.push(performance.now() - started);
    if (!text.includes('"verdict"')) throw new Error(`explain gave no verdict: ${text.slice(0, 200)}`);
    started = performance.now();
    const database = new DatabaseSync(join(dir, '.quietdoor/quietdoor.db'), { readOnly: true });
    const table = database
      .prepare("select name from sqlite_master where type = 'table' and name in ('events', 'ledger')")
      .get();
    database
      .prepare(`select * from ${table?.name} where subject = ? order by sequence desc limit 50`)
      .all(`bench-host:${port}/tcp`);
    database.close();
    raw.push(performance.now() - started);
  }
  printTable(
    ['case', 'ms (median of 7)'],
    [
      ['quietdoor explain :PORT, 1,000,000 events (whole process)', median(ours).toFixed(0)],
      ['the same events by node:sqlite alone (in process)', median(raw).toFixed(1)],
    ],
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}
