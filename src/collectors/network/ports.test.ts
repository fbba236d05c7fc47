import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RANKED_PORTS, readPorts } from './ports.ts';

const CASES: { text: string; transport?: 'tcp' | 'udp'; want: number[] }[] = [
  { text: '443', want: [443] },
  { text: ' 81 , 80-82,,80 ', want: [80, 81, 82] },
  { text: 'ssh,https', want: [443, 22] },
  { text: 'postgresql, SSH', want: [22, 5432] },
  { text: 'top:3', want: RANKED_PORTS.slice(0, 3) as number[] },
  { text: '40001,40000,443', want: [443, 40000, 40001] },
  { text: 'registered,22', want: [22, 12121] },
  { text: 'ntp', transport: 'udp', want: [123] },
];
for (const { text, transport, want } of CASES)
  test(`reads "${text}"`, () => {
    const { ports, problems } = readPorts(text, [12121], transport);
    assert.deepEqual(problems, []);
    assert.deepEqual([...ports], want);
  });

const WRONG: [string, RegExp][] = [
  ['0', /ports go from 1 to 65535/],
  ['65536', /ports go from 1 to 65535/],
  ['100-50', /reversed range; did you mean 50-100/],
  ['top:0', /expected top:1 to top:\d+/],
  ['top:9999', /"all" asks every port/],
  ['nonesuch', /no service known here/],
  ['22;23', /is no port/],
  ['', /no ports are named/],
];
for (const [text, message] of WRONG)
  test(`says what is wrong with "${text}"`, () => assert.match(readPorts(text).problems.join(), message));

test('all is every port once', () => {
  const { ports } = readPorts('all,22');
  assert.equal(ports.length, 65535);
  assert.equal(new Set(ports).size, 65535);
  assert.equal(ports[0], RANKED_PORTS[0]);
});

test('the ranked list has at least a thousand ports, each once', () => {
  assert.ok(RANKED_PORTS.length >= 1000);
  assert.equal(new Set(RANKED_PORTS).size, RANKED_PORTS.length);
  assert.ok(RANKED_PORTS.every((port) => Number.isInteger(port) && port >= 1 && port <= 65535));
});
