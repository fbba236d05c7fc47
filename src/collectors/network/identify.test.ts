import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, suite, test } from 'node:test';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import fc from 'fast-check';
import { makeCertificate } from '../../../test/certificate-fixture.ts';
import { ber, berInteger } from './ber.ts';
import { type IdentifyOptions, identify, MAX_CONNECTIONS } from './identify.ts';

const certificate = makeCertificate();
const open: Server[] = [];
after(() => {
  for (const server of open) server.close();
});

/** Starts a server on a free port of loopback; connections are cut when the other side goes. */
async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function serve(onSocket: (socket: Socket) => void): Promise<number> {
  return listen(
    createServer((socket) => {
      socket.on('error', () => {});
      onSocket(socket);
    }),
  );
}

function serveTls(options: TlsOptions, onSocket: (socket: Socket) => void = () => {}): Promise<number> {
  const server = createTlsServer({ ...certificate, ...options }, (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  return listen(server);
}

/** How what is sent begins (or what it matches), the answer, and whether TLS begins behind it. */
type Reply = readonly [string | RegExp, string | Buffer, 'TLS'?];

/** Answers each piece that comes by a table. */
function converse(greeting: string | Buffer, replies: readonly Reply[]) {
  return (socket: Socket) => {
    if (greeting.length > 0) socket.write(greeting);
    const onData = (data: Buffer) => {
      const text = data.toString('latin1');
      const reply = replies.find(([p]) => (typeof p === 'string' ? text.startsWith(p) : p.test(text)));
      if (!reply) return;
      if (reply[1].length > 0) socket.write(reply[1]);
      if (reply[2] !== 'TLS') return;
      socket.removeListener('data', onData);
      // A ClientHello that came with the request (MySQL's has no answer) is the handshake's.
      const hello = typeof reply[0] === 'string' ? data.subarray(data.readUIntLE(0, 3) + 4) : Buffer.alloc(0);
      socket.pause();
      if (reply[1].length === 0 && hello.length > 0) socket.unshift(hello);
      const secure = new TLSSocket(socket, { isServer: true, ...certificate, minVersion: 'TLSv1.2' });
      secure.on('error', () => {});
    };
    socket.on('data', onData);
  };
}

const look = (port: number, more: Partial<IdentifyOptions> = {}) =>
  identify('127.0.0.1', port, { timeoutMs: 3_000, ...more });

suite('identify: what is said in clear', () => {
  test('a banner says what it is, and the talk ends there', async () => {
    const port = await serve((socket) => socket.write('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'));
    assert.deepEqual(await look(port), {
      service: 'ssh',
      product: 'OpenSSH',
      version: '9.2p1',
      banner: 'SSH-2.0-OpenSSH_9.2p1 Debian-2',
      encryption: 'ssh',
      by: 'ssh',
    });
  });

  test('a banner that nobody knows is kept, without what a terminal would obey', async () => {
    const port = await serve((socket) => socket.write('\x1b[2Jhello \x07you\u202e\r\nmore\r\n'));
    assert.deepEqual(await look(port), { banner: 'hello you' });
  });

  test('a service that says nothing is nothing that is known', async () => {
    const port = await serve(() => {});
    assert.equal(await look(port, { timeoutMs: 900 }), null);
  });

  test('a port where nobody listens is nothing that is known', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await look(port), null);
  });

  test('a web server in clear', async () => {
    const port = await serve(
      converse('', [
        [/^GET \/ HTTP/, 'HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Length: 20\r\n\r\n<title>Shop</title>\n'],
      ]),
    );
    const answer = await look(port);
    assert.deepEqual(
      [answer?.service, answer?.product, answer?.version, answer?.encryption, answer?.banner],
      ['http', 'nginx', '1.22.1', 'none', 'HTTP/1.1 200 OK; Shop'],
    );
  });

  test('the name that was asked for goes into the request', async () => {
    let asked = '';
    const port = await serve((socket) => socket.on('data', (data) => (asked += data)));
    await look(port, { serverName: 'shop.example.org', timeoutMs: 600 });
    assert.match(asked, /Host: shop\.example\.org:/);
  });
});

