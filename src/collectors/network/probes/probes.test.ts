import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { AnswerFacts } from '../../../model/answer.ts';
import { ber, berInteger } from '../ber.ts';
import { readSafely } from '../identify-dialogue.ts';
import { writeBson } from './bson.ts';
import { probes } from './index.ts';
import type { Probe } from './probe.ts';

/** Files of the folder that are no probe. */
const NOT_PROBES = ['bson', 'http-answer', 'index', 'probe'];

test('the list holds every probe of the folder, once', () => {
  const files = readdirSync(import.meta.dirname)
    .filter((f) => f.endsWith('.ts') && !f.endsWith('.test.ts'))
    .map((f) => f.replace(/\.ts$/, ''))
    .filter((f) => !NOT_PROBES.includes(f));
  assert.deepEqual(probes.map((p) => p.name).sort(), files.sort());
});

test('every question is short, and none is asked of a service that speaks first', () => {
  for (const { name, request } of probes) {
    const sent = request?.({ address: '192.0.2.1', port: 1, serverName: 'a.example.org' });
    assert.ok((sent?.length ?? 0) <= 512, name);
  }
});

const http = (status: string, headers: readonly string[], body = '') =>
  Buffer.from(
    `HTTP/1.1 ${status}\r\n${headers.map((h) => `${h}\r\n`).join('')}Content-Length: ${body.length}\r\n\r\n${body}`,
  );
const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const opMsg = (replyTo: number, document: Parameters<typeof writeBson>[0]) => {
  const body = writeBson(document);
  const head = Buffer.alloc(21);
  head.writeInt32LE(21 + body.length, 0);
  head.writeInt32LE(replyTo, 8);
  head.writeInt32LE(2013, 12);
  return Buffer.concat([head, body]);
};
const HELLO = 0x51440001;
const LIST = 0x51440003;

