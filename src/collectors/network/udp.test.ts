import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { AnswerFacts } from '../../model/answer.ts';
import { ber, berInteger } from './ber.ts';
import { scanUdp } from './udp.ts';
import { udpProbes } from './udp-probes/index.ts';

const NOT_PROBES = ['dns-message', 'index', 'udp-probe'];

test('the list holds every probe of the folder, once, and no port twice', () => {
  const files = readdirSync(join(import.meta.dirname, 'udp-probes'))
    .map((f) => f.replace(/\.ts$/, ''))
    .filter((f) => !NOT_PROBES.includes(f));
  assert.deepEqual(udpProbes.map((p) => p.name).sort(), files.sort());
  const ports = udpProbes.flatMap((p) => p.ports);
  assert.equal(new Set(ports).size, ports.length);
});

/** A UDP server on a free port of an address of loopback. */
async function serve(
  onMessage: (message: Buffer, from: RemoteInfo, socket: Socket) => void,
  address = '127.0.0.1',
  port = 0,
) {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => onMessage(message, from, socket));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, resolve);
  });
  return { port: socket.address().port, close: () => socket.close() };
}

const quick = { timeoutMs: 150, tries: 2 };

suite('scanUdp', () => {
  test('open, closed and silent are kept apart', async () => {
    const open = await serve((_, from, socket) => socket.send('hello', from.port, from.address));
    const silent = await serve(() => {});
    const gone = await serve(() => {});
    gone.close();
    const ports = [open.port, silent.port, gone.port];
    const result = await scanUdp('127.0.0.1', ports, quick);
    assert.deepEqual(result, { open: [{ port: open.port }], closed: [gone.port], openFiltered: [silent.port] });
    open.close();
    silent.close();
  });

  test('an answer from another address of the host counts only if it is an answer to the question', async (t) => {
    // Answers to what arrives at 127.0.0.1 come from 127.0.0.2, as those of a server with several addresses may.
    const port = 5060;
    const other = await serve(() => {}, '127.0.0.2', port).catch(() => null);
    if (!other) return t.skip(`port ${port} is taken, or 127.0.0.2 is no address here`);
    other.close();
    const reply = createSocket('udp4');
    await new Promise<void>((resolve) => reply.bind(port, '127.0.0.2', resolve));
    let isSip = true;
    const server = await serve(
      (message, from) => {
        const id = /tag=(\w+)/.exec(message.toString())?.[1];
        const text = isSip ? `SIP/2.0 200 OK\r\nServer: Asterisk\r\nCall-ID: ${id}\r\n\r\n` : 'something else';
        reply.send(text, from.port, from.address);
      },
      '127.0.0.1',
      port,
    );
    const result = await scanUdp('127.0.0.1', [port], quick);
    assert.deepEqual(result.open, [
      {
        port,
        answer: { service: 'sip', product: 'Asterisk', banner: 'SIP/2.0 200 OK', encryption: 'none', by: 'sip' },
      },
    ]);
    isSip = false;
    assert.deepEqual((await scanUdp('127.0.0.1', [port], quick)).openFiltered, [port]);
    server.close();
    reply.close();
  });

  test('the rate limit is asked before each packet', async () => {
    let received = 0;
    let asked = 0;
    const silent = await serve(() => received++);
    await scanUdp('127.0.0.1', [silent.port], { ...quick, tries: 3, onPacket: async () => void asked++ });
    assert.deepEqual([asked, received], [3, 3]);
    silent.close();
  });

  test('what was not asked when it was called off is in no list', async () => {
    const controller = new AbortController();
    controller.abort();
    const result = await scanUdp('127.0.0.1', [1, 2, 3], { ...quick, signal: controller.signal });
    assert.deepEqual(result, { open: [], closed: [], openFiltered: [] });
  });
});

const nonce = Buffer.from(Array.from({ length: 32 }, (_, i) => i + 1));
const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const snmpId = nonce.readUInt32BE(0) >>> 2;

