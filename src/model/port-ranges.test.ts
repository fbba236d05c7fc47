import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Transport } from './endpoint.ts';
import { inRanges } from './observation.ts';
import { formatPorts, intersectPorts, mergePorts, parsePorts, portsContain, portsOverlap } from './port-ranges.ts';
import { addToPortTree, newPortTree, visitPort } from './port-tree.ts';

test('ports are read from numbers, texts and lists', () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const cases: readonly [value: unknown, ports: string, problem?: string | undefined, transport?: Transport][] = [
    [443, '443'],
    ['6000-6010', '6000-6010'],
    [' 6000 - 6010 ', '6000-6010'],
    ['80, 443,81', '80-81, 443'],
    [[443, '80', '9000-9010', '9005-9020', 443], '80, 443, 9000-9020'],
    [1, '1'],
    [65535, '65535'],
    [70000, '', '"70000" is outside the ports there are; expected a number from 1 to 65535'],
    ['80,70000', '80', '"70000" is outside the ports there are; expected a number from 1 to 65535'],
    [0, '', '"0" is outside the ports there are; expected a number from 1 to 65535'],
    ['6010-6000', '', '"6010-6000" is a reversed range; did you mean "6000-6010"'],
    ['0x50', '', '"0x50" is not a port; expected a number from 1 to 65535, a range such as "6000-6010", or a list'],
    [1.5, '', '"1.5" is not a port; expected a number from 1 to 65535, a range such as "6000-6010", or a list'],
    [null, '', 'nothing is not a port; expected a number from 1 to 65535, a range such as "6000-6010", or a list'],
    [{}, '', 'a map is not a port; expected a number from 1 to 65535, a range such as "6000-6010", or a list'],
    [
      cyclic,
      '',
      'a list inside the list is not a port; expected a number from 1 to 65535, a range such as "6000-6010", or a list',
    ],
    [[], '', 'the list of ports is empty; expected at least one'],
    [0, '0', undefined, 'raw'],
    [256, '', '"256" is outside the ports there are; expected a number from 0 to 255', 'raw'],
  ];
  for (const [value, ports, problem, transport] of cases) {
    const parsed = parsePorts(value, transport);
    assert.equal(formatPorts(parsed.ranges), ports);
    assert.equal(parsed.problems[0]?.message, problem);
  }
});

const anyRanges = fc.array(
  fc.tuple(fc.nat(60), fc.nat(12)).map(([from, more]) => ({ from, to: from + more })),
  { maxLength: 8 },
);

test('merging, sharing and containing agree with trying every port', () => {
  const ports = Array.from({ length: 80 }, (_, port) => port);
  fc.assert(
    fc.property(anyRanges, anyRanges, (x, y) => {
      const [a, b] = [mergePorts(x), mergePorts(y)];
      for (const port of ports) {
        assert.equal(inRanges(a, port), inRanges(x, port));
        assert.equal(inRanges(intersectPorts(a, b), port), inRanges(a, port) && inRanges(b, port));
      }
      for (const [i, range] of a.entries()) assert.ok(range.from > (a[i - 1]?.to ?? -2) + 1, 'no two touch');
      assert.equal(
        portsOverlap(a, b),
        ports.some((port) => inRanges(a, port) && inRanges(b, port)),
      );
      assert.equal(
        portsContain(a, b),
        ports.every((port) => !inRanges(b, port) || inRanges(a, port)),
      );
    }),
  );
});

test('the port tree finds what a search through all ranges finds', () => {
  const anyRange = fc
    .tuple(fc.nat(65535), fc.nat(65535))
    .map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
  fc.assert(
    fc.property(fc.array(anyRange, { maxLength: 20 }), fc.array(fc.nat(65535), { maxLength: 20 }), (ranges, more) => {
      const tree = newPortTree<number>();
      for (const [i, range] of ranges.entries()) addToPortTree(tree, range, i);
      for (const port of [0, 65535, ...more, ...ranges.flatMap((r) => [r.from, r.to])]) {
        const found: number[] = [];
        visitPort(tree, port, (items) => found.push(...items));
        const want = ranges.flatMap((r, i) => (r.from <= port && port <= r.to ? [i] : []));
        assert.deepEqual(
          found.sort((a, b) => a - b),
          want,
        );
      }
    }),
  );
});
