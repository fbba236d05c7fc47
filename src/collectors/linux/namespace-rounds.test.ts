import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Gap } from '../../model/observation.ts';
import { createNamespaceRounds, type NamespaceRounds } from './namespace-rounds.ts';

const HOST = 'host';

/** A look at as many of the namespaces as are allowed; returns those that were read. Ids are scopes here. */
function look(rounds: NamespaceRounds, ids: readonly string[], most: number, first: readonly string[] = []) {
  const read = rounds.begin(ids, HOST, new Set(first)).slice(0, most);
  for (const id of read) rounds.tried(id, { scope: id, unread: new Set() });
  const { read: everRead, ...end } = rounds.end(new Map(ids.map((id) => [id, id])));
  return { ...end, read, everRead: everRead.map(({ scope }) => scope).sort() };
}

describe('which namespaces are read', () => {
  test('the host in each look, the others in turn; new ones and those that something happened in at once', () => {
    const rounds = createNamespaceRounds();
    const ids = ['a', 'b', HOST, 'c'];
    assert.deepEqual(look(rounds, ids, 9).read, [HOST, 'a', 'b', 'c']);
    assert.deepEqual(look(rounds, ids, 2).read, [HOST, 'a']);
    assert.deepEqual(look(rounds, [...ids, 'new'], 2).read, [HOST, 'new']);
    assert.deepEqual(look(rounds, [...ids, 'new'], 2, ['c']).read, [HOST, 'c']);
    const last = look(rounds, [...ids, 'new'], 2);
    assert.deepEqual([last.read, last.isWhole], [[HOST, 'b'], true]);
    assert.equal(look(rounds, ids, 2).isWhole, false);
  });

  test('what is gone is said once, in the look that misses it, though others were read', () => {
    const rounds = createNamespaceRounds();
    look(rounds, [HOST, 'a', 'b', 'c'], 9);
    assert.deepEqual(look(rounds, [HOST, 'a', 'b'], 1).gone, ['c']);
    assert.deepEqual(look(rounds, [HOST, 'a', 'b'], 1).gone, []);
  });

  test('gaps stay with their namespace until it is read again, or gone', () => {
    const rounds = createNamespaceRounds();
    const gap: Gap = { code: 'table-unreadable', subject: 'a', message: 'x' };
    const ids = [HOST, 'a', 'b'];
    rounds.begin(ids, HOST, new Set());
    for (const id of ids) rounds.tried(id, { scope: id, unread: new Set() });
    rounds.gap('a', gap);
    rounds.end(new Map(ids.map((id) => [id, id])));
    assert.deepEqual(look(rounds, ids, 1).gaps, [gap]);
    assert.deepEqual(look(rounds, ids, 2, ['a']).gaps, []);
  });

  test('whatever comes and goes: every one has its turn, and only what was read counts as read', () => {
    const step = fc.record({
      ids: fc.subarray(['a', 'b', 'c', 'd', 'e', 'f']),
      most: fc.integer({ min: 2, max: 4 }),
      first: fc.subarray(['a', 'b', 'c', 'd', 'e', 'f'], { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const rounds = createNamespaceRounds();
        const known = new Set<string>();
        let sinceWhole = new Set<string>();
        for (const { ids, most, first } of steps) {
          const there = [HOST, ...ids];
          for (const set of [known, sinceWhole]) for (const id of set) if (!there.includes(id)) set.delete(id);
          const before = new Set(known);
          const { read, ...end } = look(rounds, there, most, first);
          for (const id of read) known.add(id);
          for (const id of read) sinceWhole.add(id);
          assert.deepEqual(end.everRead, [...known].sort());
          assert.equal(read[0], HOST);
          const fresh = ids.filter((id) => !before.has(id));
          assert.ok(fresh.length === 0 || read.some((id) => fresh.includes(id)), 'a new one is read first');
          assert.equal(
            end.isEveryRead,
            there.every((id) => known.has(id)),
          );
          assert.equal(
            end.isWhole,
            there.every((id) => sinceWhole.has(id)),
          );
          if (end.isWhole) sinceWhole = new Set();
        }
        // Left alone, each is read once in as many looks as it takes.
        const all = [HOST, 'a', 'b', 'c', 'd', 'e', 'f'];
        const seen = new Set<string>();
        for (let i = 0; i < 6; i++) for (const id of look(rounds, all, 2).read) seen.add(id);
        assert.equal(seen.size, all.length);
      }),
    );
  });
});
