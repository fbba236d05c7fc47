import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Acceptable, exceptionFor, expiredExceptions, parseExceptionSubject } from './exception-match.ts';
import type { Exception } from './register.ts';

const FINGERPRINT = '0123456789abcdef0123456789abcdef';

function exceptionOf(fields: Partial<Exception> & Pick<Exception, 'subject'>): Exception {
  return {
    id: 'x',
    kind: 'risk-adjustment',
    rule: 'prohibited-service',
    reason: 'known',
    approver: 'a@example.org',
    ticket: null,
    from: 100,
    expires: 200,
    at: { file: 'exceptions.yaml', line: 1, column: 1 },
    ...fields,
  };
}

const telnet: Acceptable = {
  rule: 'prohibited-service',
  fingerprint: FINGERPRINT,
  subject: { kind: 'endpoint', endpoint: { host: 'Lab-1', scope: 'host', transport: 'tcp', port: 23 } },
  entry: 'telnet-lab',
};
const inContainer: Acceptable = {
  ...telnet,
  subject: { kind: 'endpoint', endpoint: { host: 'fd00::1', scope: 'container:lab-x', transport: 'udp', port: 23 } },
};
const ofEntry: Acceptable = { rule: telnet.rule, fingerprint: 'f', subject: { kind: 'entry', entry: 'telnet-lab' } };
const ofHost: Acceptable = { rule: telnet.rule, fingerprint: 'f', subject: { kind: 'host', host: 'lab-1' } };

test('an exception covers what its subject says', () => {
  const cases: readonly [subject: string, finding: Acceptable, covered: boolean][] = [
    ['lab-1:23', telnet, true],
    ['LAB-1:23/tcp', telnet, true],
    ['lab-1:23/udp', telnet, false],
    ['lab-1:23/*@host', telnet, true],
    ['lab-1:23@container:*', telnet, false],
    ['lab-1:24', telnet, false],
    ['lab-1:20-30/tcp', telnet, true],
    ['lab-*:*', telnet, true],
    ['*:23', telnet, true],
    ['db-*:23', telnet, false],
    ['fd00::1:23', inContainer, false],
    ['fd00::1:23@container:lab-*', inContainer, true],
    ['fd00::1:23/udp@any', inContainer, true],
    ['fd00::*:23@*', inContainer, true],
    ['lab-1:23', ofHost, false],
    ['*:*', ofEntry, false],
    ['entry:telnet-lab', telnet, true],
    ['entry:telnet-lab', ofEntry, true],
    ['entry:telnet', telnet, false],
    ['entry:telnet-lab', ofHost, false],
    ['host:lab-1', telnet, true],
    ['host:lab-*', ofHost, true],
    ['host:lab-1', ofEntry, false],
    ['host:db-1', telnet, false],
    [FINGERPRINT, telnet, true],
    [FINGERPRINT, ofEntry, false],
    ['nonsense', telnet, false],
    ['', telnet, false],
  ];
  for (const [subject, finding, covered] of cases)
    assert.equal(exceptionFor(finding, [exceptionOf({ subject })], 150)?.id ?? null, covered ? 'x' : null, subject);
});

test('an exception holds from its first millisecond to before its last, for its rule', () => {
  const exceptions = [exceptionOf({ subject: 'host:lab-1' })];
  const at = (now: number) => exceptionFor(telnet, exceptions, now) !== null;
  assert.deepEqual([99, 100, 199, 200].map(at), [false, true, true, false]);
  assert.equal(exceptionFor({ ...telnet, rule: 'wider-bind' }, exceptions, 150), null);
  assert.ok(exceptionFor(telnet, [exceptionOf({ subject: 'host:lab-1', from: null })], 0));
  assert.deepEqual(expiredExceptions(exceptions, 199), []);
  assert.deepEqual(expiredExceptions(exceptions, 200), exceptions);
});

test('of several the one that lasts longest is named', () => {
  const exceptions = [
    exceptionOf({ id: 'a', subject: '*:23' }),
    exceptionOf({ id: 'c', subject: 'host:lab-1', expires: 300 }),
    exceptionOf({ id: 'b', subject: FINGERPRINT, expires: 300 }),
  ];
  assert.equal(exceptionFor(telnet, exceptions, 150)?.id, 'b');
});

test('a subject that is nothing is known as such', () => {
  for (const text of ['', 'x', 'entry:', 'host:', 'h:70000', 'h:9-1', ':22', 'h:22/TCP', 'h:22@'])
    assert.equal(parseExceptionSubject(text), null, text);
});
