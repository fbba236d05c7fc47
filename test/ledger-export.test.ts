import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { archiveLedger } from '../src/app/ledger-archive.ts';
import { exportLedger } from '../src/app/ledger-export.ts';
import { readWitnessed } from '../src/app/ledger-files.ts';
import { proveRecord, verifyProof } from '../src/app/ledger-prove.ts';
import { rotateKey } from '../src/app/ledger-rotate.ts';
import { verifyLedger } from '../src/app/ledger-verify.ts';
import { verifyExport } from '../src/app/ledger-verify-export.ts';
import { parseWitness, tellWitness, tellWitnesses } from '../src/app/ledger-witness.ts';
import type { Checkpoint } from '../src/ledger/checkpoint.ts';
import { openStore } from '../src/store/store.ts';
import { sha256 } from '../src/util/sha256.ts';
import { type SampleLedger, withLedger } from './ledger-sample.ts';

const has = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const hasOpenssl3 = /^OpenSSL ([3-9]|\d\d)/.test(spawnSync('openssl', ['version']).stdout?.toString() ?? '');
const skip = has('zstd') && has('python3') && hasOpenssl3 ? false : 'needs zstd, python3 and OpenSSL 3';

const kinds = (verdict: { problems: readonly { kind: string }[] }) => [...new Set(verdict.problems.map((p) => p.kind))];
const DATA = 'records-000000000001.jsonl.zst';

interface Exported {
  readonly ledger: SampleLedger;
  readonly folder: string;
  readonly key: string;
  readonly checkpoints: readonly Checkpoint[];
}

async function withExport(range: { from?: number; to?: number }, use: (e: Exported) => Promise<void>): Promise<void> {
  await withLedger(async (ledger) => {
    await ledger.record(300);
    const first = await ledger.checkpoint();
    await ledger.record(400);
    const second = await ledger.checkpoint();
    await ledger.record(100);
    const folder = join(ledger.dir, 'export');
    const { checkpoint } = await exportLedger(ledger.context, folder, range);
    const { keys } = await verifyLedger({ state: ledger.state });
    await use({ ledger, folder, key: keys[0] as string, checkpoints: [first, second, checkpoint] });
  });
}

const RANGES = [{}, { from: 1, to: 1 }, { from: 257, to: 512 }, { from: 350, to: 650 }, { from: 801 }];
describe('an export verifies', () => {
  for (const range of RANGES)
    test(JSON.stringify(range), () =>
      withExport(range, async ({ folder, key, checkpoints }) => {
        assert.deepEqual(await verifyExport(folder, {}).then((v) => [v.problems, v.trust]), [[], 'none']);
        const verdict = await verifyExport(folder, { key, witnessed: checkpoints });
        assert.deepEqual([verdict.problems, verdict.trust], [[], 'both']);
        assert.deepEqual([verdict.first, verdict.last], [range.from ?? 1, range.to ?? 801]);
        assert.deepEqual(kinds(await verifyExport(folder, { key: `sha256:${'0'.repeat(64)}` })), ['key']);
      }),
    );
});

test('an export is an event, names its key, and holds the bytes of the records', () =>
  withExport({}, async ({ ledger, folder }) => {
    await using store = await openStore({ dir: ledger.state, mode: 'read' });
    const [event] = await store.events({ limit: 1 });
    const { type, body } = event ?? {};
    const manifest = sha256(readFileSync(join(folder, 'manifest.json')));
    assert.deepEqual(
      [type, body],
      ['evidence.exported', { format: 'ledger', first: 1, last: 801, folder, sha256: manifest }],
    );
    const lines = zstdDecompressSync(readFileSync(join(folder, DATA)))
      .toString()
      .trimEnd()
      .split('\n');
    assert.equal(lines.length, 801);
    await assert.rejects(exportLedger(ledger.context, folder, {}), /is not empty/);
    await assert.rejects(exportLedger(ledger.context, join(ledger.dir, 'no'), { from: 900 }), /there are no records/);
  }));

/** Rewrites the lines of an export, and the manifest so that it fits them. */
function rewrite(folder: string, change: (lines: string[]) => string[]): void {
  const path = join(folder, DATA);
  const lines = zstdDecompressSync(readFileSync(path)).toString().trimEnd().split('\n');
  const bytes = zstdCompressSync(`${change(lines).join('\n')}\n`);
  writeFileSync(path, bytes);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  manifest.files[0].sha256 = sha256(bytes);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
}

