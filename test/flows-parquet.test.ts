import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Context } from '../src/app/context.ts';
import { readFlows } from '../src/app/flows-import.ts';
import { buildServiceIndex } from '../src/flows/direction.ts';
import { parseAddressSet } from '../src/model/address-set-text.ts';
import { UserError } from '../src/model/errors.ts';
import { textOfWords } from '../src/model/flow-address.ts';
import type { FlowImport } from '../src/model/flow-import.ts';
import { type DuckDBConnection, type DuckDb, openDuckDb, sqlText } from '../src/util/duckdb.ts';

const HEADER =
  'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags pkt-srcaddr pkt-dstaddr';
const T = 1_790_000_000;
const RECORDS = [
  `2 1 eni-1 10.0.0.5 10.0.0.9 40000 443 6 10 1000 ${T} ${T + 60} ACCEPT OK - - -`,
  `2 1 eni-1 10.0.0.9 10.0.0.5 443 40000 6 8 9000 ${T} ${T + 60} ACCEPT OK - - -`,
  `2 1 eni-2 10.0.0.6 10.0.0.9 40000 22 6 1 60 ${T + 300} ${T + 360} REJECT OK 2 - -`,
  `2 1 eni-2 fd00::6 fd00::9 40000 443 6 1 60 ${T + 300} ${T + 360} ACCEPT OK 3 - -`,
  `2 1 eni-2 10.0.0.1 10.0.0.2 40000 443 6 5 700 ${T + 300} ${T + 360} ACCEPT OK 18 10.9.0.1 10.9.0.2`,
  `2 1 eni-2 10.0.0.1 10.0.0.2 40000 443 6 5 700 ${T + 300} ${T + 360} ACCEPT OK 0 fd00::a 10.9.0.2`,
  `2 1 eni-2 10.0.0.1 10.0.0.2 0 0 1 5 700 ${T + 300} ${T + 360} ACCEPT OK - - -`,
  `2 1 eni-3 - - - - - - - ${T + 600} ${T + 660} - NODATA - - -`,
  `2 1 eni-3 - - - - - - - ${T + 900} ${T + 960} - SKIPDATA - - -`,
  `2 1 eni-1 10.0.0.5 10.0.0.9 40000 443 6 10 1000 ${T} ${T + 60} ACCEPT OK - - -`,
];
const services = buildServiceIndex(
  [],
  [{ addresses: parseAddressSet(['10.0.0.9', 'fd00::9']).set, ports: [{ from: 443, to: 443 }], protocol: 6 }],
);
const context: Context = {
  workspace: '/',
  state: '/',
  now: () => (T + 5000) * 1000,
  actor: 'user:test',
  env: {},
  settings: [],
};

