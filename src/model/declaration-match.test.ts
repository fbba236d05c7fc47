import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Declaration } from './declaration.ts';
import { declarationsFor } from './declaration-match.ts';

const declaration = (more: Partial<Declaration>): Declaration => ({
  ...{ source: 'compose.yaml', format: 'compose', host: null, what: 'service web', transport: 'tcp' },
  ...{ ports: [{ from: 8080, to: 8080 }], reach: 'host', ...more },
});

const cases: ReadonlyArray<readonly [string, Partial<Declaration>, Readonly<Record<string, boolean>>]> = [
  [
    'published on the host',
    { reach: 'host' },
    { host: true, unknown: true, 'netns:box': false, 'container:web': false },
  ],
  ['of a workload', { reach: 'workload' }, { host: false, unknown: true, 'container:web': true }],
  [
    'of one container',
    { reach: 'workload', scope: 'container:web*' },
    { host: false, unknown: true, 'container:web-1': true, 'container:db': false },
  ],
  ['where it is not said', { reach: 'unknown' }, { host: true, unknown: true, 'container:web': true }],
];

suite('which scopes a declaration is about', () => {
  for (const [name, more, want] of cases)
    test(name, () => {
      const find = declarationsFor([{ source: 'compose.yaml', importedAt: 0, items: [declaration(more)] }], []);
      const endpoint = (scope: string) => ({ host: 'vm', scope, transport: 'tcp', port: 8080 }) as const;
      const found = Object.keys(want).map((scope) => [scope, (find?.(endpoint(scope)) ?? []).length > 0]);
      assert.deepEqual(Object.fromEntries(found), want);
    });
});
