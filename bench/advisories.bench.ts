// An OSV export of 100,000 records, 400 MB unpacked, as an archive: what a first look-up takes and how much memory.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { lookUpOsv } from '../src/advisories/osv.ts';
import { versionOrder } from '../src/model/versions/index.ts';
import { median, printTable } from './measure.ts';

const RECORDS = 100_000;
const RELEASES = ['Debian:11', 'Debian:12', 'Debian:13', 'Debian:14'];
const PACKAGES = 50;

/** Writes the archive; returns how many bytes it unpacks to. */
function writeExport(path: string): number {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  let unpacked = 0;
  for (let n = 0; n < RECORDS; n++) {
    const affected = RELEASES.map((ecosystem) => ({
      package: { ecosystem, name: `package-${n % 4000}` },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: `${n % 9}.${n % 53}-1` }] }],
      versions: Array.from({ length: n % 97 }, (_, v) => `${v % 9}.${v}-1`),
    }));
    const record = { id: `DEBIAN-CVE-2026-${10_000 + n}`, modified: '2026-11-01T00:00:00Z', affected };
    const bytes = Buffer.from(JSON.stringify({ ...record, details: 'What it is about. '.repeat(n % 40) }));
    const packed = deflateRawSync(bytes, { level: 1 });
    const name = Buffer.from(`${record.id}.json`);
    const header = Buffer.alloc(26);
    header.writeUInt16LE(20, 0);
    header.writeUInt16LE(8, 4);
    header.writeUInt32LE(crc32(bytes), 10);
    header.writeUInt32LE(packed.length, 14);
    header.writeUInt32LE(bytes.length, 18);
    header.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    parts.push(Buffer.from('PK\x03\x04'), header, name, packed);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), header, place, name);
    at += 30 + name.length + packed.length;
    unpacked += bytes.length;
  }
  const central = Buffer.concat(directory);
  // zip64 (APPNOTE 4.3.14, 4.3.15): more entries than 65,535
  const end64 = Buffer.alloc(56);
  end64.write('PK\x06\x06', 'latin1');
  end64.writeBigUInt64LE(44n, 4);
  for (const [offset, value] of [
    [24, RECORDS],
    [32, RECORDS],
    [40, central.length],
    [48, at],
  ] as const)
    end64.writeBigUInt64LE(BigInt(value), offset);
  const locator = Buffer.alloc(20);
  locator.write('PK\x06\x07', 'latin1');
  locator.writeBigUInt64LE(BigInt(at + central.length), 8);
  locator.writeUInt32LE(1, 16);
  const end = Buffer.alloc(22, 0xff);
  end.write('PK\x05\x06\0\0\0\0', 'latin1');
  end.writeUInt16LE(0, 20);
  writeFileSync(path, Buffer.concat([...parts, central, end64, locator, end]));
  return unpacked;
}

if (process.argv[2] === 'look-up') {
  const wanted = Array.from({ length: PACKAGES }, (_, n) => ({
    ...{ ecosystem: 'Debian:12', compare: versionOrder('dpkg') },
    names: [{ name: `package-${n * 7}`, version: '4.2-1' }],
  }));
  const started = performance.now();
  const { advisories, problems } = await lookUpOsv([process.argv[3] as string], wanted);
  const found = advisories.reduce((sum, list) => sum + list.length, 0);
  if (found === 0 || problems.length > 0) throw new Error(`found ${found}; ${problems[0]}`);
  console.log(JSON.stringify({ ms: performance.now() - started, rss: process.memoryUsage.rss() / 1e6, found }));
} else {
  const directory = mkdtempSync(join(tmpdir(), 'quietdoor-osv-'));
  try {
    const path = join(directory, 'all.zip');
    const megabytes = writeExport(path) / 1e6;
    const runs = [1, 2, 3].map(() => {
      const text = execFileSync(process.execPath, [import.meta.filename, 'look-up', path], { encoding: 'utf8' });
      return JSON.parse(text) as { ms: number; rss: number; found: number };
    });
    const ms = median(runs.map((run) => run.ms));
    printTable(
      ['records', 'packed', 'unpacked', 'packages', 'found', 'time', 'speed', 'RSS'],
      [
        [
          ...[String(RECORDS), `${(statSync(path).size / 1e6).toFixed(0)} MB`, `${megabytes.toFixed(0)} MB`],
          ...[String(PACKAGES), String(runs[0]?.found), `${(ms / 1000).toFixed(1)} s`],
          ...[
            `${((megabytes / ms) * 1000).toFixed(0)} MB/s`,
            `${Math.max(...runs.map((run) => run.rss)).toFixed(0)} MB`,
          ],
        ],
      ],
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