function editManifest(folder: string, change: (manifest: Record<string, unknown>) => void): void {
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
}

const TAMPERINGS: { name: string; change: (folder: string) => void; want: string[]; script?: 'accepts' }[] = [
  {
    name: 'a record altered, the manifest with it',
    change: (f) => rewrite(f, (lines) => lines.map((l, i) => (i === 99 ? l.replace('127.0.0.1', '10.0.0.1') : l))),
    want: ['checkpoint'],
  },
  {
    name: 'a record removed',
    change: (f) => rewrite(f, (lines) => lines.filter((_, i) => i !== 99)),
    want: ['missing', 'checkpoint', 'cut'],
  },
  {
    name: 'a record put in',
    change: (f) => rewrite(f, (lines) => lines.toSpliced(99, 0, lines[99] as string)),
    want: ['inserted', 'checkpoint', 'cut'],
  },
  {
    name: 'two records swapped',
    change: (f) => rewrite(f, (lines) => lines.with(5, lines[6] as string).with(6, lines[5] as string)),
    want: ['missing', 'checkpoint', 'cut'],
  },
  {
    name: 'the end cut off',
    change: (f) => rewrite(f, (lines) => lines.slice(0, -5)),
    want: ['missing', 'checkpoint', 'cut'],
  },
  {
    name: 'a byte of the file altered',
    change: (f) => {
      const bytes = readFileSync(join(f, DATA));
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      writeFileSync(join(f, DATA), bytes);
    },
    want: ['file', 'altered', 'missing', 'inserted', 'checkpoint', 'cut'],
  },
  {
    name: 'another checkpoint size',
    change: (f) => {
      const path = join(f, 'checkpoint.txt');
      writeFileSync(path, readFileSync(path, 'utf8').replace('\n801\n', '\n802\n'));
    },
    want: ['checkpoint', 'key'],
    script: 'accepts',
  },
  {
    name: 'no keys',
    change: (f) => editManifest(f, (m) => Object.assign(m, { keys: [] })),
    want: ['key'],
    script: 'accepts',
  },
];

describe('tampering with an export is seen', () => {
  for (const { name, change, want } of TAMPERINGS)
    test(name, () =>
      withExport({}, async ({ folder, key }) => {
        change(folder);
        const found = kinds(await verifyExport(folder, { key }));
        assert.ok(found.length > 0, 'something is found');
        for (const kind of found) assert.ok(want.includes(kind), `${kind} is one of ${want}`);
      }),
    );
  const refused: [string, (folder: string) => void, RegExp][] = [
    [
      'a file name that leads elsewhere',
      (f) => editManifest(f, (m) => Object.assign((m.files as object[])[0] ?? {}, { name: '../../etc/passwd' })),
      /is no manifest/,
    ],
    ['no manifest', (f) => writeFileSync(join(f, 'manifest.json'), '{'), /is no manifest/],
    ['no checkpoint', (f) => writeFileSync(join(f, 'checkpoint.txt'), 'x\n'), /is no checkpoint/],
  ];
  for (const [name, change, want] of refused)
    test(name, () =>
      withExport({}, async ({ folder }) => {
        change(folder);
        await assert.rejects(verifyExport(folder, {}), want);
      }),
    );
});

