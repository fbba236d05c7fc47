import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { readText } from '../../test/read-import.ts';
import { delimiterOf, splitRow } from './csv-rows.ts';

const listeners = async (text: string, options = {}, format = 'csv') => {
  const { observations, problems } = await readText(format, text, options);
  return {
    seen: observations.flatMap((o) => o.listeners.map((l) => `${l.host} ${l.address}:${l.port}/${l.transport}`)),
    covered: observations.flatMap((o) => o.coverage.map((c) => c.addresses)),
    problems: problems.map((p) => `${p.line}: ${p.message}`),
    gaps: observations.flatMap((o) => o.gaps.map((g) => g.code)),
  };
};

test('CSV: any row is split as it was written', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', ';') });
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), fc.constantFrom(',', ';'), (fields, delimiter) => {
      const row = fields.map((f) => `"${f.replaceAll('"', '""')}"`).join(delimiter);
      assert.deepEqual(splitRow(row, delimiter), fields);
    }),
  );
});

test('CSV: delimiters', () => {
  const cases = { 'a,b': ',', 'a;b;c,d': ';', 'a\tb': '\t', 'a|b': '|', '"a,b,c";d': ';', a: ',' };
  for (const [line, want] of Object.entries(cases)) assert.equal(delimiterOf(line), want, line);
});

suite('CSV: rows', () => {
  const head = 'host,address,port,protocol,state\n';
  const cases = [
    { name: 'a listener', rows: 'a,10.0.0.1,22,tcp,LISTEN', seen: ['a 10.0.0.1:22/tcp'] },
    { name: 'port and transport together', rows: 'a,::,53/udp,,', seen: ['a :::53/udp'] },
    { name: 'a connection', rows: 'a,10.0.0.1,22,tcp,ESTABLISHED', seen: [] },
    { name: 'no host takes the given one', rows: ',10.0.0.1,22,tcp,', seen: ['host-1 10.0.0.1:22/tcp'] },
    { name: 'tcp6 is tcp', rows: 'a,::1,22,tcp6,', seen: ['a ::1:22/tcp'] },
    {
      name: 'a quoted line feed',
      rows: 'a,10.0.0.1,22,tcp,"listen\n"\nb,10.0.0.2,22,tcp,',
      seen: ['a 10.0.0.1:22/tcp', 'b 10.0.0.2:22/tcp'],
    },
    { name: 'a port that is none', rows: 'a,10.0.0.1,70000,tcp,', seen: [], problems: ['2: "70000" is no port'] },
    {
      name: 'a state that is unknown',
      rows: 'a,10.0.0.1,22,tcp,maybe',
      seen: [],
      problems: ['2: "maybe" is no state of a socket that is known here'],
    },
    {
      name: 'more fields than the head has',
      rows: 'a,10.0.0.1,22,tcp,,x',
      seen: [],
      problems: ['2: this row has 6 fields where the head has 5'],
    },
    {
      name: 'a quote that does not end',
      rows: 'a,10.0.0.1,22,tcp,"x\nb,10.0.0.2,22,tcp,\n',
      seen: ['b 10.0.0.2:22/tcp'],
      problems: ['2: this row has a quote that does not end'],
    },
    {
      name: 'a cut row',
      rows: 'a,10.0.0.1,22,tcp,\nb,10.0.0.2,2',
      seen: ['a 10.0.0.1:22/tcp'],
      problems: ['3: the file ends inside this row: it was cut off'],
    },
  ];
  for (const { name, rows, seen, problems = [] } of cases)
    test(name, async () => {
      const found = await listeners(head + rows);
      assert.deepEqual([found.seen, found.problems], [seen, problems]);
    });
});

test('CSV: only a complete and readable one covers what it does not name', async () => {
  const rows = 'host,address,port,protocol\na,10.0.0.1,22,tcp\n';
  assert.deepEqual((await listeners(rows)).covered, [['10.0.0.1']]);
  assert.deepEqual((await listeners(rows, { isComplete: true })).covered, ['all']);
  assert.deepEqual((await listeners(`${rows}a,10.0.0.1,x,tcp\n`, { isComplete: true })).covered, [['10.0.0.1']]);
});

test('CSV: sockets without an address count as on every one, and that is said', async () => {
  const found = await listeners('host,port,protocol\na,22,tcp\n');
  assert.deepEqual([found.seen, found.gaps.includes('address-unknown')], [['a :::22/tcp'], true]);
});
