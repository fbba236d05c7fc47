import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { assertGolden } from '../../../test/golden.ts';
import { UserError } from '../../model/errors.ts';
import { ticketFormats } from './index.ts';
import type { TicketField, TicketOptions } from './ticket-format.ts';

const FIXTURES = join(import.meta.dirname, '../../../fixtures/tickets');
const OPTIONS: TicketOptions = { mapping: new Map(), timeZone: 'Europe/Berlin', dateOrder: null, authorised: null };
const TABLE = new Map<TicketField, string[]>([
  ['id', ['Change no']],
  ['host', ['Machine']],
  ['from', ['Begin']],
  ['to', ['Finish']],
]);

const FILES = [
  { file: 'jira.csv', format: 'jira-csv' },
  { file: 'jira.json', format: 'jira-json' },
  { file: 'servicenow.csv', format: 'servicenow-csv' },
  { file: 'servicenow.json', format: 'servicenow-json' },
  { file: 'table.csv', format: 'csv', mapping: TABLE },
  { file: 'table.json', format: 'json' },
] as const;

for (const { file, format, ...more } of FILES)
  suite(file, () => {
    const text = readFileSync(join(FIXTURES, file), 'utf8');
    const found = ticketFormats.find(({ name }) => name === format);
    const options = { ...OPTIONS, ...more };

    test('is recognised', () => {
      assert.equal(ticketFormats.find((f) => f.detect({ name: file, text }))?.name, format);
    });

    test('what it says', () => {
      const times = (key: string, value: unknown) =>
        typeof value === 'number' && value > 1e12 && key !== 'id' ? new Date(value).toISOString() : value;
      const read = found?.read({ source: file, text }, options);
      assertGolden(`tickets/${file}.golden.json`, `${JSON.stringify(read, times, 2)}\n`);
    });

    test('damage never makes it throw, and ids stay unique', () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(100_000), fc.string({ maxLength: 4, unit: 'binary' })), {
            minLength: 1,
            maxLength: 5,
          }),
          (damage) => {
            let damaged = text;
            for (const [at, put] of damage) {
              const i = at % damaged.length;
              damaged = damaged.slice(0, i) + put + damaged.slice(i + put.length);
            }
            try {
              const { tickets } = (found as NonNullable<typeof found>).read({ source: file, text: damaged }, options);
              assert.equal(new Set(tickets.map((t) => t.id)).size, tickets.length);
              for (const t of tickets) assert.ok(t.from === undefined || t.to === undefined || t.from <= t.to);
            } catch (error) {
              if (!(error instanceof UserError)) throw error;
            }
          },
        ),
        { numRuns: 200 },
      );
    });
  });

test('a column that is mapped and missing names the columns that are there', () => {
  const csv = ticketFormats.find(({ name }) => name === 'csv');
  const mapping = new Map<TicketField, string[]>([['id', ['Nope']]]);
  assert.throws(() => csv?.read({ source: 'x.csv', text: 'a,b\n1,2\n' }, { ...OPTIONS, mapping }), /no column "Nope"/);
});

test('status words that the person names take the place of the known ones', () => {
  const json = ticketFormats.find(({ name }) => name === 'json');
  const text =
    '[{"id":"1","status":"Waiting"},{"id":"2","status":"Done"},{"id":"3","status":"Waiting","resolution":"Rejected"}]';
  const read = json?.read({ source: 'x', text }, { ...OPTIONS, authorised: new Set(['waiting']) });
  assert.deepEqual(
    read?.tickets.map((t) => t.authorised),
    [true, false, false],
  );
});

test('a document of ten thousand levels is read without harm', () => {
  const deep = `${'{"type":"doc","content":['.repeat(10_000)}${']}'.repeat(10_000)}`;
  const text = `{"issues":[{"key":"A-1","fields":{"summary":"x","description":${deep}}}]}`;
  const jira = ticketFormats.find(({ name }) => name === 'jira-json');
  assert.equal(jira?.read({ source: 'x', text }, OPTIONS).tickets.length, 1);
});