describe('without Quietdoor', { skip }, () => {
  const script = (folder: string, ...args: string[]) =>
    spawnSync('python3', ['verify.py', ...args], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  for (const range of RANGES)
    test(`verify.py accepts ${JSON.stringify(range)}`, () =>
      withExport(range, async ({ folder, key }) => {
        const done = script(folder, key);
        assert.equal(done.status, 0, done.stderr);
        assert.match(script(folder).stdout, /internally consistent only/);
        assert.match(script(folder, `sha256:${'0'.repeat(64)}`).stderr, /another key/);
      }));
  test('verify.py refuses what was tampered with, and a P-256 key is verified too', () =>
    withExport({}, async ({ ledger, folder, key }) => {
      for (const { name, change, script: verdict } of TAMPERINGS) {
        if (verdict === 'accepts') continue;
        const copy = join(ledger.dir, name.replaceAll(' ', '-'));
        cpSync(folder, copy, { recursive: true });
        change(copy);
        assert.match(script(copy).stderr, /FAILED|decoding/i, name);
      }
      const { fingerprint } = await rotateKey(ledger.context, 'ecdsa-p256');
      const second = join(ledger.dir, 'p256');
      await exportLedger(ledger.context, second, {});
      const done = script(second, fingerprint);
      assert.equal(done.status, 0, done.stderr);
      // The key from before vouches for the one that it signed for; one that it did not sign for does not follow it.
      const old = script(second, key);
      assert.equal(old.status, 0, old.stderr);
      assert.ok(old.stdout.includes(`${key} signed for ${fingerprint}`));
      const manifest = join(second, 'manifest.json');
      const handedOver = /\\"signature\\":\\"./;
      const text = readFileSync(manifest, 'utf8');
      assert.match(text, handedOver);
      writeFileSync(manifest, text.replace(handedOver, '\\"signature\\":\\"/'));
      assert.match(script(second, key).stderr, /another key/);
    }));
  test('the steps of the README do what they say', () =>
    withExport({}, async ({ folder, key }) => {
      const blocks = [...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/```\n([\s\S]*?)```/g)].map(
        (m) => m[1],
      );
      assert.equal(blocks.length, 4);
      const done = spawnSync('sh', ['-euc', blocks.join('\n')], { cwd: folder, encoding: 'utf8' });
      assert.equal(done.status, 0, done.stderr);
      for (const want of [/lead to the checkpoint of 801/, /^801$/m, /Signature Verified Successfully/])
        assert.match(done.stdout, want);
      assert.ok(done.stdout.includes(key.replace('sha256:', '')));
    }));
});

test('records move into an archive and stay verifiable', () =>
  withLedger(async (ledger) => {
    await ledger.record(500);
    const early = await ledger.checkpoint();
    const old = ledger.context.now();
    await ledger.record(600);
    const folder = join(ledger.dir, 'archive');
    const { archived: result } = await archiveLedger(ledger.context, old, folder);
    assert.deepEqual([result?.first, result?.last], [1, 501]);
    const { keys } = await verifyLedger({ state: ledger.state });
    const outside = { key: keys[0] as string, witnessed: [early, await ledger.checkpoint()] };
    const verdict = await verifyLedger({ state: ledger.state, ...outside });
    assert.deepEqual([verdict.problems, verdict.archived, verdict.first, verdict.last], [[], 501, 502, 1102]);
    assert.deepEqual((await verifyExport(folder, { key: keys[0] as string, witnessed: [early] })).problems, []);
    assert.deepEqual(await archiveLedger(ledger.context, old, join(ledger.dir, 'again')), {
      archived: null,
      unreviewed: 0,
    });
    await using store = await openStore({ dir: ledger.state, mode: 'write' });
    assert.equal((await store.appendEvents([], 1)).length, 0);
    await ledger.record(1);
    await rotateKey(ledger.context);
    assert.deepEqual((await verifyLedger({ state: ledger.state, ...outside })).problems, []);
    ledger.tamper((db) => db.exec(`update ledger_kept set record = replace(record, 'alice', 'mallory')`));
    assert.deepEqual(kinds(await verifyLedger({ state: ledger.state })), ['altered']);
    ledger.tamper((db) => db.exec(`update ledger_kept set record = replace(record, 'mallory', 'alice')`));
    ledger.tamper((db) => db.exec('update ledger_tree set archived = 400'));
    assert.deepEqual(kinds(await verifyLedger({ state: ledger.state })), ['missing']);
  }));

test('a record that was altered is neither exported nor proven', () =>
  withLedger(async (ledger) => {
    await ledger.record(50);
    await ledger.checkpoint();
    ledger.tamper((db) =>
      db.exec(`update events set record = replace(record, '127.0.0.1', '10.0.0.1') where sequence = 7`),
    );
    await assert.rejects(exportLedger(ledger.context, join(ledger.dir, 'x'), {}), /do not lead to the checkpoint/);
    await assert.rejects(proveRecord(ledger.context, '7'), /cannot be proven/);
    await assert.rejects(archiveLedger(ledger.context, Number.MAX_SAFE_INTEGER, join(ledger.dir, 'y')), /do not lead/);
    assert.equal(readdirSync(join(ledger.dir, 'x')).includes('manifest.json'), false);
  }));

