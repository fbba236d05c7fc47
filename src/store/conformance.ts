import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Event, EventDraft } from '../model/event.ts';
import type { Observation, Sighting } from '../model/observation.ts';
import { sha256 } from '../util/sha256.ts';
import { sampleFinding, sampleListener, sampleObservation } from './sample.ts';
import type { Store } from './store.ts';

/** A place where stores of one kind live, for a test. */
export interface StorePlace {
  /** Opens the store of this place; several may be open at once. */
  open(): Promise<Store>;
  remove(): Promise<void>;
}

const PORTS = [22, 443, 5432];
const listenersOf = (host: string, ports: readonly number[] = PORTS) => ports.map((port) => sampleListener(host, port));
const note = (subject: string, observedAt: number, type: EventDraft['type'] = 'entry.approved'): EventDraft => {
  return { type, observedAt, actor: 'user:alice', subject, body: { note: 'ä\u0000\u{1f600}', n: 2 ** 53 - 1 } };
};

/** What every store must do, whatever it is built on. */
export function conformance(kind: string, makePlace: () => Promise<StorePlace>): void {
  const withStore = (name: string, use: (store: Store, place: StorePlace) => Promise<void>): void => {
    test(name, async () => {
      const place = await makePlace();
      try {
        await using store = await place.open();
        await use(store, place);
      } finally {
        await place.remove();
      }
    });
  };

  describe(`${kind} store`, () => {
    withStore('gives back the listeners and hosts of an observation', async (store, place) => {
      const first = sampleListener('db-1', 22, { process: null, transport: 'udp', scope: 'container:web' });
      const { process } = sampleListener('db-1', 80);
      assert.ok(process);
      const { startedAt: _, ...timeless } = process;
      const shared = sampleListener('db-1', 443, { process: timeless, sharedWith: [process, { pid: 7 }] });
      const o = sampleObservation('db-1', 1000, [shared, first], {
        gaps: [{ code: 'netns-unreadable', subject: 'container:x', message: 'could not look' }],
      });
      const events = await store.recordObservation(o, 1001);
      assert.deepEqual(
        events.map((e) => [e.sequence, e.type, e.subject, e.recordedAt]),
        [
          [1, 'host.first-seen', 'db-1', 1001],
          [2, 'observation.recorded', 'db-1', 1001],
          [3, 'listener.opened', 'db-1:443/tcp', 1001],
          [4, 'listener.opened', 'db-1:22/udp@container:web', 1001],
        ],
      );
      const times = { open: true, firstSeen: 1000, openSince: 1000, lastSeen: 1000, closedAt: null, restarts: 0 };
      const want = [shared, first].map((listener) => ({ vantage: 'local', listener, ...times }));
      await using other = await place.open();
      for (const s of [store, other]) {
        assert.deepEqual(await s.listenerStates(), want);
        const [host, ...more] = await s.hostStates();
        assert.deepEqual(more, []);
        assert.deepEqual([host?.host, host?.gaps, host?.coverage], [o.host, o.gaps, o.coverage]);
        assert.deepEqual([host?.observationId, host?.firstObservedAt, host?.lastObservedAt], [o.id, 1000, 1000]);
      }
    });

    withStore('records an observation once, however often it is handed over', async (store) => {
      const o = sampleObservation('db-1', 1000, listenersOf('db-1'));
      assert.equal((await store.recordObservation(o, 1001)).length, 5);
      await store.recordObservation(sampleObservation('db-1', 2000, []), 2001);
      const before = [await store.listenerStates(), await store.events({ limit: 100 })];
      assert.deepEqual(await store.recordObservation(o, 2002), []);
      assert.deepEqual([await store.listenerStates(), await store.events({ limit: 100 })], before);
    });

    withStore('keeps when listeners were last seen, by full and by partial looks', async (store) => {
      await store.recordObservation(sampleObservation('db-1', 1000, listenersOf('db-1')), 1000);
      await store.recordObservation(sampleObservation('db-1', 2000, listenersOf('db-1')), 2000);
      const seen = async (): Promise<unknown[]> =>
        (await store.listenerStates()).map((s) => [s.listener.port, s.open, s.lastSeen, s.closedAt]);
      assert.deepEqual(
        await seen(),
        [22, 443, 5432].map((port) => [port, true, 2000, null]),
      );
      const coverage = [{ ...sampleObservation('db-1', 0, []).coverage[0], ports: [{ from: 1, to: 1024 }] }] as never;
      await store.recordObservation(sampleObservation('db-1', 3000, listenersOf('db-1', [22]), { coverage }), 3000);
      assert.deepEqual(await seen(), [
        [22, true, 3000, null],
        [443, false, 2000, 3000],
        [5432, true, 2000, null],
      ]);
      await store.recordObservation(sampleObservation('db-1', 4000, listenersOf('db-1')), 4000);
      assert.deepEqual(
        await seen(),
        [22, 443, 5432].map((port) => [port, true, 4000, null]),
      );
      const [, https] = await store.listenerStates();
      assert.deepEqual([https?.firstSeen, https?.openSince], [1000, 4000]);
    });

    withStore('keeps hosts and vantages apart', async (store) => {
      await store.recordObservation(sampleObservation('db-1', 1000, listenersOf('db-1')), 1000);
      await store.recordObservation(sampleObservation('web-1', 1000, listenersOf('web-1', [80])), 1000);
      const outside = sampleObservation('db-1', 1500, listenersOf('db-1', [443]), { vantage: 'scanner-1' });
      await store.recordObservation({ ...outside, collector: 'scan' }, 1500);
      await store.recordObservation(sampleObservation('db-1', 2000, []), 2000);
      const states = await store.listenerStates();
      assert.deepEqual(
        states.filter((s) => s.open).map((s) => [s.listener.host, s.listener.port, s.vantage]),
        [
          ['db-1', 443, 'scanner-1'],
          ['web-1', 80, 'local'],
        ],
      );
      assert.deepEqual(
        (await store.hostStates()).map((h) => [h.host.name, h.vantage]),
        [
          ['db-1', 'local'],
          ['db-1', 'scanner-1'],
          ['web-1', 'local'],
        ],
      );
      assert.equal((await store.listenerStates({ host: 'db-1' })).length, 4);
      assert.equal((await store.listenerStates({ host: 'db-1', openOnly: true })).length, 1);
      assert.equal((await store.listenerStates({ port: 443 })).length, 2);
      assert.equal((await store.listenerStates({ transport: 'udp' })).length, 0);
      assert.equal((await store.listenerStates({ scope: 'host', host: 'nowhere' })).length, 0);
    });

    withStore('remembers hidden attributes and corrects times after the clock stepped back', async (store) => {
      const hidden = listenersOf('db-1').map((l) => ({ ...l, process: null }));
      await store.recordObservation(sampleObservation('db-1', 8000, listenersOf('db-1')), 8000);
      await store.recordObservation(sampleObservation('db-1', 9000, hidden), 9000);
      assert.equal((await store.listenerStates())[0]?.remembered?.user, 'postgres');
      const [event] = await store.recordObservation(sampleObservation('db-1', 5000, []), 5000);
      assert.equal(event?.type, 'clock.stepped-back');
      assert.deepEqual(
        (await store.listenerStates()).map((s) => [s.open, s.lastSeen]),
        Array(3).fill([true, 5000]),
      );
      const [late] = await store.recordObservation(sampleObservation('db-1', 4000, []), 6000);
      assert.equal(late?.type, 'observation.out-of-order');
      const closed = await store.recordObservation(sampleObservation('db-1', 7000, []), 7000);
      assert.equal(closed.filter((e) => e.type === 'listener.closed').length, 3);
      assert.equal((await store.stats()).observations, 5);
    });

    withStore('knows closed listeners by a look that tells what happened, as by any other', async (store) => {
      const [ssh, web, db] = listenersOf('db-1');
      assert.ok(ssh && web && db);
      const look = (at: number, listeners: (typeof ssh)[], more: Partial<Observation> = {}) =>
        store.recordObservation(sampleObservation('db-1', at, listeners, more), at);
      const states = async () =>
        (await store.listenerStates()).map((s) => [s.listener.port, s.open, s.firstSeen, s.openSince, s.closedAt]);
      const told = (events: readonly Event[]) =>
        events.filter((e) => e.type.startsWith('listener.')).map((e) => [e.type, e.observedAt, e.subject]);

      await look(1000, [ssh, web, db]);
      await look(2000, [ssh]);
      const again: Sighting[] = [
        { kind: 'opened', at: 2500, listener: web },
        { kind: 'closed', at: 2600, listener: web },
      ];
      assert.deepEqual(told(await look(3000, [ssh, db], { sightings: again })), [
        ['listener.opened', 2500, 'db-1:443/tcp'],
        ['listener.closed', 2600, 'db-1:443/tcp'],
        ['listener.opened', 3000, 'db-1:5432/tcp'],
      ]);
      assert.deepEqual(await states(), [
        [22, true, 1000, 1000, null],
        [443, false, 1000, 2500, 2600],
        [5432, true, 1000, 3000, null],
      ]);
      const [event] = await look(2400, [ssh, db], { sightings: [] });
      assert.equal(event?.type, 'clock.stepped-back');
      assert.deepEqual((await states())[1], [443, false, 1000, 2400, 2400]);
      // After a look that failed: there was another one before it, as the listeners that are closed now tell.
      await look(4000, [], { sightings: [] });
      await look(5000, [], { sightings: [], coverage: [] });
      const late = sampleListener('db-1', 80);
      const events = await look(6000, [late], { sightings: [] });
      assert.equal(events.find((e) => e.type === 'listener.opened')?.body.firstLook, undefined);
    });

    withStore('forgets ephemeral sockets', async (store) => {
      const client = sampleListener('db-1', 40_000, { transport: 'udp', role: 'ephemeral' });
      assert.equal((await store.recordObservation(sampleObservation('db-1', 1000, [client]), 1000)).length, 2);
      assert.equal((await store.listenerStates()).length, 1);
      assert.equal((await store.recordObservation(sampleObservation('db-1', 2000, []), 2000)).length, 1);
      assert.equal((await store.listenerStates()).length, 0);
    });

    withStore('keeps what a look rests on', async (store) => {
      const events = await store.recordObservation(sampleObservation('db-1', 1000, []), 1000);
      const digest = String(events[1]?.body.basis);
      const bytes = await store.document(digest);
      assert.ok(bytes);
      assert.equal(sha256(bytes), digest);
      assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()).coverage[0].scope, '*');
      await store.recordObservation(sampleObservation('db-1', 2000, []), 2000);
      assert.equal((await store.stats()).documents, 1);
    });

    withStore('numbers records without holes and gives them back as they were', async (store) => {
      const drafts = Array.from({ length: 250 }, (_, i) => note(`db-1:${i}/tcp`, 1000 + i));
      const written = await store.appendEvents(drafts, 5000);
      assert.deepEqual(
        written.map((e) => e.sequence),
        drafts.map((_, i) => i + 1),
      );
      const read = await store.events({ limit: 1000 });
      assert.deepEqual([...read].reverse(), written);
      assert.deepEqual(read.at(-1)?.body, drafts[0]?.body);
      assert.deepEqual(await store.appendEvents([], 5000), []);
      assert.equal((await store.appendEvents([note('x', 1)], 5000))[0]?.sequence, 251);
    });

    withStore('loses nothing when many write at once', async (store, place) => {
      await using other = await place.open();
      const writes = Array.from({ length: 40 }, (_, i) => (i % 2 ? store : other).appendEvents([note(`s${i}`, i)], i));
      await Promise.all(writes);
      const events = await store.events({ limit: 100 });
      assert.deepEqual(
        events.map((e) => e.sequence),
        Array.from({ length: 40 }, (_, i) => 40 - i),
      );
      assert.equal(new Set(events.map((e) => e.subject)).size, 40);
    });

    withStore(
      'commits callers that come at once together, and refuses only what has no canonical form',
      async (store) => {
        const good = (n: number) => store.appendEvents([note(`good-${n}`, n), note(`good-${n}`, n)], n);
        const bad = { ...note('bad', 1), body: { n: Number.NaN } };
        const settled = await Promise.allSettled([good(1), store.appendEvents([note('x', 1), bad], 1), good(2)]);
        assert.deepEqual(
          settled.map((s) => (s.status === 'fulfilled' ? s.value.map((e) => e.sequence) : s.reason.name)),
          [[1, 2], 'TypeError', [3, 4]],
        );
        assert.deepEqual(
          (await store.events({ limit: 9 })).map((e) => [e.sequence, e.subject, e.recordedAt]),
          [
            [4, 'good-2', 2],
            [3, 'good-2', 2],
            [2, 'good-1', 1],
            [1, 'good-1', 1],
          ],
        );
        const late = good(3).then(() => good(4));
        assert.equal((await late)[1]?.sequence, 8);
      },
    );

    withStore('lets one sequencer grow the tree, and forgets what was archived', async (store, place) => {
      await using other = await place.open();
      const tile = (hashes: string) => ({ level: 0, number: 0, hashes });
      assert.equal(await store.ledger.grow(0, 1, [tile('a'.repeat(32))]), false, 'no tree yet');
      assert.equal(await store.ledger.begin('quietdoor/x', note('ledger', 1, 'ledger.key-made'), 1), true);
      assert.equal(await other.ledger.begin('quietdoor/y', note('ledger', 1, 'ledger.key-made'), 1), false);
      await store.appendEvents([note('a', 1), note('b', 2)], 2);
      const grown = await Promise.all([store, other].map((s, i) => s.ledger.grow(0, 3, [tile(`${i}`.repeat(96))])));
      assert.deepEqual(grown.toSorted(), [false, true]);
      const checkpoint = { size: 3, signedAt: 5, note: 'signed' };
      assert.equal(await other.ledger.addCheckpoint(checkpoint), true);
      assert.equal(await store.ledger.addCheckpoint({ ...checkpoint, note: 'another' }), false);
      assert.equal(await store.ledger.forget(3), 2, 'the newest stays');
      assert.deepEqual(
        (await store.appendEvents([note('c', 3)], 3)).map((e) => e.sequence),
        [4],
      );
      assert.equal(await store.ledger.forget(9), 3, 'nothing beyond the tree');
      assert.equal((await store.events({ limit: 9 })).length, 1);
    });

    withStore('keeps documents under their hash', async (store) => {
      const bytes = Buffer.from('ports: []\n'.repeat(1000));
      await store.keepDocument('register', sha256(bytes), bytes);
      await store.keepDocument('register', sha256(bytes), bytes);
      assert.deepEqual(Buffer.from((await store.document(sha256(bytes))) ?? []), bytes);
      assert.equal(await store.document('0'.repeat(64)), undefined);
      await assert.rejects(store.keepDocument('ruleset', '0'.repeat(64), bytes), /does not have the hash/);
      const empty = new Uint8Array();
      await store.keepDocument('ruleset', sha256(empty), empty);
      assert.equal((await store.document(sha256(empty)))?.length, 0);
    });

    withStore('remembers findings', async (store) => {
      const at = (port: number, now: number) => sampleFinding('db-1', port, now);
      const firstSeen = async () => [...(await store.findingsFirstSeen()).values()].sort();
      assert.deepEqual((await store.syncFindings([at(22, 1000), at(80, 1000)], 1000)).resolved, []);
      assert.deepEqual((await store.syncFindings([at(22, 1500), at(80, 1500)], 1500)).resolved, []);
      assert.deepEqual(await firstSeen(), [1000, 1000]);
      const second = await store.syncFindings([at(22, 2000), at(443, 2000)], 2000);
      assert.deepEqual(await firstSeen(), [1000, 1000, 2000]);
      const { controls, ...lasting } = at(80, 1000);
      assert.deepEqual(second.resolved, [{ ...lasting, lastSeen: 1500, status: 'resolved' }]);
      const third = await store.syncFindings([at(22, 3000), at(80, 3000), at(443, 3000)], 3000);
      assert.deepEqual(await firstSeen(), [1000, 1000, 2000]);
      assert.deepEqual(third.resolved, []);
      const weeks = 3000 + 30 * 86_400_000;
      assert.equal((await store.syncFindings([], weeks)).resolved.length, 3);
      assert.equal((await store.syncFindings([], weeks * 2)).resolved.length, 0);
      assert.equal((await store.findingsFirstSeen()).size, 3);
    });

    withStore('keeps what a finding says last', async (store) => {
      const finding = sampleFinding('db-1', 22, 1000);
      const later = { ...finding, message: 'Something else.', firstSeen: 2000, lastSeen: 2000 };
      await store.syncFindings([finding], 1000);
      await store.syncFindings([later], 2000);
      const { resolved } = await store.syncFindings([], 3000);
      assert.deepEqual(
        resolved.map((f) => [f.message, f.firstSeen, f.lastSeen]),
        [['Something else.', 1000, 2000]],
      );
    });

    withStore('keeps a bounded cache', async (store) => {
      assert.equal(await store.cacheGet('a'), undefined);
      await store.cachePut('a', 'one');
      await store.cachePut('a', 'two');
      assert.equal(await store.cacheGet('a'), 'two');
      const large = 'x'.repeat(50 * 1024 * 1024);
      for (const key of ['b', 'c', 'd']) await store.cachePut(key, large);
      assert.equal(await store.cacheGet('a'), undefined);
      assert.equal(await store.cacheGet('b'), undefined);
      assert.equal((await store.cacheGet('d'))?.length, large.length);
      await store.cachePut('e', large + large);
      assert.equal(await store.cacheGet('e'), undefined);
    });

    withStore('records many hosts at once, or none of them', async (store) => {
      const good = sampleObservation('db-1', 1000, listenersOf('db-1'));
      const bad = sampleObservation('db-2', 1000, listenersOf('db-3'));
      await assert.rejects(store.recordObservations([good, bad], 1001), /names the listener/);
      assert.deepEqual(await store.hostStates(), []);
      const other = sampleObservation('db-2', 1000, listenersOf('db-2'));
      const events = await store.recordObservations([good, other], 1001);
      assert.deepEqual(
        events.map((e) => e.sequence),
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      );
      assert.equal((await store.listenerStates()).length, 6);
    });

    withStore('records many observations as it would one after the other', async (store) => {
      const place = await makePlace();
      try {
        await using single = await place.open();
        const observations = Array.from({ length: 230 }, (_, i) => {
          const host = `h-${i % 110}`;
          const vantage = i % 3 === 0 ? 'local' : 'import:nmap';
          const ports = PORTS.slice(0, 1 + (i % 3));
          return { ...sampleObservation(host, 1000 + i, listenersOf(host, ports)), vantage };
        });
        const late = { ...sampleObservation('h-1', 900, listenersOf('h-1')), vantage: 'import:nmap' };
        const all = [...observations, observations[7] ?? late, late];
        const events = await store.recordObservations(all, 5000);
        const ones = [];
        for (const o of all) ones.push(...(await single.recordObservation(o, 5000)));
        assert.deepEqual(events, ones);
        assert.ok(events.some((event) => event.type === 'listener.closed'));
        assert.ok(events.some((event) => event.type === 'observation.out-of-order'));
        assert.deepEqual(await store.listenerStates(), await single.listenerStates());
        assert.deepEqual(await store.hostStates(), await single.hostStates());
        const { bytes: _, ...many } = await store.stats();
        const { bytes: __, ...one } = await single.stats();
        assert.deepEqual(many, one);
      } finally {
        await place.remove();
      }
    });

    withStore('keeps the newest list of a source, and says when it changed', async (store) => {
      const asset = (name: string) => ({ id: name, source: 'cmdb', name, names: [], addresses: [], tags: [] });
      const event = (observedAt: number) =>
        ({ type: 'assets.imported', observedAt, actor: 'user:alice', subject: 'cmdb' }) as const;
      const put = (importedAt: number, ...names: string[]) =>
        store.putList('assets', { source: 'cmdb', importedAt, items: names.map(asset) }, event(importedAt));
      assert.equal((await put(1000, 'a', 'b'))?.body.items, 2);
      assert.equal(await put(2000, 'a', 'b'), null);
      assert.equal((await put(3000))?.body.items, 0);
      assert.deepEqual(await store.lists('assets'), [{ source: 'cmdb', importedAt: 3000, items: [] }]);
      assert.deepEqual(await store.lists('tickets'), []);
      assert.equal((await store.dropList('assets', 'cmdb', event(4000)))?.body.removed, true);
      assert.equal(await store.dropList('assets', 'cmdb', event(5000)), null);
      assert.deepEqual(await store.lists('assets'), []);
    });

    withStore('keeps one document of rulesets that stay the same, with the time of the last look', async (store) => {
      const dump = { host: 'web-1', source: 'local', files: [{ name: 'rules', text: '*filter' }], problems: [] };
      const list = (importedAt: number) => {
        return { source: 'local', importedAt, textsFrom: 1000, items: [{ ...dump, takenAt: importedAt }] };
      };
      const body = { rules: 1 };
      const event = { type: 'firewall.recorded', observedAt: 1, actor: 'user:alice', subject: 'web-1', body } as const;
      const written = await store.putList('rulesets', list(1000), event);
      assert.deepEqual([written?.body.rules, written?.body.items, written?.body.source], [1, 1, 'local']);
      const { documents } = await store.stats();
      assert.equal(await store.putList('rulesets', list(2000), event), null);
      assert.equal((await store.stats()).documents, documents);
      assert.deepEqual(await store.lists('rulesets'), [list(2000)]);
      const other = { ...list(3000), items: [{ ...dump, takenAt: 3000, problems: ['nft failed'] }] };
      assert.equal(await store.putList('rulesets', other, null), null, 'no event is wanted');
      assert.deepEqual(await store.lists('rulesets'), [other]);
    });

    describe('events', () => {
      let place: StorePlace;
      let store: Store;
      before(async () => {
        place = await makePlace();
        store = await place.open();
        const drafts: EventDraft[] = [];
        for (let i = 0; i < 60; i++) {
          const subject = `db-${i % 3}:${i % 5}/tcp`;
          drafts.push(note(subject, 1000 + i * 10, i % 10 === 0 ? 'entry.reviewed' : 'entry.approved'));
        }
        await store.appendEvents(drafts, 9000);
      });
      after(async () => {
        await store.close();
        await place.remove();
      });
      const cases: {
        name: string;
        query: Omit<Parameters<Store['events']>[0], 'limit'>;
        limit?: number;
        want: number[];
      }[] = [
        { name: 'the newest', query: {}, limit: 3, want: [60, 59, 58] },
        { name: 'none', query: {}, limit: 0, want: [] },
        { name: 'a page', query: { beforeSequence: 58 }, limit: 2, want: [57, 56] },
        { name: 'a subject', query: { subject: 'db-1:1/tcp' }, want: [47, 32, 17, 2] },
        { name: 'a subject, a page of it', query: { subject: 'db-1:1/tcp', beforeSequence: 32 }, limit: 1, want: [17] },
        { name: 'a prefix', query: { subjectPrefix: 'db-1:1' }, limit: 2, want: [47, 32] },
        { name: 'a prefix that is a whole host', query: { subjectPrefix: 'db-2:' }, limit: 3, want: [60, 57, 54] },
        { name: 'a prefix with wildcards of SQL', query: { subjectPrefix: 'db-_' }, want: [] },
        { name: 'a type', query: { types: ['entry.reviewed'] }, want: [51, 41, 31, 21, 11, 1] },
        { name: 'two types', query: { types: ['entry.reviewed', 'entry.approved'] }, limit: 3, want: [60, 59, 58] },
        { name: 'no types', query: { types: [] }, want: [] },
        { name: 'a type of a subject', query: { subject: 'db-0:0/tcp', types: ['entry.reviewed'] }, want: [31, 1] },
        { name: 'no types of a subject', query: { subject: 'db-0:0/tcp', types: [] }, want: [] },
        { name: 'a time', query: { since: 1570, until: 1590 }, want: [59, 58] },
        { name: 'a type in a time', query: { types: ['entry.reviewed'], since: 1100, until: 1300 }, want: [21, 11] },
        { name: 'a prefix in a time', query: { subjectPrefix: 'db-0:', since: 1500 }, want: [58, 55, 52] },
      ];
      for (const { name, query, limit, want } of cases) {
        test(`finds ${name}`, async () => {
          const events = await store.events({ ...query, limit: limit ?? 100 });
          assert.deepEqual(
            events.map((e) => e.sequence),
            want,
          );
        });
      }
    });
  });
}
