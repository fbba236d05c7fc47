import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FirewallPlan, renderFirewallPlan } from './firewall-plan.ts';

const PLAN: FirewallPlan = {
  ...{ schemaVersion: 1, digest: `sha256:${'0'.repeat(64)}`, host: 'box', target: 'nftables', mode: 'enforce' },
  ...{ include: 'proven', logAccepted: false, madeAt: 0, register: 'sha256:1', live: 'sha256:2', files: [] },
  ...{ replaces: false, access: [], leftOut: [], changes: [], doubts: [], open: [], cuts: [], blocked: [] },
  ...{ lockouts: [], warnings: [], persist: null },
};

test('no change that is seen is no promise where the rules in force are not known', () => {
  const text = (doubts: readonly string[]) =>
    renderFirewallPlan({ ...PLAN, doubts }, 'table', { color: false, width: 100 });
  assert.match(text([]), /loses access: 0 changes\n/);
  assert.match(text(['nft was not read.']), /loses access: not known\n {2}- nft was not read\.\n/);
});
