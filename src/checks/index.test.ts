import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { parsePorts } from '../model/port-ranges.ts';
import { checks } from './index.ts';
import services from './prohibited-services.json' with { type: 'json' };

/** Files of the folder that are no check. */
const NOT_CHECKS = [
  'advisory-severity.ts',
  'packages-behind.ts',
  'check.ts',
  'firewall-evidence.ts',
  'traffic-evidence.ts',
  'index.ts',
  'prohibited-list.ts',
  'remedy.ts',
  'rules-for.ts',
  'run.ts',
];

test('the list holds every check of the folder, once', () => {
  const files = readdirSync(import.meta.dirname)
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts') && !NOT_CHECKS.includes(f))
    .map((f) => f.replace(/\.ts$/, ''));
  assert.deepEqual(checks.map((c) => c.id).sort(), files.sort());
});

test('every check says why it matters and what to do, and judges something', () => {
  for (const check of checks) {
    assert.match(check.title, /^[A-Z].*[^.]$/, check.id);
    assert.match(check.rationale, /\.$/, check.id);
    assert.match(check.remediation, /\.$/, check.id);
    assert.ok(check.endpoint || check.estate, check.id);
  }
});

test('the list of prohibited services can be read: ids once, ports that exist, known conditions and severities', () => {
  assert.equal(new Set(services.map((s) => s.id)).size, services.length);
  for (const s of services) {
    assert.deepEqual(parsePorts(s.ports).problems, [], s.id);
    assert.ok(['tcp', 'udp'].includes(s.transport), s.id);
    assert.ok(['medium', 'high', 'critical'].includes(s.severity), s.id);
    assert.ok(
      s.unless.every((u: string) => ['loopback', 'auth', 'encryption'].includes(u)),
      s.id,
    );
    assert.match(s.reason, /\.$/, s.id);
  }
});
