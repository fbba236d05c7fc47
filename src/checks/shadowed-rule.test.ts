import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examplesOf, factsOfExample } from '../../test/check-example.ts';
import { parseAddressSet } from '../model/address-set-text.ts';
import type { HostFirewall, RuleAnomaly } from '../model/admission.ts';
import type { EstateFacts } from '../model/facts.ts';
import { ruleWithoutEntry } from './rule-without-entry.ts';
import { shadowedRule } from './shadowed-rule.ts';

/** The estate of an example, with other facts about its packet filter. */
async function estateWith(change: (firewall: HostFirewall) => Partial<HostFirewall>): Promise<EstateFacts> {
  const example = examplesOf('shadowed-rule').find((e) => e.name === 'violates');
  assert.ok(example);
  const { estate } = await factsOfExample(example);
  const [firewall] = estate.firewalls ?? [];
  assert.ok(firewall);
  return { ...estate, firewalls: [{ ...firewall, ...change(firewall) }] };
}

test('hundreds of rules are twenty findings and one that names the rest, as severe as the worst of them', async () => {
  const estate = await estateWith(({ anomalies: [anomaly] }) => ({
    anomalies: Array.from({ length: 300 }, () => anomaly as RuleAnomaly),
  }));
  const found = shadowedRule.estate?.(estate) ?? [];
  assert.equal(found.length, 21);
  const last = found.at(-1);
  assert.match(last?.message ?? '', /^db-1 has 280 more rules that decide nothing, or not what they say\.$/);
  assert.equal(last?.severity, 'low');
  assert.equal(last?.evidence.length, 201);
  assert.match(last?.evidence[0]?.value ?? '', /INPUT rule 5: .*10\.20\.4\.9/);
  assert.deepEqual(last?.evidence.at(-1), { label: 'and', value: '80 more' });
});

test('how bad it is, and what to do, depends on what is wrong with the rule', async () => {
  for (const [kind, isCovered, expected, severity] of [
    ['shadowed', true, /^Move the rule before/, 'low'],
    ['conflict', true, /^Put the rule that is to win first/, 'info'],
    ['redundant', true, /^Delete the rule: nothing changes/, 'info'],
    ['dead', true, /^Move the rule before/, 'info'],
    ['dead', false, /^Delete what no packet reaches/, 'info'],
  ] as const) {
    const estate = await estateWith(({ anomalies: [anomaly] }) => {
      const { rule, coveredBy, message } = anomaly as RuleAnomaly;
      return { anomalies: [{ kind, rule, message, coveredBy: isCovered ? coveredBy : [] }] };
    });
    const [found] = shadowedRule.estate?.(estate) ?? [];
    assert.match(found?.remediation ?? '', expected, kind);
    assert.equal(found?.severity, severity, kind);
  }
});

test('rules for many ports that no entry covers: what is beyond twenty is named by the last finding', async () => {
  const estate = await estateWith(({ anomalies: [anomaly] }) => ({
    withoutEntry: Array.from({ length: 25 }, (_, i) => ({
      ...{ rule: (anomaly as RuleAnomaly).rule, transport: 'tcp' as const },
      ...{ ports: [{ from: 9000 + i, to: 9000 + i }], sources: { ipv4: [0, 256], ipv6: [] } },
    })),
  }));
  const found = ruleWithoutEntry.estate?.(estate) ?? [];
  assert.equal(found.length, 21);
  assert.deepEqual(
    found.at(-1)?.evidence.map((e) => e.label),
    ['tcp 9020', 'tcp 9021', 'tcp 9022', 'tcp 9023', 'tcp 9024'],
  );
});

test('what ufw lets in by itself is information, what its user said is not', async () => {
  for (const [origin, severity] of [
    [{ frontEnd: 'ufw' }, 'info'],
    [{ frontEnd: 'ufw', userRule: 'ufw allow 9000/tcp' }, 'low'],
    [null, 'low'],
  ] as const) {
    const estate = await estateWith(({ anomalies: [anomaly] }) => ({
      withoutEntry: [
        {
          ...{ rule: { ...(anomaly as RuleAnomaly).rule, origin }, transport: 'tcp' as const },
          ...{ ports: [{ from: 9000, to: 9000 }], sources: parseAddressSet(['10.0.0.0/8']).set },
        },
      ],
    }));
    assert.equal(ruleWithoutEntry.estate?.(estate)[0]?.severity, severity);
  }
});