/** Answers as the documents of each protocol have them; `by`: the probe that must know it, first of all. */
const answers: readonly { readonly name: string; readonly answer: Buffer; readonly want: AnswerFacts }[] = [
  {
    name: 'ssh: a line before the identification',
    answer: Buffer.from('Welcome\r\nSSH-2.0-dropbear_2022.83\r\n'),
    want: {
      service: 'ssh',
      product: 'dropbear',
      version: '2022.83',
      banner: 'SSH-2.0-dropbear_2022.83',
      encryption: 'ssh',
      by: 'ssh',
    },
  },
  {
    name: 'redis without a password',
    answer: Buffer.from('+PONG\r\n$40\r\n# Server\r\nredis_version:7.0.15\r\n\r\n+OK\r\n'),
    want: {
      service: 'redis',
      product: 'Redis',
      version: '7.0.15',
      banner: '+PONG',
      encryption: 'none',
      unauthenticated: true,
      by: 'redis',
    },
  },
  {
    name: 'redis with a password',
    answer: Buffer.from('-NOAUTH Authentication required.\r\n'),
    want: {
      service: 'redis',
      banner: '-NOAUTH Authentication required.',
      encryption: 'none',
      unauthenticated: false,
      by: 'redis',
    },
  },
  {
    name: 'memcached',
    answer: Buffer.from('VERSION 1.6.18\r\n'),
    want: {
      service: 'memcache',
      product: 'memcached',
      version: '1.6.18',
      banner: 'VERSION 1.6.18',
      encryption: 'none',
      unauthenticated: true,
      by: 'memcached',
    },
  },
  {
    name: 'mongodb that shows its data to all',
    answer: Buffer.concat([
      opMsg(HELLO, { isWritablePrimary: true, maxWireVersion: 17, ok: 1 }),
      opMsg(0x51440002, { version: '6.0.5', ok: 1 }),
      opMsg(LIST, { databases: {}, ok: 1 }),
    ]),
    want: {
      service: 'mongodb',
      product: 'MongoDB',
      version: '6.0.5',
      encryption: 'none',
      unauthenticated: true,
      by: 'mongodb',
    },
  },
  {
    name: 'mongodb that does not',
    answer: Buffer.concat([
      opMsg(HELLO, { maxWireVersion: 17, ok: 1 }),
      opMsg(LIST, { ok: 0, errmsg: 'command listDatabases requires authentication', code: 13 }),
    ]),
    want: { service: 'mongodb', product: 'MongoDB', encryption: 'none', unauthenticated: false, by: 'mongodb' },
  },
  {
    name: 'MariaDB behind its disguise for old replicas, without TLS',
    answer: (() => {
      const body = Buffer.concat([
        Buffer.from('\n5.5.5-10.11.6-MariaDB-0+deb12u1\0'),
        Buffer.alloc(13, 1),
        hex('fef7 08 0200 ffc1 15'),
        Buffer.alloc(24, 1),
      ]);
      return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
    })(),
    want: {
      service: 'mysql',
      product: 'MariaDB',
      version: '10.11.6',
      banner: '5.5.5-10.11.6-MariaDB-0+deb12u1',
      encryption: 'none',
      by: 'mysql',
    },
  },
  {
    name: 'MySQL that does not let this host in',
    answer: (() => {
      const body = Buffer.from(`\xff\x6a\x04Host 'a' is not allowed to connect to this MySQL server`, 'latin1');
      return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
    })(),
    want: {
      service: 'mysql',
      product: 'MySQL',
      banner: "Host 'a' is not allowed to connect to this MySQL server",
      unauthenticated: false,
      by: 'mysql',
    },
  },
  {
    name: 'SQL Server that insists on encryption ([MS-TDS] 4.2)',
    answer: hex(
      '0401002b00000100 00001a0006 010020 0001 020021 0001 030022 0000 040022 0001 ff 09001000 0000 03 00 00',
    ),
    want: {
      service: 'ms-sql-s',
      product: 'Microsoft SQL Server',
      version: '9.0.4096',
      encryption: 'starttls',
      requiresTls: true,
      by: 'mssql',
    },
  },
  {
    name: 'kafka: keys and versions',
    answer: hex('00000010 51446f72 0000 00000001 0012 0000 0003'),
    want: { service: 'kafka', product: 'Apache Kafka', encryption: 'none', by: 'kafka' },
  },
  {
    name: 'amqp: the header of another version',
    answer: hex('414d5150 00 010000'),
    want: { service: 'amqp', banner: 'AMQP 1.0.0', encryption: 'none', by: 'amqp' },
  },
  {
    name: 'amqp: Connection.Start of RabbitMQ',
    answer: (() => {
      const text = (name: string, value: string) =>
        Buffer.concat([
          Buffer.from([name.length]),
          Buffer.from(`${name}S`),
          Buffer.from([0, 0, 0, value.length]),
          Buffer.from(value),
        ]);
      const table = Buffer.concat([text('product', 'RabbitMQ'), text('version', '3.12.1')]);
      const body = Buffer.concat([
        hex('000a000a0009'),
        Buffer.from([0, 0, 0, table.length]),
        table,
        hex('0000000000000000'),
      ]);
      return Buffer.concat([hex('010000'), Buffer.from([0, 0, 0, body.length]), body, hex('ce')]);
    })(),
    want: {
      service: 'amqp',
      product: 'RabbitMQ',
      version: '3.12.1',
      banner: 'AMQP 0.0.9',
      encryption: 'none',
      by: 'amqp',
    },
  },
  {
    name: 'mqtt that lets strangers in',
    answer: hex('20020000'),
    want: {
      service: 'mqtt',
      banner: 'CONNACK 0, accepted without a name',
      encryption: 'none',
      unauthenticated: true,
      by: 'mqtt',
    },
  },
  {
    name: 'mqtt that does not',
    answer: hex('20020005'),
    want: {
      service: 'mqtt',
      banner: 'CONNACK 5, not authorised',
      encryption: 'none',
      unauthenticated: false,
      by: 'mqtt',
    },
  },
  {
    name: 'cassandra: SUPPORTED',
    answer: Buffer.concat([
      hex('8400000006 00000020'),
      Buffer.from('\0\x01\0\x0bCQL_VERSION\0\x01\0\x053.4.6\0\0\0\0\0\0\0'),
    ]),
    want: {
      service: 'cassandra-cql',
      product: 'Apache Cassandra',
      banner: 'CQL protocol v4',
      encryption: 'none',
      by: 'cassandra',
    },
  },
  {
    name: 'zookeeper',
    answer: Buffer.from(
      'Zookeeper version: 3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on 2022-02-25\nLatency min/avg/max: 0/0/0\n',
    ),
    want: {
      service: 'zookeeper',
      product: 'Apache ZooKeeper',
      version: '3.8.0',
      banner: 'Zookeeper version: 3.8.0-5a02a05eddb59aee6ac762f7ea82e92a68eb9c0f, built on 2022-02-25',
      encryption: 'none',
      unauthenticated: true,
      by: 'zookeeper',
    },
  },
  {
    name: 'rdp with its own security only',
    answer: hex('0300001307d0000000000003000800 02000000'),
    want: { service: 'ms-wbt-server', encryption: 'none', by: 'rdp' },
  },
  {
    name: 'rdp over TLS with CredSSP',
    answer: hex('030000130ed000001234000209080002000000'),
    want: { service: 'ms-wbt-server', banner: 'CredSSP over TLS', by: 'rdp' },
  },
  {
    name: 'smb 1',
    answer: Buffer.concat([hex('00000023'), Buffer.from('\xffSMB', 'latin1'), Buffer.alloc(40)]),
    want: { service: 'microsoft-ds', product: 'SMB', version: '1', banner: 'SMB 1', by: 'smb' },
  },
  {
    name: 'smb 2, signing required',
    answer: Buffer.concat([
      hex('00000080'),
      Buffer.from('\xfeSMB', 'latin1'),
      Buffer.alloc(60),
      hex('4100 0300 ff02'),
      Buffer.alloc(60),
    ]),
    want: { service: 'microsoft-ds', product: 'SMB', banner: 'SMB 2 or later, signing required', by: 'smb' },
  },
  {
    name: 'vnc without a password',
    answer: Buffer.concat([Buffer.from('RFB 003.008\n'), hex('020102')]),
    want: {
      service: 'rfb',
      product: 'VNC',
      banner: 'RFB 003.008',
      encryption: 'none',
      unauthenticated: true,
      by: 'vnc',
    },
  },
  {
    name: 'telnet',
    answer: Buffer.concat([hex('fffd18 fffd20 fffd23 fffd27'), Buffer.from('\r\nrouter login: ')]),
    want: { service: 'telnet', banner: 'router login:', encryption: 'none', by: 'telnet' },
  },
  {
    name: 'rsync',
    answer: Buffer.from('@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4\n'),
    want: { service: 'rsync', banner: '@RSYNCD: 31.0 sha512 sha256 sha1 md5 md4', encryption: 'none', by: 'rsync' },
  },
  {
    name: 'nats that asks for nothing',
    answer: Buffer.from('INFO {"server_id":"A","version":"2.10.4","max_payload":1048576}\r\n'),
    want: {
      service: 'nats',
      product: 'NATS',
      version: '2.10.4',
      banner: 'INFO {"server_id":"A","version":"2.10.4","max_payload":1048576}',
      encryption: 'none',
      unauthenticated: true,
      by: 'nats',
    },
  },
  {
    name: 'nats that insists on TLS',
    answer: Buffer.from('INFO {"version":"2.10.4","auth_required":true,"tls_required":true}\r\n'),
    want: {
      service: 'nats',
      product: 'NATS',
      version: '2.10.4',
      banner: 'INFO {"version":"2.10.4","auth_required":true,"tls_required":true}',
      unauthenticated: false,
      requiresTls: true,
      by: 'nats',
    },
  },
  {
    name: 'socks that asks for nothing',
    answer: hex('0500'),
    want: { service: 'socks', banner: 'SOCKS5', encryption: 'none', unauthenticated: true, by: 'socks' },
  },
  {
    name: 'x11 that refuses',
    answer: Buffer.concat([hex('00160b0000000600'), Buffer.from('No protocol specified\n\0\0')]),
    want: { service: 'x11', banner: 'No protocol specified', encryption: 'none', unauthenticated: false, by: 'x11' },
  },
  {
    name: 'rpcbind',
    answer: hex('80000018 51444f52 00000001 00000000 00000000 00000000 00000000'),
    want: { service: 'sunrpc', encryption: 'none', by: 'sunrpc' },
  },
  {
    name: 'ldap: the root DSE with a vendor',
    answer: (() => {
      const text = (value: string) => ber(4, Buffer.from(value));
      const attribute = (name: string, value: string) => ber(0x30, text(name), ber(0x31, text(value)));
      const entry = ber(
        0x30,
        berInteger(1),
        ber(0x64, text(''), ber(0x30, attribute('vendorName', '389 Project'), attribute('vendorVersion', '2.3.1'))),
      );
      return Buffer.concat([entry, ber(0x30, berInteger(1), ber(0x65, hex('0a0100'), ber(4), ber(4)))]);
    })(),
    want: { service: 'ldap', product: '389 Project', version: '2.3.1', by: 'ldap' },
  },
  {
    name: 'Oracle listener',
    answer: (() => {
      const text = Buffer.from('(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=1189))');
      const head = Buffer.alloc(12);
      head.writeUInt16BE(12 + text.length, 0);
      head[4] = 4;
      return Buffer.concat([head, text]);
    })(),
    want: {
      service: 'oracle',
      product: 'Oracle TNS listener',
      version: '19.0.0',
      banner: '(DESCRIPTION=(TMP=)(VSNNUM=318767104)(ERR=1189))',
      by: 'oracle',
    },
  },
  {
    name: 'elasticsearch that is open',
    answer: http(
      '200 OK',
      ['Content-Type: application/json'],
      '{"cluster_name":"logs","version":{"number":"8.11.0"},"tagline":"You Know, for Search"}',
    ),
    want: {
      service: 'elasticsearch',
      product: 'Elasticsearch',
      version: '8.11.0',
      banner: 'HTTP/1.1 200 OK',
      encryption: 'none',
      unauthenticated: true,
      by: 'elasticsearch',
    },
  },
  {
    name: 'elasticsearch with a password',
    answer: http('401 Unauthorized', ['WWW-Authenticate: Basic realm="security" charset="UTF-8"'], '{}'),
    want: {
      service: 'elasticsearch',
      product: 'Elasticsearch',
      banner: 'HTTP/1.1 401 Unauthorized',
      encryption: 'none',
      unauthenticated: false,
      by: 'elasticsearch',
    },
  },
  {
    name: 'etcd',
    answer: http('200 OK', [], '{"etcdserver":"3.5.9","etcdcluster":"3.5.0"}'),
    want: {
      service: 'etcd-client',
      product: 'etcd',
      version: '3.5.9',
      banner: 'HTTP/1.1 200 OK',
      encryption: 'none',
      by: 'etcd',
    },
  },
  {
    name: 'docker',
    answer: http(
      '200 OK',
      ['Server: Docker/24.0.7 (linux)'],
      '{"Version":"24.0.7","ApiVersion":"1.43","MinAPIVersion":"1.12"}',
    ),
    want: {
      service: 'docker',
      product: 'Docker Engine',
      version: '24.0.7',
      banner: 'HTTP/1.1 200 OK',
      encryption: 'none',
      unauthenticated: true,
      by: 'docker',
    },
  },
  {
    name: 'kubernetes',
    answer: http('200 OK', [], '{"major":"1","minor":"28","gitVersion":"v1.28.4"}'),
    want: {
      service: 'kube-apiserver',
      product: 'Kubernetes',
      version: '1.28.4',
      banner: 'HTTP/1.1 200 OK',
      encryption: 'none',
      by: 'kubernetes',
    },
  },
  {
    name: 'http that asks for a password',
    answer: http('401 Unauthorized', ['WWW-Authenticate: Basic realm="a"', 'Server: Apache/2.4.57 (Debian)']),
    want: {
      service: 'http',
      product: 'Apache',
      version: '2.4.57',
      banner: 'HTTP/1.1 401 Unauthorized',
      encryption: 'none',
      unauthenticated: false,
      by: 'http',
    },
  },
];