test('a proof stands for itself', () =>
  withLedger(async (ledger) => {
    await ledger.record(700);
    const proof = await proveRecord(ledger.context, '300');
    const checkpoint = await ledger.checkpoint();
    const [first] = readWitnessed(ledger.witness(checkpoint)).checkpoints;
    assert.equal(first?.size, 702);
    assert.deepEqual(verifyProof(proof, {}).problems, []);
    assert.deepEqual(kinds(verifyProof(proof.replace('\nindex 299\n', '\nindex 298\n'), {})), ['altered']);
    // Who signed is shown by the key, or by the same checkpoint at a witness; a forged signature is seen.
    const exported = await exportLedger(ledger.context, join(ledger.dir, 'export'), {});
    const publicKey = readFileSync(join(exported.folder, 'public-key.pem'), 'utf8');
    const {
      keys: [key = ''],
      ...verdict
    } = verifyProof(proof, { publicKey });
    assert.deepEqual([verdict.problems, verdict.trust, verdict.proof?.isVouchedFor], [[], 'key', true]);
    assert.match(verdict.proof?.record ?? '', /"sequence":300,/);
    assert.deepEqual(verifyProof(proof, { publicKey, key }).problems, []);
    assert.deepEqual(kinds(verifyProof(proof, { publicKey, key: `sha256:${'0'.repeat(64)}` })), ['key']);
    const forged = proof.replace(/([^ ]{8})=*\n$/, (end) => `${end.startsWith('A') ? 'B' : 'A'}${end.slice(1)}`);
    assert.notEqual(forged, proof);
    assert.deepEqual(kinds(verifyProof(forged, { publicKey })), ['key']);
    assert.equal(verifyProof(forged, {}).proof?.isVouchedFor, false);
    assert.throws(() => verifyProof(proof, { key }), /a fingerprint alone/);
    assert.throws(() => verifyProof(proof, { publicKey: 'no key' }), /no public key/);
    assert.throws(() => verifyProof(proof.replace('tlog-proof@v1', 'tlog-proof@v2'), {}), /no proof/);
    await assert.rejects(proveRecord(ledger.context, '9999'), /there is no record/);
    await assert.rejects(proveRecord(ledger.context, '-1'), /no sequence/);
  }));

