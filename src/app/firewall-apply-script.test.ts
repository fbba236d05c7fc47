import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replaceScript, restoreScript, whyNotOurs } from './firewall-apply-script.ts';

const OURS = `# comment with { brace and flush ruleset
table inet quietdoor {
  set pg { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
  chain input { type filter hook input priority 0; policy drop;
    ct state established accept comment "a { # brace; flush ruleset"
  }
}
`;

test('a script about our own table alone is told from any other', () => {
  for (const script of [
    OURS,
    replaceScript(OURS),
    restoreScript(null),
    restoreScript(OURS),
    'add table inet quietdoor; delete table inet quietdoor\n',
    'destroy table inet quietdoor',
    '',
  ])
    assert.equal(whyNotOurs(script), null, script);
  for (const script of [
    'flush ruleset\n',
    `${OURS}flush ruleset\n`,
    `${OURS}delete table inet filter\n`,
    'table inet quietdoor { } ; flush ruleset',
    'table inet quietdoor { } table inet filter { }',
    'table ip quietdoor { }',
    'table inet quietdoor2 { }',
    'include "/etc/nftables.conf"',
    'table inet quietdoor { include "/etc/x" }',
    'table inet quietdoor {',
    'table inet quietdoor { } }',
    'table inet quietdoor { chain x { comment "open } }',
    'define a = { 1 }',
    'flush \\\nruleset',
    'add rule inet filter input accept',
  ])
    assert.notEqual(whyNotOurs(script), null, script);
});
