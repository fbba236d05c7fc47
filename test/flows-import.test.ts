import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { openContext } from '../src/app/context.ts';
import { importFlows } from '../src/app/flows-import.ts';
import { openFlowStore } from '../src/store/flows.ts';
import { openStore } from '../src/store/store.ts';
import { quietdoor } from './run-quietdoor.ts';

const START = Date.UTC(2026, 2, 2, 10) / 1000;
const HEADER =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n';

function lines(from: number, to: number): string {
  let text = '';
  for (let n = from; n < to; n++)
    text += `2 1 eni-0a${n % 3} 10.0.0.${1 + (n % 200)} 10.0.1.1 ${40_000 + n} 443 6 ${1 + (n % 7)} ${100 + n} ${START + n} ${START + n + 30} ${n % 10 === 0 ? 'REJECT' : 'ACCEPT'} OK\n`;
  return text;
}

async function workspace(t: TestContext): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-flows-import-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const made = await quietdoor(['init', dir]);
  assert.equal(made.code, 0, made.stderr);
  return dir;
}

/** Connections, packets and bytes that the store has. */
async function kept(dir: string): Promise<readonly number[]> {
  const state = join(dir, '.quietdoor');
  await using store = await openStore({ dir: state, mode: 'read' });
  await using flows = await openFlowStore(state, store, 'read');
  const { connections, packets, bytes } = await flows.totals({ from: 0, until: 2 ** 32 - 1 });
  return [connections, packets, bytes];
}

function sums(from: number, to: number): readonly number[] {
  const all = [0, 0, 0] as [number, number, number];
  for (let n = from; n < to; n++) {
    all[0]++;
    all[1] += 1 + (n % 7);
    all[2] += 100 + n;
  }
  return all;
}

const importJson = async (dir: string, ...args: readonly string[]) => {
  const run = await quietdoor(['flows', 'import', '-w', dir, '-f', 'json', ...args]);
  return { ...run, imports: run.stdout === '' ? [] : JSON.parse(run.stdout).imports };
};