/** Answers as the documents of each protocol have them, to a request with this nonce. */
const answers: readonly { readonly probe: string; readonly answer: Buffer; readonly want: AnswerFacts }[] = [
  {
    probe: 'dns',
    answer: Buffer.concat([
      hex('0102 8580 0001 0001 0000 0000'),
      Buffer.from('\x07version\x04bind\0'),
      hex('0010 0003 c00c 0010 0003 00000000 0008 07'),
      Buffer.from('9.18.19'),
    ]),
    want: { service: 'domain', banner: '9.18.19', encryption: 'none' },
  },
  { probe: 'dns', answer: hex('0102 8105 0000 0000 0000 0000'), want: { service: 'domain', encryption: 'none' } },
  {
    probe: 'ntp',
    answer: Buffer.concat([
      hex('24 01 00 e9'),
      Buffer.alloc(8),
      Buffer.from('GPS\0'),
      Buffer.alloc(8),
      nonce.subarray(0, 8),
      Buffer.alloc(16),
    ]),
    want: { service: 'ntp', banner: 'NTPv4, stratum 1 (GPS)', encryption: 'none' },
  },
  {
    probe: 'snmp',
    answer: ber(
      0x30,
      berInteger(1),
      ber(4, Buffer.from('public')),
      ber(
        0xa2,
        berInteger(snmpId),
        berInteger(0),
        berInteger(0),
        ber(0x30, ber(0x30, ber(6, hex('2b060102010101 00')), ber(4, Buffer.from('Linux sw-1')))),
      ),
    ),
    want: { service: 'snmp', banner: 'Linux sw-1', encryption: 'none', unauthenticated: true },
  },
  {
    probe: 'snmp',
    answer: ber(
      0x30,
      berInteger(3),
      ber(0x30, berInteger(snmpId), berInteger(65507), ber(4, Buffer.from([0])), berInteger(3)),
      ber(4),
      ber(0x30, ber(4), ber(4), ber(0xa8, berInteger(snmpId), berInteger(0), berInteger(0), ber(0x30))),
    ),
    want: { service: 'snmp', version: '3' },
  },
  {
    probe: 'tftp',
    answer: Buffer.from('\0\x05\0\x01File not found\0'),
    want: { service: 'tftp', banner: 'File not found', encryption: 'none', unauthenticated: true },
  },
  {
    probe: 'ike',
    answer: Buffer.concat([
      nonce.subarray(0, 8),
      Buffer.alloc(8),
      hex('29 20 22 20 00000000 00000024'),
      hex('00000008 0000000e'),
    ]),
    want: { service: 'isakmp', version: '2', banner: 'IKEv2' },
  },
  { probe: 'radius', answer: Buffer.concat([hex('02 01 0014'), Buffer.alloc(16)]), want: { service: 'radius' } },
  {
    probe: 'memcached',
    answer: Buffer.concat([nonce.subarray(0, 2), hex('0000 0001 0000'), Buffer.from('VERSION 1.5.6\r\n')]),
    want: { service: 'memcache', product: 'memcached', version: '1.5.6', encryption: 'none', unauthenticated: true },
  },
  {
    probe: 'sunrpc',
    answer: hex('51444f52 00000001 00000000 00000000 00000000 00000000'),
    want: { service: 'sunrpc', encryption: 'none' },
  },
  {
    probe: 'quic',
    answer: Buffer.concat([
      hex('c0 00000000 08'),
      nonce.subarray(8, 16),
      hex('08'),
      nonce.subarray(0, 8),
      hex('00000001'),
    ]),
    want: { service: 'quic', encryption: 'tls' },
  },
  {
    probe: 'stun',
    answer: Buffer.concat([hex('0101 0000 2112a442'), nonce.subarray(0, 12)]),
    want: { service: 'stun', encryption: 'none' },
  },
  {
    probe: 'ipmi',
    answer: hex('0600ff07 00 00000000 00000000 10 81 1c 63 20 04 38 00 01 80 14 02 000000 00 9f'),
    want: { service: 'asf-rmcp', product: 'IPMI', version: '2.0' },
  },
];

suite('what an answer over UDP shows', () => {
  for (const { probe, answer, want } of answers)
    test(`${probe}: ${JSON.stringify(want)}`, () => {
      const reading = udpProbes.find((p) => p.name === probe)?.read(answer, nonce);
      assert.deepEqual(reading?.facts, want);
    });

  test('an answer to somebody else is none, where the protocol repeats anything of the request', () => {
    const strange = Buffer.alloc(32, 0xee);
    const tells = ['dns', 'ntp', 'snmp', 'ike', 'radius', 'memcached', 'quic', 'stun'];
    for (const { probe, answer } of answers.filter((a) => tells.includes(a.probe)))
      assert.equal(udpProbes.find((p) => p.name === probe)?.read(answer, strange) ?? null, null, probe);
  });

  test('requests are small, so that nobody is flooded in our name', () => {
    for (const { name, requests } of udpProbes)
      for (const request of requests(nonce)) assert.ok(request.length <= 1200, `${name}: ${request.length} bytes`);
  });

  test('whatever comes, only reading past the end is thrown, and facts are clean', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...answers.map((a) => a.answer)), fc.nat(100), fc.uint8Array({ maxLength: 20 }))
      .map(([answer, at, bytes]) => Buffer.concat([answer.subarray(0, at), bytes, answer.subarray(at + bytes.length)]));
    const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(noise, damaged), (answer) => {
        for (const probe of udpProbes)
          try {
            const banner = probe.read(answer, nonce)?.facts.banner ?? '';
            assert.ok(banner.length <= 256);
            assert.doesNotMatch(banner, /\p{Cc}/u);
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
          }
      }),
      { numRuns: 2000 },
    );
  });
});
