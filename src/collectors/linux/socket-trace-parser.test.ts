import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLost } from './socket-trace-instance.ts';
import { createTraceParser } from './socket-trace-parser.ts';

const line = (port: number) =>
  `     é\xff-7    (   7) [000] ..... 5.000001: inet_sock_set_state: family=AF_INET protocol=IPPROTO_TCP sport=${port} dport=0 saddr=127.0.0.1 daddr=0.0.0.0 saddrv6=::ffff:127.0.0.1 daddrv6=::ffff:0.0.0.0 oldstate=TCP_CLOSE newstate=TCP_LISTEN\n`;

test('pieces of the trace may end anywhere', () => {
  const text = Buffer.concat([
    Buffer.from(line(1)),
    Buffer.from('CPU:0 [LOST 3 EVENTS]\n'),
    Buffer.from(line(2), 'latin1'),
  ]);
  for (let cut = 0; cut <= text.length; cut++) {
    const parser = createTraceParser();
    // one buffer for all pieces, as the reader has it
    const buffer = Buffer.from(text.subarray(0, cut));
    const first = parser.push(buffer);
    buffer.fill(0);
    const events = [...first, ...parser.push(text.subarray(cut))];
    assert.deepEqual(
      events.map(({ port, comm }) => [port, comm]),
      [
        [1, 'éÿ'],
        [2, '\ufffd\ufffd'],
      ],
    );
    assert.equal(parser.unrecognised(), 0);
  }
});

test('what is not understood is counted, and a line without an end is not kept', () => {
  const parser = createTraceParser();
  assert.deepEqual(parser.push(Buffer.from('what is this\nand this\n')), []);
  assert.equal(parser.unrecognised(), 2);
  parser.push(Buffer.alloc(5000, 'x'));
  assert.equal(parser.unrecognised(), 3);
  assert.equal(parser.push(Buffer.from(`${line(4)}`)).length, 1);
});

test('events that the buffer dropped', () => {
  const stats = `entries: 12\noverrun: 1458\ncommit overrun: 2\nbytes: 700\noldest event ts: 34353.156656\nnow ts: 34356.680710\ndropped events: 3\nread events: 12\n`;
  assert.equal(parseLost(stats), 1463);
  assert.equal(parseLost('entries: 12\n'), 0);
});