describe('Parquet', () => {
  let dir = '';
  let duck: DuckDb;
  let connection: DuckDBConnection;
  before(async () => {
    dir = fs.mkdtempSync(join(tmpdir(), 'quietdoor-parquet-'));
    duck = await openDuckDb({ folders: [dir], spill: join(dir, 'spill'), memoryMb: 128, threads: 1 });
    connection = await duck.connect();
  });
  after(() => {
    duck.close();
    fs.rmSync(dir, { recursive: true });
  });

  const read = async (file: string, mapping: readonly [string, string][] = []) => {
    const request = { file, as: null, feed: null, mapping: new Map(mapping), prefixes: new Map(), utcOffsetMinutes: 0 };
    await using reading = await readFlows(context, request, services);
    const rows: string[] = [];
    for await (const b of reading.batches())
      for (let i = 0; i < b.length; i++)
        rows.push(
          `${b.bucket[i]} ${textOfWords(b.src, i)} > ${textOfWords(b.dst, i)}:${b.port[i]}/${b.protocol[i]} action ${b.action[i]} directed ${b.directed[i]} c ${b.connections[i]} p ${b.packets[i]} b ${b.bytes[i]} ${reading.rollup.feeds[b.feed[i] as number]?.name}`,
        );
    return { rows: rows.sort(), result: reading.result(null, false) };
  };
  const write = async (name: string, query: string): Promise<string> => {
    const file = join(dir, name);
    await connection.run(`COPY (${query}) TO ${sqlText(file)} (FORMAT parquet)`);
    return file;
  };
  const facts = ({ counts, skipped, coverage, feeds }: FlowImport) => ({
    counts: { ...counts },
    skipped: [...skipped].filter(([what]) => what !== 'header'),
    coverage,
    feeds: [...feeds].sort((a, b) => (a.name < b.name ? -1 : 1)),
  });

  test('of AWS gives what the text of the same records gives', async () => {
    const text = join(dir, 'flows.log');
    fs.writeFileSync(text, `${[HEADER, ...RECORDS].join('\n')}\n`);
    const names = HEADER.split(' ');
    const whole = new Set([
      'version',
      'srcport',
      'dstport',
      'protocol',
      'packets',
      'bytes',
      'start',
      'end',
      'tcp-flags',
    ]);
    const rows = RECORDS.map((record) => {
      const values = record.split(' ').map((value, i) => {
        if (whole.has(names[i] as string)) return value === '-' ? 'NULL' : value;
        return value === '-' && i % 2 === 0 ? 'NULL' : sqlText(value);
      });
      return `(${values.join(', ')})`;
    });
    const columns = names.map((name) =>
      whole.has(name)
        ? `"${name}"::BIGINT AS "${name.replaceAll('-', '_')}"`
        : `"${name}"::VARCHAR AS "${name.replaceAll('-', '_')}"`,
    );
    const list = names.map((name) => `"${name}"`).join(', ');
    const file = await write(
      "hive o'clock [1].parquet",
      `SELECT ${columns.join(', ')} FROM (VALUES ${rows.join(', ')}) AS t(${list})`,
    );
    const [want, got] = [await read(text), await read(file)];
    assert.equal(want.result.counts.records, 7);
    assert.deepEqual(got.rows, want.rows);
    assert.deepEqual(facts(got.result), facts(want.result));
    assert.deepEqual(got.result.problems, []);
  });

  test('of anything else, with its columns named by a person', async () => {
    const file = await write(
      'other.parquet',
      `SELECT TIMESTAMP '2026-09-21 14:13:20' AS seen, '10.0.0.5' AS client, '10.0.0.9' AS server, 443::SMALLINT AS port, 6 AS proto,
       'Drop' AS verdict, 12::INTEGER AS octets, 'fw-1' AS device`,
    );
    const mapping: [string, string][] = [
      ['start', 'seen'],
      ['src', 'client'],
      ['dst', 'server'],
      ['dst_port', 'port'],
      ['protocol', 'proto'],
      ['action', 'verdict'],
      ['bytes', 'octets'],
      ['feed', 'device'],
    ];
    const { rows } = await read(file, mapping);
    assert.deepEqual(rows, [`${T - (T % 300)} 10.0.0.5 > 10.0.0.9:443/6 action 2 directed 1 c 1 p 0 b 12 fw-1`]);
  });

  test('of numbers that need 64 bits, and of some that do not', async () => {
    const counts = [0, 2_147_483_647, 2_147_483_648, 4_294_967_296, 2 ** 52];
    for (const most of counts) {
      const rows = [`(${T}, ${most})`, `(${T}, 0)`, `(${T}, NULL)`].join(', ');
      const file = await write(
        `counts-${most}.parquet`,
        `SELECT start::BIGINT AS start, '10.0.0.1' AS src, '10.0.0.9' AS dst, 443 AS dst_port, 6 AS protocol, bytes::BIGINT AS bytes
         FROM (VALUES ${rows}) AS t(start, bytes)`,
      );
      const { rows: got, result } = await read(file);
      assert.equal(got.length, 1);
      assert.deepEqual([result.counts.records, result.counts.bytes], [3, most]);
    }
  });

  const refusals: { name: string; sql: string; mapping?: [string, string][]; want: RegExp }[] = [
    {
      name: 'lacks columns',
      sql: "SELECT 1 AS start, '10.0.0.1' AS src",
      want: /column "dst" \(dst\) is missing: expected addresses as text; column "dst_port" \(dst_port\) is missing/,
    },
    {
      name: 'has a column of another type',
      sql: "SELECT 'noon' AS start, '10.0.0.1' AS src, 5 AS dst, 1 AS dst_port, 6 AS protocol",
      want: /column "start" \(start\) is VARCHAR: expected UTC seconds as a number, or a timestamp; column "dst" \(dst\) is INTEGER: expected addresses as text/,
    },
    {
      name: 'is mapped by a field that there is none of',
      sql: 'SELECT 1 AS start',
      mapping: [['sourc', 'start']],
      want: /there is no field "sourc"; fields are start, end, src/,
    },
  ];
  for (const { name, sql, mapping, want } of refusals)
    test(`a file that ${name} is refused by name`, async () => {
      const file = await write('refused.parquet', sql);
      await assert.rejects(read(file, mapping), (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, want);
        assert.match(error.hint ?? '', /^It has the columns start /);
        return true;
      });
    });

  test('records that cannot be read are told one by one; the rest is taken', async () => {
    const long = '1.'.repeat(5000);
    const bad = ['10.0.0', '10.0.0.256', '010.0.0.1', '1.2.3.4.5', long, 'web-1', '', '10.0.0.1', 'fd00::g'];
    const rows = bad.map((src) => `(${T}, ${sqlText(src)}, '10.0.0.9', 443, 6)`);
    const more = [
      `(${T}, '10.0.0.2', NULL, 443, 6)`,
      `(${T}, '10.0.0.2', '10.0.0.9', 70000, 6)`,
      `(NULL, '10.0.0.2', '10.0.0.9', 1, 6)`,
      `(${T}, '10.0.0.2', '10.0.0.9', 1, 300)`,
    ];
    const file = await write(
      'bad.parquet',
      `SELECT * FROM (VALUES ${[...rows, ...more].join(', ')}) AS t(start, src, dst, dst_port, protocol)`,
    );
    const { rows: got, result } = await read(file);
    assert.equal(got.length, 1);
    assert.equal(result.counts.problems, bad.length - 1 + more.length);
    assert.deepEqual(
      result.problems
        .filter(({ line }) => [1, 6, 10, 11, 12, 13].includes(line))
        .map(({ line, message }) => `${line} ${message}`),
      [
        '1 src is "10.0.0"; expected an IP address',
        '6 src is "web-1"; expected an IP address',
        '10 dst is missing; expected an IP address',
        '11 dst_port is 70000; expected a port, 0 to 65535',
        '12 start is missing; expected UTC seconds',
        '13 protocol is 300; expected an IANA protocol number, 0 to 255',
      ],
    );
  });

  test('a file that is cut off or damaged is refused', async () => {
    const file = await write(
      'cut.parquet',
      `SELECT range AS start, '10.0.0.1' AS src, '10.0.0.9' AS dst, 1 AS dst_port, 6 AS protocol FROM range(5000)`,
    );
    const bytes = fs.readFileSync(file);
    for (const [name, damaged] of [
      ['short.parquet', bytes.subarray(0, bytes.length - 20)],
      ['head.parquet', bytes.subarray(0, 4)],
      ['noise.parquet', Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(500, 7), bytes.subarray(504)])],
    ] as const) {
      const path = join(dir, name);
      fs.writeFileSync(path, damaged);
      await assert.rejects(read(path), (error) => {
        assert.ok(error instanceof UserError, `${name}: ${error}`);
        assert.match(error.message, /is no Parquet file that can be read: /);
        return true;
      });
    }
  });
});
