import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { endpointsInText, readHostField, readPortField } from './endpoints-in-text.ts';

const words = (text: string, known: string[] = []) => {
  const { hosts, ports } = endpointsInText(text, new Set(known));
  return [
    hosts,
    ports.map(
      ({ transport, range }) => `${range.from}${range.to === range.from ? '' : `-${range.to}`}/${transport ?? '?'}`,
    ),
  ];
};

const CASES: { text: string; hosts?: string[]; ports?: string[]; known?: string[] }[] = [
  { text: 'db-1:5432', hosts: ['db-1'], ports: ['5432/?'] },
  { text: 'allow db-1.example.org:5432/tcp', hosts: ['db-1.example.org'], ports: ['5432/tcp'] },
  { text: '10.20.0.5:443 and [fd00::1]:8443', hosts: ['10.20.0.5', 'fd00::1'], ports: ['443/?', '8443/?'] },
  { text: 'https://shop.example.org:8443/admin', hosts: ['shop.example.org'], ports: ['8443/?'] },
  { text: '5432/tcp on db-1', hosts: ['db-1'], ports: ['5432/tcp'] },
  { text: 'open tcp/5432 on host db-1.', hosts: ['db-1'], ports: ['5432/tcp'] },
  { text: 'TCP port 8443', ports: ['8443/tcp'] },
  { text: 'ports 80, 443 and 8000-8010/tcp', ports: ['80/tcp', '443/tcp', '8000-8010/tcp'] },
  { text: 'port 161 (udp) at 10.0.0.9', hosts: ['10.0.0.9'], ports: ['161/udp'] },
  { text: 'UDP 53', ports: ['53/udp'] },
  { text: 'Open TCP port 8443.', ports: ['8443/tcp'] },
  { text: '5432/tcp on database', known: ['database'], hosts: ['database'], ports: ['5432/tcp'] },
  // Prose names no hosts, and not every figure is a port.
  { text: '5432/tcp on the database server', ports: ['5432/tcp'] },
  { text: 'Meeting at 14:30 about release 2.5' },
  { text: 'see main.ts:12 and ratio 3:1' },
  { text: 'The server db-1 needs more memory, 4096 MB' },
  { text: 'port: 99999, db-1:0' },
  { text: 'CHG0030001:22 is no host form we know', hosts: ['chg0030001'], ports: ['22/?'] },
  { text: '1/2 done, and/or more' },
  { text: 'support ports the app to 2026' },
];
suite('endpoints in prose', () => {
  for (const { text, hosts = [], ports = [], known = [] } of CASES)
    test(text, () => assert.deepEqual(words(text, known), [hosts, ports]));
});

test('any endpoint in a known form is found again', () => {
  const host = fc.constantFrom('db-1', 'web-2.example.org', '10.20.3.4', 'fd00:20::3');
  fc.assert(
    fc.property(
      host,
      fc.integer({ min: 1, max: 65535 }),
      fc.constantFrom('tcp', 'udp'),
      fc.constantFrom(0, 1, 2),
      (name, port, kind, form) => {
        const shown = name.includes(':') && form === 0 ? `[${name}]` : name.includes(':') ? `[${name}]` : name;
        const text = [`${shown}:${port}/${kind}`, `${port}/${kind} on ${shown}`, `${kind} port ${port} on ${shown}`][
          form
        ] as string;
        assert.deepEqual(words(`Please see to ${text}, thanks.`), [[name], [`${port}/${kind}`]]);
      },
    ),
  );
});

test('hostile text of the longest length is searched, and what is named stays bounded', () => {
  for (const piece of ['a', '1', '1,', 'a.', '[', 'port ', 'tcp/', '1-', 'a-1:', '0 and ', 'a-1:5 ', 'port 1 ']) {
    const { hosts, ports } = endpointsInText(piece.repeat(100_000 / piece.length));
    assert.ok(hosts.length <= 1 && ports.length <= 1, piece);
  }
  const many = Array.from({ length: 5000 }, (_, i) => `h-${i}:${i + 1}`).join(' ');
  assert.equal(endpointsInText(many).hosts.length, 1000);
});

test('fields of hosts and ports', () => {
  assert.deepEqual(readHostField('DB-1, 010.0.0.1; 10.0.0.1|web'), ['db-1', '010.0.0.1', '10.0.0.1', 'web']);
  assert.deepEqual(readPortField('80,443/tcp 6000-6010/udp', 'tcp')?.length, 3);
  assert.equal(readPortField('80, many', null), null);
  assert.equal(readPortField('0', null), null);
});
