import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Listener } from '../model/listener.ts';
import type { Notice } from '../model/notices.ts';
import type { RegisterStanding, WatchEntry, WatchedListener, WatchMessage } from '../model/watch.ts';
import { renderWatchEntry } from './watch-lines.ts';

const AT = Date.UTC(2026, 10, 22, 9, 30, 5);
const POSTGRES: Listener = {
  ...{ host: 'db-1', scope: 'host', transport: 'tcp', port: 5432, address: '10.20.3.5', bind: 'private' },
  ...{ families: ['ipv4'], role: 'service', sharedWith: [] },
  process: { pid: 812, name: 'postgres', exe: '/usr/bin/postgres', user: 'postgres', unit: 'postgresql.service' },
};
const HOSTILE: Listener = { ...POSTGRES, process: { pid: 9, name: '\u001b[2Jx\n' } };
const APPROVED: RegisterStanding = { word: 'approved', entry: 'pg-orders', owner: 'team-orders', reasons: [] };
const told = { opens: 1, closes: 0, changes: 0 };

function notice(of: Partial<Notice<WatchedListener>>, standing = APPROVED): WatchEntry {
  const whole = { at: AT, told, what: { listener: POSTGRES }, ...of } as Notice<WatchedListener>;
  return { kind: 'notice', at: AT, notice: whole, standings: [standing] };
}
const message = (of: WatchMessage): WatchEntry => ({ kind: 'message', at: AT, message: of });
const WHO = 'db-1 tcp/5432 on 10.20.3.5 · /usr/bin/postgres (pid 812) · user postgres · unit postgresql.service';
const counted = { from: AT - 600_000, opens: 40, closes: 40, changes: 0 };

const CASES: readonly { name: string; entry: WatchEntry; want: string }[] = [
  {
    name: 'opened',
    entry: notice({ kind: 'opened' }),
    want: `opened    ${WHO} · approved pg-orders (owner team-orders)`,
  },
  {
    name: 'closed, not in the register',
    entry: notice({ kind: 'closed', openMs: 12 }, { word: 'unregistered', reasons: [] }),
    want: `closed    ${WHO} · was open for 12 ms · NOT IN THE REGISTER`,
  },
  {
    name: 'changed, deviates',
    entry: notice(
      { kind: 'changed', what: { listener: POSTGRES, changes: [{ attribute: 'user', old: 'postgres', new: 'root' }] } },
      { word: 'deviates', entry: 'pg', reasons: ['The user is root.'] },
    ),
    want: `changed   ${WHO} · user postgres → root · DEVIATES pg (no owner): The user is root.`,
  },
  {
    name: 'flapping',
    entry: notice({ kind: 'flapping', ...counted, isOpen: false, over: true }),
    want: `flapping  ${WHO} · opened and closed 40 times in 10 min; quiet now, closed · approved pg-orders (owner team-orders)`,
  },
  {
    name: 'a name that would act on the terminal',
    entry: notice({ kind: 'opened', what: { listener: HOSTILE } }),
    want: 'opened    db-1 tcp/5432 on 10.20.3.5 · \\x1b[2Jx\\n (pid 9) · approved pg-orders (owner team-orders)',
  },
  {
    name: 'many',
    entry: notice({ kind: 'many', program: 'python3', ...counted, examples: [{ listener: POSTGRES }], over: true }),
    want: `many      python3 · 40 openings, 40 closings in 10 min; quiet now
                     among them db-1 tcp/5432 on 10.20.3.5 · approved pg-orders (owner team-orders)`,
  },
  {
    name: 'a gap',
    entry: message({ kind: 'gap', because: 'the machine was suspended', seconds: 7_500 }),
    want: 'gap       the machine was suspended · nothing was watched for 2 h',
  },
  {
    name: 'a packet filter',
    entry: message({
      ...{ kind: 'firewall', summary: '1 rule added', cut: 2 },
      reach: [
        {
          ...{ transport: 'tcp', ports: '8443', listening: [8443] },
          gained: { words: 'every IPv4 address', cidrs: ['0.0.0.0/0'], more: 0 },
        },
      ],
    }),
    want: `firewall  1 rule added
                     can now reach tcp/8443, where something listens: every IPv4 address
                     and 2 more changes in who can connect`,
  },
];

describe('lines of a watch', () => {
  for (const { name, entry, want } of CASES)
    test(name, () => {
      assert.equal(renderWatchEntry(entry, 'table', false), `2026-11-22 09:30:05  ${want}\n`);
      const line = renderWatchEntry(entry, 'jsonl', false);
      assert.equal(line.indexOf('\n'), line.length - 1, 'one line');
      assert.ok(!line.includes('\u001b'));
      const { schemaVersion, at, kind } = JSON.parse(line);
      assert.deepEqual([schemaVersion, at], [1, '2026-11-22T09:30:05.000Z']);
      assert.equal(kind, entry.kind === 'notice' ? entry.notice.kind : entry.message.kind);
    });
});