const firstToKnow = (answer: Buffer, isEnd: boolean): { probe: Probe; facts: AnswerFacts } | undefined => {
  for (const probe of probes) {
    const facts = readSafely(probe, answer, isEnd)?.facts;
    if (facts) return { probe, facts };
  }
  return undefined;
};

suite('what each answer shows', () => {
  for (const { name, answer, want } of answers)
    test(name, () => {
      const known = firstToKnow(answer, true);
      assert.deepEqual({ ...known?.facts, by: known?.probe.name }, want);
    });

  test('an answer that is cut shows nothing wrong: it is known in the same way, or not yet', () => {
    for (const { name, answer, want } of answers)
      for (let length = 0; length < answer.length; length++) {
        const known = firstToKnow(answer.subarray(0, length), false);
        if (known) assert.equal(known.probe.name, want.by, `${name}, ${length} bytes`);
      }
  });
});

test('whatever comes, a probe says facts that are bounded and clean, or nothing', () => {
  const starts = answers.map((a) => a.answer);
  const noise = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
  const damaged = fc
    .tuple(fc.constantFrom(...starts), fc.nat(400), fc.uint8Array({ maxLength: 20 }))
    .map(([answer, at, bytes]) => Buffer.concat([answer.subarray(0, at), bytes, answer.subarray(at + bytes.length)]));
  fc.assert(
    fc.property(fc.oneof(noise, damaged), fc.boolean(), (answer, isEnd) => {
      for (const probe of probes) {
        const facts = readSafely(probe, answer, isEnd)?.facts ?? {};
        for (const value of Object.values(facts)) {
          if (typeof value !== 'string') continue;
          assert.ok(value.length <= 256, `${probe.name}: ${value.length} characters`);
          assert.doesNotMatch(value, /\p{Cc}/u, probe.name);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
