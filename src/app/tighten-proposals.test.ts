import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../model/address.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { RegisterEntry } from '../model/register.ts';
import { renderDrafts } from '../register/draft-file.ts';
import { proposeNarrower, type TightenInput } from './tighten-proposals.ts';

const ENTRY = {
  id: 'pg',
  service: 'postgresql',
  owner: 'team',
  scope: 'host',
  bind: 'private',
  process: {},
} as RegisterEntry;

const input = (
  peers: readonly string[],
  sources: readonly string[],
  admitted: readonly string[] | null = null,
): TightenInput => ({
  host: 'db-1',
  entries: [ENTRY],
  access: [
    {
      ...{ entry: 'pg', transport: 'tcp', ports: [{ from: 5432, to: 5432 }], addresses: null, scope: 'host' },
      ...{ sources: fromCidrs(sources), workload: {} },
    },
  ],
  observed: {
    ...{ since: Date.UTC(2026, 10, 1), until: Date.UTC(2026, 10, 22), looks: 40 },
    peers: new Map([[5432, peers.map((text) => parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>)]]),
  },
  admitted: admitted && (() => fromCidrs(admitted)),
});

test('narrower sources are proposed from who was seen', () => {
  for (const [peers, sources, proposed] of [
    [['10.1.2.3'], ['10.0.0.0/8'], ['10.1.2.3/32']],
    [['10.1.2.3', '10.1.2.4', '10.1.2.9', '10.1.2.77', '10.9.0.1'], ['10.0.0.0/8'], ['10.1.2.0/24', '10.9.0.1/32']],
    // Never wider than what is approved.
    [['10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.6'], ['10.1.2.0/28', '10.5.0.0/16'], ['10.1.2.0/28']],
    [['fd00::1:2:3:4'], ['fd00::/8'], ['fd00::/64']],
    [['10.1.2.3', '192.0.2.1'], ['10.1.2.0/24'], ['10.1.2.3/32']],
    [['10.1.2.3'], ['10.1.2.3'], null],
    [[], ['10.0.0.0/8'], null],
    [['127.0.0.1'], ['10.0.0.0/8'], null],
  ] as const) {
    const { drafts } = proposeNarrower(input(peers, sources));
    assert.deepEqual(drafts[0]?.sources ?? null, proposed, peers.join());
  }
});

test('a proposal is a draft with its evidence, and says for how long was looked', () => {
  const { drafts, remarks } = proposeNarrower(input(['10.1.2.3', '192.0.2.1'], ['10.0.0.0/8'], ['10.1.0.0/16']));
  const text = renderDrafts(drafts, null);
  assert.match(text, /id: pg-narrower/);
  assert.match(text, /hosts: \[db-1\]/);
  assert.match(text, /for entry pg on db-1: 10\.1\.2\.3\/32 in the place of 10\.0\.0\.0\/8\./);
  assert.match(text, /1 peer seen in 40 looks from 2026-11-01.* to 2026-11-22.*: 10\.1\.2\.3/);
  assert.match(text, /Of those who are approved, the packet filters let in 10\.1\.0\.0\/16\./);
  assert.ok(!text.includes('approval:'));
  assert.deepEqual(remarks, ['pg: 192.0.2.1 is connected and not approved.']);
});