suite('identify: TLS from the first byte', () => {
  const reply = 'HTTP/1.1 200 OK\r\nServer: Caddy\r\nContent-Length: 0\r\n\r\n';

  test('certificate, versions, and what is spoken inside', async () => {
    const port = await serveTls({ minVersion: 'TLSv1.2' }, converse('', [[/^GET/, reply]]));
    const answer = await look(port);
    assert.equal(answer?.service, 'http');
    assert.equal(answer?.product, 'Caddy');
    assert.equal(answer?.encryption, 'tls');
    const { tls } = answer ?? {};
    assert.equal(tls?.protocol, 'TLSv1.3');
    assert.equal(tls?.subject, 'CN=test.example.org, O=Example');
    assert.deepEqual(tls?.names, ['127.0.0.1', 'test.example.org']);
    assert.equal(tls?.selfSigned, true);
    assert.equal(tls?.key, 'RSA 2048');
    assert.match(tls?.fingerprint ?? '', /^[0-9a-f]{64}$/);
    assert.equal(tls?.accepts, undefined);
  });

  test('dates that are over are read as they are', async () => {
    const from = Date.UTC(2020, 0, 1);
    const to = Date.UTC(2021, 5, 30, 12);
    const port = await serveTls({
      ...makeCertificate({ from, to, bits: 1024, name: 'old.example.org' }),
      ciphers: 'ALL:@SECLEVEL=0',
    });
    const { tls } = (await look(port, { timeoutMs: 1_500 })) ?? {};
    assert.deepEqual([tls?.notBefore, tls?.notAfter, tls?.key], [from, to, 'RSA 1024']);
  });

  test('older versions that it agrees to are named', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.2', ciphers: 'ALL:@SECLEVEL=0' } as const;
    const { tls } = (await look(await serveTls(old))) ?? {};
    assert.deepEqual([tls?.protocol, tls?.accepts], ['TLSv1.2', ['TLSv1', 'TLSv1.1']]);
    const oldest = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    const only = (await look(await serveTls(oldest))) ?? {};
    assert.deepEqual([only.tls?.protocol, only.tls?.accepts], ['TLSv1', undefined]);
  });

  test('a server that asks for a certificate of ours shows its own all the same', async () => {
    const port = await serveTls({ requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' });
    const answer = await look(port);
    assert.equal(answer?.encryption, 'tls');
    assert.deepEqual([answer?.tls?.protocol, answer?.tls?.subject], ['TLSv1.2', 'CN=test.example.org, O=Example']);
  });

  test('a server that speaks HTTP/2 alone', async () => {
    const port = await serveTls({ ALPNProtocols: ['h2'] });
    const answer = await look(port);
    assert.deepEqual([answer?.service, answer?.tls?.alpn, answer?.encryption], ['http', 'h2', 'tls']);
  });

  test('an error page in clear of a TLS port is not taken for a service in clear', async () => {
    const inner = await serveTls({}, converse('', [[/^GET/, reply]]));
    const { connect } = await import('node:net');
    // As nginx does: a request in clear is answered in clear, a ClientHello by TLS.
    const port = await serve((socket) =>
      socket.once('data', (data) => {
        if (data[0] !== 22) socket.end('HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n');
        else {
          const through = connect(inner, '127.0.0.1').on('error', () => {});
          through.write(data);
          socket.pipe(through).pipe(socket);
        }
      }),
    );
    const answer = await look(port);
    assert.deepEqual([answer?.encryption, answer?.product], ['tls', 'Caddy']);
  });

  test('an error page in clear of a port that has no TLS is one', async () => {
    const port = await serve(converse('', [[/^GET/, 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n']]));
    assert.equal((await look(port))?.encryption, 'none');
  });
});

suite('identify: TLS in the midst of the talk', () => {
  const ldapResult = (id: number, tag: number) =>
    ber(0x30, berInteger(id), ber(tag, Buffer.from([0x0a, 1, 0]), ber(4), ber(4)));
  const mysqlGreeting = (capabilities: number) => {
    const body = Buffer.concat([
      Buffer.from('\n8.0.36\0', 'latin1'),
      Buffer.alloc(13, 1),
      Buffer.from([capabilities & 255, capabilities >> 8, 45, 2, 0, 0, 0, 21]),
      Buffer.alloc(24, 1),
    ]);
    return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]);
  };
  const cases: readonly {
    readonly name: string;
    readonly service: string;
    readonly greeting: string | Buffer;
    readonly replies: readonly Reply[];
    readonly port?: number;
    readonly want: 'starttls' | 'none';
  }[] = [
    {
      name: 'SMTP that offers it',
      service: 'smtp',
      greeting: '220 mail.example.org ESMTP Postfix\r\n',
      replies: [
        [/^EHLO/, '250-mail.example.org\r\n250-SIZE 1000\r\n250 STARTTLS\r\n'],
        [/^STARTTLS/, '220 go ahead\r\n', 'TLS'],
      ],
      want: 'starttls',
    },
    {
      name: 'SMTP that does not',
      service: 'smtp',
      greeting: '220 mail.example.org ESMTP Exim 4.96\r\n',
      replies: [[/^EHLO/, '250-mail.example.org\r\n250 SIZE 1000\r\n']],
      want: 'none',
    },
    {
      name: 'IMAP that offers it',
      service: 'imap',
      greeting: '* OK Dovecot ready.\r\n',
      replies: [
        [/^q1 CAPABILITY/, '* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\nq1 OK done\r\n'],
        [/^q2 STARTTLS/, 'q2 OK begin\r\n', 'TLS'],
      ],
      want: 'starttls',
    },
    {
      name: 'POP3 that offers it',
      service: 'pop3',
      greeting: '+OK Dovecot ready.\r\n',
      replies: [
        [/^CAPA/, '+OK\r\nUSER\r\nSTLS\r\n.\r\n'],
        [/^STLS/, '+OK begin\r\n', 'TLS'],
      ],
      want: 'starttls',
    },
    {
      name: 'FTP that refuses it',
      service: 'ftp',
      greeting: '220 (vsFTPd 3.0.3)\r\n',
      replies: [[/^AUTH TLS/, '530 Please login with USER and PASS.\r\n']],
      want: 'none',
    },
    {
      name: 'FTP that offers it',
      service: 'ftp',
      greeting: '220 ProFTPD Server ready.\r\n',
      replies: [[/^AUTH TLS/, '234 AUTH TLS successful\r\n', 'TLS']],
      want: 'starttls',
    },
    {
      name: 'MySQL that offers it',
      service: 'mysql',
      greeting: mysqlGreeting(0xffff),
      replies: [['\x20\0\0\x01', '', 'TLS']],
      want: 'starttls',
    },
    { name: 'MySQL that does not', service: 'mysql', greeting: mysqlGreeting(0xf7ff), replies: [], want: 'none' },
    {
      name: 'PostgreSQL that offers it',
      service: 'postgresql',
      greeting: '',
      replies: [['\0\0\0\x08\x04\xd2\x16\x2f', 'S', 'TLS']],
      want: 'starttls',
    },
    {
      name: 'PostgreSQL that does not',
      service: 'postgresql',
      greeting: '',
      replies: [
        ['\0\0\0\x08\x04\xd2\x16\x2f', 'N'],
        ['\0\0\0\x09\0\0\0\0\0', `E\0\0\0\x29SFATAL\0C0A000\0Munsupported protocol\0\0`],
      ],
      want: 'none',
    },
  ];
  for (const { name, service, greeting, replies, want } of cases)
    test(name, async () => {
      const answer = await look(await serve(converse(greeting, replies)));
      assert.equal(answer?.service, service);
      assert.equal(answer?.encryption, want);
      assert.equal(answer?.tls?.subject, want === 'starttls' ? 'CN=test.example.org, O=Example' : undefined);
    });

  test('IMAP says itself that it wants TLS before a password', async () => {
    const [, , imap] = cases;
    const answer = await look(await serve(converse(imap?.greeting ?? '', imap?.replies ?? [])));
    assert.equal(answer?.requiresTls, true);
  });

  test('LDAP, asked on its own port', async (t) => {
    const server = createServer(
      converse('', [
        [/objectClass/, ldapResult(1, 0x65)],
        [/1\.3\.6\.1\.4\.1\.1466\.20037/, ldapResult(2, 0x78), 'TLS'],
      ]),
    );
    open.push(server);
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(10_389, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) return t.skip('port 10389 is taken');
    const answer = await look(10_389);
    assert.deepEqual([answer?.service, answer?.encryption, answer?.by], ['ldap', 'starttls', 'ldap']);
    assert.equal(answer?.tls?.subject, 'CN=test.example.org, O=Example');
  });
});

suite('identify: bounds', () => {
  test('whatever a server says, it returns in time and makes few connections', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.boolean(),
        async (greeting, reply, ends) => {
          let connections = 0;
          const port = await serve((socket) => {
            connections++;
            socket.write(greeting);
            socket.on('data', () => (ends ? socket.end(reply) : socket.write(reply)));
          });
          const begun = performance.now();
          const answer = await look(port, { timeoutMs: 250 });
          assert.ok(performance.now() - begun < 2_500, 'in time, with room for a busy machine');
          assert.ok(connections <= MAX_CONNECTIONS, `${connections} connections`);
          assert.ok((answer?.banner ?? '').length <= 256);
          assert.doesNotMatch(answer?.banner ?? '', /[\p{Cc}\p{Cf}]/u);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('a server that never stops talking is not listened to for ever', async () => {
    const chunk = Buffer.alloc(65_536, 'x');
    const port = await serve((socket) => {
      const pour = () => {
        if (socket.writable && socket.write(chunk)) setImmediate(pour);
        else socket.once('drain', pour);
      };
      pour();
    });
    const answer = await look(port, { timeoutMs: 1_000 });
    assert.equal(answer?.banner?.length, 256);
  });

  test('it ends when it is called off', async () => {
    const port = await serve(() => {});
    const controller = new AbortController();
    const looking = look(port, { timeoutMs: 60_000, signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    assert.equal(await looking, null);
  });
});
