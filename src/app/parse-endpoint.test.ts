import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEndpointQuery } from './parse-endpoint.ts';

const cases: readonly { text: string; want: object | null }[] = [
  { text: 'db-1:5432', want: { host: 'db-1', port: 5432, transport: undefined, scope: undefined } },
  { text: 'db-1:5432/tcp', want: { host: 'db-1', port: 5432, transport: 'tcp', scope: undefined } },
  { text: 'db-1:53/udp@container:dns', want: { host: 'db-1', port: 53, transport: 'udp', scope: 'container:dns' } },
  { text: 'db-1:80@pod:shop/web', want: { host: 'db-1', port: 80, transport: undefined, scope: 'pod:shop/web' } },
  { text: '10.0.0.5:22', want: { host: '10.0.0.5', port: 22, transport: undefined, scope: undefined } },
  { text: '[fd00::1]:22', want: { host: 'fd00::1', port: 22, transport: undefined, scope: undefined } },
  { text: ':22', want: { host: undefined, port: 22, transport: undefined, scope: undefined } },
  { text: '22', want: { host: undefined, port: 22, transport: undefined, scope: undefined } },
  { text: 'wrong-process', want: null },
  { text: 'db-1', want: null },
  { text: '', want: null },
];

for (const { text, want } of cases)
  test(`parseEndpointQuery ${JSON.stringify(text)}`, () => {
    const got = parseEndpointQuery(text);
    assert.deepEqual(got === null ? null : { ...got }, want);
  });

for (const text of ['db-1:70000', 'db-1:0', ':22/quic', 'db-1:300/raw'])
  test(`parseEndpointQuery ${text}: said what is wrong`, () => {
    assert.throws(() => parseEndpointQuery(text), { name: 'UserError' });
  });
