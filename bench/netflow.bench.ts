/**
 * NetFlow: datagrams of 30 v5 records and of 28 v9 records read from memory into a roll-up, one thread; then v5 over
 * loopback as fast as one sender goes, into the collector's socket and into nfcapd, one after the other. Fails when a
 * datagram is neither read nor counted as dropped, never because it is slow. nfcapd only where nfdump is installed.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { openNetflowSocket, parseUdpDrops } from '../src/collectors/flows/netflow-socket.ts';
import { createNetflowReader } from '../src/flows/netflow.ts';
import { packed } from '../src/flows/netflow-sample.ts';
import { createRollup } from '../src/flows/rollup.ts';
import { median, printTable } from './measure.ts';

const MEMORY = 40_000;
const LOOPBACK = 60_000;
const NOW = Math.floor(Date.now() / 1000);

function flow(n: number): number[] {
  const address = 0x0a000000 + ((Math.imul(n, 2_654_435_761) >>> 12) % 60_000);
  const ends = packed([address, 4], [0x0a800000 + (n % 300), 4]);
  return [...ends, ...packed([0, 4], [1, 2], [2, 2], [10, 4], [1000, 4], [99_000, 4], [99_900, 4]), ...ports(n)];
}

function ports(n: number): number[] {
  return [...packed([32_768 + (n % 20_000), 2], [1 + (n % 300), 2], [0, 1], [0x1b, 1], [6, 1]), ...Array(9).fill(0)];
}

function v5(n: number): Uint8Array {
  const header = packed([5, 2], [30, 2], [100_000, 4], [NOW, 4], [0, 4], [n * 30, 4], [0, 4]);
  return Uint8Array.from([...header, ...Array.from({ length: 30 }, (_, i) => flow(n * 30 + i)).flat()]);
}

function v9(n: number): Uint8Array {
  const header = packed([9, 2], [28, 2], [100_000, 4], [NOW, 4], [n, 4], [1, 4]);
  const fields = [
    [8, 4],
    [12, 4],
    [15, 4],
    [10, 2],
    [14, 2],
    [2, 4],
    [1, 4],
    [22, 4],
    [21, 4],
    [7, 2],
    [11, 2],
  ] as const;
  const all = [...fields, [210, 1], [6, 1], [4, 1], [210, 9]] as const;
  const template = packed(
    [0, 2],
    [8 + all.length * 4, 2],
    [256, 2],
    [all.length, 2],
    ...all.flatMap(([e, l]) => [[e, 2] as const, [l, 2] as const]),
  );
  const records = Array.from({ length: 28 }, (_, i) => flow(n * 28 + i)).flat();
  return Uint8Array.from([...header, ...template, ...packed([256, 2], [4 + records.length, 2]), ...records]);
}

function reading() {
  const rollup = createRollup({
    ...{ services: null, feed: 'netflow', format: 'netflow', coverage: 'windows' as const, now: () => Date.now() },
    onFlush: (batch) => rollup.recycle(batch),
    onProblem: (message) => assert.fail(message),
  });
  return { rollup, reader: createNetflowReader(rollup) };
}

function fromMemory(make: (n: number) => Uint8Array, each: number): string[] {
  const datagrams = Array.from({ length: 2_000 }, (_, n) => make(n));
  const speeds: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { rollup, reader } = reading();
    const began = performance.now();
    for (let n = 0; n < MEMORY; n++) {
      const bytes = datagrams[n % datagrams.length] as Uint8Array;
      // Numbers that follow: each counts as a new one.
      bytes.set(packed([(make === v5 ? n * 30 : n) % 2 ** 32, 4]), make === v5 ? 16 : 12);
      reader.datagram(bytes, bytes.length, '10.0.0.1', NOW);
    }
    speeds.push(MEMORY / ((performance.now() - began) / 1000));
    assert.equal(rollup.counts.records, MEMORY * each);
    assert.equal(reader.health()[0]?.lostRecords, 0);
  }
  const speed = median(speeds);
  return [make === v5 ? 'v5, from memory' : 'v9, from memory', speed.toFixed(0), (speed * each).toFixed(0), '', ''];
}

/** Sends from a thread of its own, so that receiver and sender have a core each. */
const SENDER = `
const { workerData } = require('node:worker_threads');
const socket = require('node:dgram').createSocket('udp4');
socket.connect(workerData.port, '127.0.0.1', async () => {
  for (let n = 0; n < workerData.count; n++) {
    const bytes = workerData.datagrams[n % workerData.datagrams.length];
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(16, n * 30);
    await new Promise((done) => socket.send(bytes, () => done()));
  }
  socket.close();
});`;

async function send(port: number): Promise<number> {
  const datagrams = Array.from({ length: 500 }, (_, n) => v5(n));
  const began = performance.now();
  await once(new Worker(SENDER, { eval: true, workerData: { port, datagrams, count: LOOPBACK } }), 'exit');
  return (performance.now() - began) / 1000;
}

async function overLoopback(): Promise<string[]> {
  const { rollup, reader } = reading();
  const socket = await openNetflowSocket({
    ...{ address: '127.0.0.1', port: 0 },
    onDatagram: (bytes, from) => reader.datagram(bytes, bytes.length, from, NOW),
    onError: (error) => assert.fail(error),
  });
  const cpu = process.cpuUsage();
  const seconds = await send(socket.port);
  for (let before = -1; before !== socket.received; ) {
    before = socket.received;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { user, system } = process.cpuUsage(cpu);
  const drops = socket.drops() ?? Number.NaN;
  const { received } = socket;
  await socket.close();
  reader.report(NOW + 1, true);
  assert.equal(received + drops, LOOPBACK, 'every datagram was read or counted as dropped');
  assert.equal(rollup.counts.records, received * 30);
  const speed = received / seconds;
  const load = `${(((user + system) / 1e6 / seconds) * 100).toFixed(0)} % with the sender`;
  return ['v5, over loopback', speed.toFixed(0), (speed * 30).toFixed(0), String(drops), load];
}

async function nfcapd(): Promise<string[] | null> {
  if (spawnSync('which', ['nfcapd']).status !== 0) return null;
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
  const probe = createSocket('udp4').bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  const child = spawn('nfcapd', ['-b', '127.0.0.1', '-p', String(port), '-w', folder, '-B', '4194304'], {
    stdio: 'ignore',
  });
  try {
    for (let n = 0; n < 100 && parseUdpDrops(readFileSync('/proc/net/udp', 'latin1'), port) === null; n++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const seconds = await send(port);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const drops = parseUdpDrops(readFileSync('/proc/net/udp', 'latin1'), port) ?? Number.NaN;
    const speed = (LOOPBACK - drops) / seconds;
    return ['nfcapd, over loopback', speed.toFixed(0), (speed * 30).toFixed(0), String(drops), ''];
  } finally {
    child.kill('SIGTERM');
    await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

const rows = [fromMemory(v5, 30), fromMemory(v9, 28), await overLoopback()];
const peer = await nfcapd();
if (peer) rows.push(peer);
else console.log('nfcapd is not installed (package nfdump): no peer');
printTable(['', 'datagrams/s', 'records/s', 'dropped', 'processor'], rows);
console.log('Over loopback the sender sets the pace where nothing is dropped.');
