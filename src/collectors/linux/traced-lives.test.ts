import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SocketTraceEvent } from './socket-trace-types.ts';
import { foldTrace } from './traced-lives.ts';

const base: SocketTraceEvent = {
  kind: 'listen',
  at: 1,
  pid: 7,
  comm: 'nc',
  family: 'ipv4',
  address: '0.0.0.0',
  port: 80,
  netns: 'net:[1]',
};
const open = (at: number, more: Partial<SocketTraceEvent> = {}): SocketTraceEvent => ({ ...base, at, ...more });
const close = (at: number, more: Partial<SocketTraceEvent> = {}): SocketTraceEvent => ({
  ...base,
  kind: 'unlisten',
  at,
  ...more,
});
/** The same event, but the process had ended when it was read. */
const gone = ({ netns: _, ...event }: SocketTraceEvent): SocketTraceEvent => event;

/** `port openedAt closedAt netns pid`. */
const cases: { name: string; events: SocketTraceEvent[]; want: string[]; portless?: number }[] = [
  { name: 'nothing', events: [], want: [] },
  { name: 'opens', events: [open(1)], want: ['80 1 null net:[1] 7'] },
  { name: 'closes', events: [close(5)], want: ['80 null 5 net:[1] 7'] },
  { name: 'opens and closes', events: [open(1), close(2)], want: ['80 1 2 net:[1] 7'] },
  {
    name: 'opens, closes and opens',
    events: [open(1), close(2), open(3)],
    want: ['80 1 2 net:[1] 7', '80 3 null net:[1] 7'],
  },
  {
    name: 'closes and opens: a restart',
    events: [close(1), open(2, { pid: 8 })],
    want: ['80 null 1 net:[1] 7', '80 2 null net:[1] 8'],
  },
  {
    name: 'two sockets share the port: open until the last closes',
    events: [open(1), open(2, { pid: 8 }), close(3), close(4, { pid: 8 })],
    want: ['80 1 4 net:[1] 7'],
  },
  {
    name: 'another process closes what it inherited',
    events: [open(1), close(2, { pid: 8 })],
    want: ['80 1 2 net:[1] 7'],
  },
  {
    name: 'another namespace, address or port is another listener',
    events: [open(1), open(2, { netns: 'net:[2]' }), open(3, { address: '127.0.0.1' }), open(4, { port: 81 })],
    want: ['80 1 null net:[1] 7', '80 2 null net:[2] 7', '80 3 null net:[1] 7', '81 4 null net:[1] 7'],
  },
  {
    name: 'the process ended meanwhile',
    events: [open(1), gone(close(2))],
    want: ['80 1 2 net:[1] 7'],
  },
  {
    name: 'the process ended before its first event was read',
    events: [gone(open(1)), gone(close(2))],
    want: ['80 1 2 undefined 7'],
  },
  {
    name: 'closed by an ended process that is known',
    events: [gone(close(2, { port: 443 }))],
    want: ['443 null 2 net:[9] 7'],
  },
  {
    name: 'a port that is told when it closes',
    events: [open(1, { port: 0 }), open(2, { pid: 8 }), close(3, { port: 40_000 })],
    want: ['40000 1 3 net:[1] 7', '80 2 null net:[1] 8'],
  },
  {
    name: 'two without a port: which one closed is not known',
    events: [open(1, { port: 0 }), open(2, { port: 0 }), close(3, { port: 40_000 })],
    want: ['40000 null 3 net:[1] 7'],
    portless: 2,
  },
  { name: 'a port that nothing tells', events: [open(1, { port: 0 })], want: [], portless: 1 },
];

for (const { name, events, want, portless = 0 } of cases)
  test(`a trace as lives: ${name}`, () => {
    const folded = foldTrace(events, ({ port }) => (port === 443 ? 'net:[9]' : undefined));
    assert.deepEqual(
      folded.lives.map((l) => `${l.port} ${l.openedAt} ${l.closedAt} ${l.netns} ${l.pid}`),
      want,
    );
    assert.equal(folded.portless.length, portless);
  });