describe('witnesses', () => {
  test('quietdoor.yaml leads out of the workspace only into files that hold checkpoints of this ledger, or nothing', async () =>
    withLedger(async (ledger) => {
      const checkpoint = await ledger.checkpoint();
      const folder = mkdtempSync(join(tmpdir(), 'quietdoor-outside-'));
      try {
        const [absent, empty, own, foreign] = ['absent', 'empty', 'own', 'foreign'].map((name) => join(folder, name));
        writeFileSync(empty as string, '');
        writeFileSync(own as string, `${checkpoint.signed}\n`);
        writeFileSync(foreign as string, '* * * * * root true\n');
        const places = ['file:inside.txt', `file:${absent}`, `file:${empty}`, `file:${own}`, `file:${foreign}`];
        const answers = await tellWitnesses(ledger.context, places, checkpoint);
        assert.deepEqual(
          answers.map(({ failed }) => failed?.replace(folder, '') ?? null),
          [
            null,
            '/absent lies outside the workspace and is not there; make it, empty, once',
            null,
            null,
            '/foreign lies outside the workspace and holds something else than checkpoints of this ledger',
          ],
        );
        assert.equal(readFileSync(foreign as string, 'utf8'), '* * * * * root true\n');
        assert.equal(readFileSync(empty as string, 'utf8'), `${checkpoint.signed}\n`);
        assert.ok(existsSync(join(ledger.context.workspace, 'inside.txt')));
        assert.ok(!existsSync(absent as string));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }));

  test('a link of the workspace leads nowhere else, and a pipe keeps nobody waiting', async () =>
    withLedger(async (ledger) => {
      const checkpoint = await ledger.checkpoint();
      const { workspace } = ledger.context;
      const folder = mkdtempSync(join(tmpdir(), 'quietdoor-outside-'));
      try {
        const [victim, pipe, repository] = ['victim', 'pipe', 'repository'].map((name) => join(folder, name)) as [
          ...[string, string, string],
        ];
        writeFileSync(victim, '* * * * * root true\n');
        symlinkSync(victim, join(workspace, 'link.txt'));
        symlinkSync(folder, join(workspace, 'folder'));
        execFileSync('mkfifo', [pipe, join(workspace, 'pipe')]);
        execFileSync('git', ['init', '-q', repository]);
        const places = ['file:link.txt', 'file:folder/victim', `file:${pipe}`, 'file:pipe', `git:${repository}`];
        const answers = await tellWitnesses(ledger.context, places, checkpoint);
        const failures = [
          /victim lies outside the workspace and holds something else/,
          /victim lies outside the workspace and holds something else/,
          /pipe is no regular file/,
          /pipe is no regular file/,
          /quietdoor-checkpoints\.txt lies outside the workspace and is not there; make it, empty, once/,
        ];
        for (const [i, expected] of failures.entries()) assert.match(answers[i]?.failed ?? 'written', expected);
        assert.equal(readFileSync(victim, 'utf8'), '* * * * * root true\n');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }));

  test('a file gets each checkpoint once, also after a line that was cut off', () =>
    withLedger(async (ledger) => {
      await ledger.record(3);
      const [a] = [await ledger.checkpoint()];
      const path = join(ledger.dir, 'w.txt');
      const witness = parseWitness(`file:${path}`);
      for (let i = 0; i < 2; i++) assert.equal(await tellWitness(ledger.context, witness, a), null);
      writeFileSync(path, 'quietdoor/half\n12', { flag: 'a' });
      await ledger.record(3);
      assert.equal(await tellWitness(ledger.context, witness, await ledger.checkpoint()), null);
      const { checkpoints, unread } = readWitnessed(path);
      assert.deepEqual([checkpoints.map((c) => c.size), unread], [[4, 7], 1]);
    }));

  test('a webhook gets the note; one that refuses, redirects or hangs up is said', () =>
    withLedger(async (ledger) => {
      const got: string[] = [];
      const server = createServer((request, response) => {
        if (request.url === '/hang-up') return request.socket.destroy();
        let body = '';
        request.on('data', (data) => {
          body += data;
        });
        request.on('end', () => {
          got.push(body);
          response
            .writeHead(request.url === '/no' ? 503 : request.url === '/away' ? 302 : 204, { location: '/ok' })
            .end();
        });
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      try {
        const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        await ledger.record(3);
        const checkpoint = await ledger.checkpoint();
        const tell = (path: string) => tellWitness(ledger.context, parseWitness(`${base}${path}`), checkpoint);
        assert.equal(await tell('/ok'), null);
        assert.deepEqual(got, [checkpoint.signed]);
        assert.match((await tell('/no')) ?? '', /503/);
        assert.match((await tell('/away')) ?? '', /fetch failed/);
        assert.match((await tell('/hang-up')) ?? '', /fetch failed/);
      } finally {
        server.close();
      }
    }));

  test('a repository gets a commit for each checkpoint', { skip: has('git') ? false : 'needs git' }, () =>
    withLedger(async (ledger) => {
      const folder = join(ledger.dir, 'repository');
      const git = (...args: string[]) => spawnSync('git', ['-C', folder, ...args], { encoding: 'utf8' });
      spawnSync('git', ['init', '-q', folder]);
      await ledger.record(3);
      const witness = parseWitness(`git:${folder}`);
      const checkpoint = await ledger.checkpoint();
      for (let i = 0; i < 2; i++) assert.equal(await tellWitness(ledger.context, witness, checkpoint), null);
      assert.equal(git('log', '--format=%s').stdout.trim(), 'ledger: checkpoint of 4 records');
      assert.ok(git('show', 'HEAD:quietdoor-checkpoints.txt').stdout.includes(checkpoint.signed));
      assert.match(
        (await tellWitness(ledger.context, parseWitness(`git:${ledger.dir}/none`), checkpoint)) ?? '',
        /no git repository/,
      );
    }),
  );

  test('a scheduled run reaches its workspace only', () =>
    withLedger(async (ledger) => {
      await ledger.record(1);
      const due = { ...ledger.context, env: { QUIETDOOR_DUE: '1' } };
      const failed = await tellWitness(due, parseWitness('file:/nowhere/w.txt'), await ledger.checkpoint());
      assert.match(failed ?? '', /its workspace only/);
      for (const text of ['', 'ftp://x', 'file:', 'w.txt']) assert.throws(() => parseWitness(text), /names no witness/);
    }));
});