suite('flows import', () => {
  test('takes a file in once, whatever it is packed in, and tells', async (t) => {
    const dir = await workspace(t);
    const text = HEADER + lines(0, 5000);
    const file = join(dir, 'vpc.log');
    writeFileSync(file, text);
    const first = await importJson(dir, file);
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual(
      [first.imports[0].counts.records, first.imports[0].counts.denied, first.imports[0].feeds.length],
      [5000, 500, 3],
    );
    assert.deepEqual(await kept(dir), sums(0, 5000));
    const again = await quietdoor(['flows', 'import', '-w', dir, file]);
    assert.deepEqual([again.code, again.stderr], [0, '']);
    assert.match(again.stdout, /taken in before, byte for byte/);
    assert.deepEqual(await kept(dir), sums(0, 5000));
    const events = await quietdoor(['events', '-w', dir, '--type', 'flows.imported', '-f', 'json']);
    assert.equal(events.stdout.match(/"flows\.imported"/g)?.length, 1, events.stdout + events.stderr);
  });

  test('takes only what is new of a file that has grown, the cut-off line apart', async (t) => {
    const dir = await workspace(t);
    const file = join(dir, 'vpc.log');
    writeFileSync(file, HEADER + lines(0, 3000));
    await importJson(dir, file);
    appendFileSync(file, lines(3000, 4000));
    const grown = await importJson(dir, file);
    assert.deepEqual([grown.code, grown.imports[0].counts.records], [0, 1000]);
    assert.deepEqual(await kept(dir), sums(0, 4000));
    const more = lines(4000, 4002);
    appendFileSync(file, more.slice(0, -5));
    assert.equal((await importJson(dir, file)).code, 3);
    appendFileSync(file, more.slice(-5) + lines(4002, 4010));
    const last = await importJson(dir, file);
    assert.match(last.stderr, /not complete when the file was imported before/);
    assert.deepEqual([last.code, last.imports[0].counts.records], [3, 8]);
  });

  test('counts a file once that has grown after an import that ended before anything else was written', async (t) => {
    const dir = await workspace(t);
    const file = join(dir, 'vpc.log');
    writeFileSync(file, HEADER + lines(0, 1000));
    const request = {
      ...{ file, as: null, feed: null, utcOffsetMinutes: 0 },
      ...{ mapping: new Map<string, string>(), prefixes: new Map<string, 'accepted' | 'denied'>() },
    };
    const context = openContext({ workspace: dir });
    {
      await using store = await openStore({ dir: context.state, mode: 'write' });
      await using flows = await openFlowStore(context.state, store, 'write');
      const killed = new Proxy(store, {
        get: (target, name) => {
          if (name === 'appendEvents') return () => Promise.reject(new Error('killed'));
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      await importFlows(context, request, null, { store: killed, flows }).catch(() => {});
    }
    assert.deepEqual(await kept(dir), sums(0, 1000));
    appendFileSync(file, lines(1000, 1500));
    assert.equal((await importJson(dir, file)).code, 0);
    assert.deepEqual(await kept(dir), sums(0, 1500));
  });

  test('reads gzip and zstd, and what there is of a damaged one', async (t) => {
    const dir = await workspace(t);
    const text = HEADER + lines(0, 20_000);
    const packed = { 'a.gz': gzipSync(text), 'b.zst': zstdCompressSync(text) };
    for (const [name, bytes] of Object.entries(packed)) {
      writeFileSync(join(dir, name), bytes);
      const whole = await importJson(dir, '--no-record', join(dir, name));
      assert.deepEqual([whole.code, whole.imports[0].counts.records], [0, 20_000], whole.stderr);
      // More packed bytes than are read at a time, and more than one member.
      writeFileSync(join(dir, name), Buffer.concat(Array.from({ length: 12 }, () => bytes)));
      const many = await importJson(dir, '--no-record', '--feed', 'one', join(dir, name));
      assert.deepEqual([many.code, many.imports[0].counts.records], [0, 240_000], many.stderr);
      writeFileSync(join(dir, name), bytes.subarray(0, bytes.length / 2));
      const half = await importJson(dir, '--no-record', join(dir, name));
      assert.equal(half.code, 3, half.stderr);
      assert.match(half.stderr, /(?:gzip|zstd) data is cut off or damaged/);
      const { records } = half.imports[0].counts;
      assert.ok(records > 100 && records < 20_000, `${records} records`);
    }
  });

  test('tells of lines that cannot be read, by place, and takes the others', async (t) => {
    const dir = await workspace(t);
    const file = join(dir, 'vpc.log');
    writeFileSync(file, `${HEADER}${lines(0, 2)}nonsense\n${lines(2, 4)}${'x'.repeat(3_000_000)}\n${lines(4, 5)}`);
    const run = await importJson(dir, file);
    assert.deepEqual([run.code, run.imports[0].counts.records, run.imports[0].counts.problems], [3, 5, 2]);
    assert.match(run.stderr, /vpc\.log:4:\d+: the line ends before/);
    assert.match(run.stderr, /vpc\.log:7:1: a line longer than/);
    assert.deepEqual(await kept(dir), sums(0, 5));
  });

  test('prints the roll-up where nothing is recorded', async (t) => {
    const dir = await workspace(t);
    const file = join(dir, 'flows.csv');
    writeFileSync(
      file,
      `start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes\n${START + 7},${START + 9},10.0.0.1,10.0.0.2,40000,22,tcp,deny,3,180\n${START + 8},${START + 9},10.0.0.1,10.0.0.2,40001,22,tcp,deny,3,180\n`,
    );
    const run = await quietdoor(['flows', 'import', '-w', dir, '--no-record', '-f', 'csv', '--feed', 'edge', file]);
    assert.equal(run.code, 0, run.stderr);
    assert.deepEqual(run.stdout.trim().split('\r\n'), [
      'bucket,src,dst,port,protocol,action,directed,feed,connections,packets,bytes',
      `${START},10.0.0.1,10.0.0.2,22,6,denied,0,edge,2,6,360`,
    ]);
    const wrong = await quietdoor(['flows', 'import', '-w', dir, '-f', 'csv', file]);
    assert.deepEqual([wrong.code, /--no-record/.test(wrong.stderr)], [2, true]);
  });

  test('where nothing decides the direction, it says what to do first; one is one', async (t) => {
    const dir = await workspace(t);
    const file = join(dir, 'one.csv');
    writeFileSync(file, `start,end,src,dst,dst_port,protocol\n${START},${START},10.99.0.1,10.99.0.2,4444,tcp\n`);
    const { code, stdout, stderr } = await quietdoor(['flows', 'import', '-w', dir, file]);
    assert.equal(code, 0, stderr);
    assert.match(stdout + stderr, /: csv, 1 record, /);
    assert.match(stdout + stderr, /direction +1 unknown\n +scan or import what listens before flows/);
    assert.match(stdout + stderr, /sums +1 connection, 0 packets, 0 bytes in 1 row of 5 minutes/);
  });

  test('says what is wrong with a file that is none', async (t) => {
    const dir = await workspace(t);
    writeFileSync(join(dir, 'empty'), '');
    writeFileSync(join(dir, 'strange'), 'dear diary\n');
    writeFileSync(
      join(dir, 'columns'),
      'Start Time,Source address,Dest,Port,Proto\n2026-11-22 03:00:00,10.0.0.1,10.0.0.2,1,TCP\n',
    );
    writeFileSync(join(dir, 'bytes'), Buffer.from([0, 1, 2, 255, 10, 1]));
    for (const [file, message] of [
      ['empty', /is empty/],
      ['strange', /of no flow format that is known here\nIt begins with "dear diary"\. .*--as help lists/],
      ['columns', /\nIt begins with "Start Time,.*--map start="Start Time"/],
      ['bytes', /known here\nquietdoor flows import --as help lists/],
      ['missing', /cannot read .*ENOENT/],
      ['.', /is a folder/],
    ] as const) {
      const run = await quietdoor(['flows', 'import', '-w', dir, join(dir, file)]);
      assert.equal(run.code, 2);
      assert.match(run.stderr, message);
    }
  });
});
