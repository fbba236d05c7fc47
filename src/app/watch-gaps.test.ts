import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Clocks, gapSince, type Heartbeat, missedBetween, readHeartbeat, writeHeartbeat } from './watch-gaps.ts';

describe('time between two readings of the clocks', () => {
  const at = (wall: number, running: number, booted: number | null = running): Clocks => ({
    wall: wall * 1000,
    running: running * 1000,
    booted: booted === null ? null : booted * 1000,
  });
  const cases: { name: string; before: Clocks; now: Clocks; want: ReturnType<typeof missedBetween> }[] = [
    { name: 'as expected', before: at(100, 5), now: at(101, 6), want: null },
    { name: 'a little late under load', before: at(100, 5), now: at(104, 9), want: null },
    {
      name: 'suspended',
      before: at(100, 5),
      now: at(701, 6, 606),
      want: { because: 'the machine was suspended', seconds: 600 },
    },
    {
      name: 'suspended, where only the time of day tells',
      before: at(100, 5, null),
      now: at(701, 6, null),
      want: { because: 'the machine was suspended', seconds: 600 },
    },
    { name: 'the clock was set forward', before: at(100, 5), now: at(9_000, 6), want: null },
    { name: 'the clock was set back', before: at(9_000, 5), now: at(100, 6), want: null },
    {
      name: 'held up',
      before: at(100, 5),
      now: at(130, 35),
      want: { because: 'the watch was held up: it got no processor time, or was stopped', seconds: 30 },
    },
  ];
  for (const { name, before, now, want } of cases)
    test(name, () => assert.deepEqual(missedBetween(before, now, 1_000), want));
});

describe('time since the watch before', () => {
  const beat: Heartbeat = { schemaVersion: 1, startedAt: 0, beatAt: 10_000, stopped: false, boot: 'a' };
  const cases: { name: string; last: Heartbeat | null; boot: string | null; want: string | null }[] = [
    { name: 'nobody ever watched', last: null, boot: 'a', want: null },
    { name: 'stopped in order', last: { ...beat, stopped: true }, boot: 'a', want: '30 the watch was stopped' },
    { name: 'killed', last: beat, boot: 'a', want: '30 the watch ended without saying so' },
    {
      name: 'the machine went down',
      last: beat,
      boot: 'b',
      want: '30 the machine was restarted, or went down, while the watch ran',
    },
    { name: 'a clock that ran ahead then', last: { ...beat, beatAt: 99_000 }, boot: 'a', want: null },
  ];
  for (const { name, last, boot, want } of cases)
    test(name, () => {
      const gap = gapSince(last, 40_000, boot);
      assert.equal(gap && `${gap.seconds} ${gap.because}`, want);
    });
});

test('a heartbeat is read back as it was written; anything else is none', () => {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-beat-'));
  try {
    assert.equal(readHeartbeat(dir), null);
    const beat: Heartbeat = { schemaVersion: 1, startedAt: 1, beatAt: 2, stopped: true, boot: null };
    writeHeartbeat(dir, beat);
    assert.deepEqual(readHeartbeat(dir), beat);
    for (const text of ['', '[]', 'null', '{"schemaVersion":1}', JSON.stringify({ ...beat, beatAt: 'x' })]) {
      writeFileSync(join(dir, 'watch.json'), text);
      assert.equal(readHeartbeat(dir), null, text);
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
