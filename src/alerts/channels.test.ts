import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { makeCertificate } from '../../test/certificate-fixture.ts';
import { type AlertMessage, DeliveryError } from './channel.ts';
import { type AnyChannel, channels } from './index.ts';
import { headline } from './message-text.ts';
import { sampleDelivery, sampleIncident, sampleMessage } from './sample-message.ts';
import { syslogMessages } from './syslog-text.ts';
import { signatureOf } from './webhook.ts';

const certificate = makeCertificate({ name: 'localhost' });
const SECRETS = { 'env:KEY': 'key of the hook\n', 'env:PASSWORD': 'of the mail' };

function channel(kind: string): AnyChannel {
  const found = channels.find((one) => one.kind === kind);
  assert.ok(found);
  return found;
}

function settings(kind: string, raw: unknown): unknown {
  const read = channel(kind).read(raw);
  assert.ok('settings' in read, JSON.stringify(read));
  return read.settings;
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'quietdoor-alerts-'));
  writeFileSync(join(path, 'ca.pem'), certificate.cert);
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

interface Post {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server that answers every post with one status and keeps what it got. */
async function receiver(
  t: TestContext,
  status: number,
  tls = false,
  answer = '',
): Promise<{ url: string; posts: Post[] }> {
  const posts: Post[] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      posts.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end(answer);
    });
  };
  const server = tls ? createHttps({ cert: certificate.cert, key: certificate.key }, listener) : createHttp(listener);
  const port = await listen(t, server);
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/hook/secret-part?x=secret`, posts };
}

function send(
  kind: string,
  raw: unknown,
  path: string,
  message: AlertMessage = sampleMessage(),
  more: { secrets?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<void> {
  return channel(kind).send(
    message,
    settings(kind, raw),
    sampleDelivery(path, { ...SECRETS, ...more.secrets }, more.signal),
  );
}

/** What a delivery failed with; never a secret. */
async function failure(delivery: Promise<void>): Promise<{ text: string; retry: boolean }> {
  const error = await delivery.then(
    () => assert.fail('it was delivered'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeliveryError, String(error));
  assert.doesNotMatch(error.message, /secret|key of the hook|of the mail/);
  return { text: error.message, retry: error.retry };
}

test('webhook: JSON, signed, over http and https', async (t) => {
  const path = folder(t);
  for (const tls of [false, true]) {
    const { url, posts } = await receiver(t, 200, tls);
    await send('webhook', { url, secret: 'env:KEY', ca: 'ca.pem' }, path);
    const [post] = posts;
    assert.ok(post);
    const signature = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(post.headers['quietdoor-signature']));
    assert.ok(signature);
    assert.equal(signature[2], signatureOf('key of the hook', Number(signature[1]), post.body));
    assert.equal(JSON.parse(post.body).incidents[0].id, 'Q-7K3M2');
    assert.equal(post.headers['quietdoor-message'], sampleMessage().id);
  }
});

test('webhook: one document per incident in OCSF and ECS', async (t) => {
  const { url, posts } = await receiver(t, 204);
  const two = sampleMessage({ kind: 'digest', incidents: [sampleIncident(), sampleIncident({ id: 'Q-2' })] });
  await send('webhook', { url, payload: 'ocsf' }, folder(t), two);
  await send('webhook', { url, payload: 'ecs' }, folder(t));
  assert.deepEqual(
    JSON.parse(posts[0]?.body ?? '').map((one: { finding_info: { uid: string } }) => one.finding_info.uid),
    ['Q-7K3M2', 'Q-2'],
  );
  assert.equal(JSON.parse(posts[1]?.body ?? '').event.kind, 'alert');
});

for (const [status, retry] of [
  [302, false],
  [400, false],
  [401, false],
  [404, false],
  [408, true],
  [410, false],
  [429, true],
  [500, true],
  [503, true],
] as const)
  test(`webhook: HTTP ${status} is ${retry ? 'tried again' : 'final'}`, async (t) => {
    const { url } = await receiver(t, status, false, 'secret '.repeat(10_000));
    const { text, retry: again } = await failure(send('webhook', { url }, folder(t)));
    assert.match(text, new RegExp(`answered HTTP ${status}`));
    assert.equal(again, retry);
  });

test('webhook: a receiver that hangs, is gone, or is not the one it says', async (t) => {
  const path = folder(t);
  const silent = createTcp((socket) => socket.on('error', () => undefined));
  const port = await listen(t, silent);
  const soon = AbortSignal.timeout(200);
  assert.deepEqual(
    await failure(send('webhook', { url: `http://127.0.0.1:${port}/` }, path, undefined, { signal: soon })),
    {
      text: `127.0.0.1:${port} did not answer in time`,
      retry: true,
    },
  );
  assert.equal((await failure(send('webhook', { url: 'http://127.0.0.1:1/' }, path))).retry, true);
  const { url } = await receiver(t, 200, true);
  assert.match((await failure(send('webhook', { url }, path))).text, /DEPTH_ZERO_SELF_SIGNED_CERT/);
  assert.deepEqual(await failure(send('webhook', { url: 'http://hooks.example.org/secret' }, path)), {
    text: 'hooks.example.org would be sent clear text; use https, or set plaintext: true where the network is trusted',
    retry: false,
  });
});

test('webhook: an answer that never ends is not read to its end', async (t) => {
  const server = createHttp((request, response) => {
    request.resume();
    response.writeHead(200);
    const more = setInterval(() => response.write('x'.repeat(4_096)), 1);
    response.on('close', () => clearInterval(more));
  });
  const port = await listen(t, server);
  await send('webhook', { url: `http://127.0.0.1:${port}/` }, folder(t));
});

test('the first line says where it is, also where the title does not', () => {
  const line = (title: string) => headline(sampleMessage({ incidents: [sampleIncident({ title })] }));
  assert.equal(line('10.20.77.9 connected 300 times'), '[high] db-1:5432/tcp: 10.20.77.9 connected 300 times');
  assert.equal(line('db-1 tcp/5432: 300 connections'), '[high] db-1 tcp/5432: 300 connections');
});

test('slack: blocks within the bounds, nothing in them is a mention', async (t) => {
  const { url, posts } = await receiver(t, 200, false, 'ok');
  const hostile = sampleMessage({
    kind: 'digest',
    incidents: Array.from({ length: 40 }, () =>
      sampleIncident({ title: '<!channel> `code` & more '.repeat(300), severityReasons: ['<@U123>'] }),
    ),
  });
  const mention = sampleMessage({ incidents: [sampleIncident({ title: '@channel @here see [x](http://evil)' })] });
  for (const message of [sampleMessage(), hostile, sampleMessage({ kind: 'test', incidents: [] }), mention])
    await send('slack', { url: 'env:URL' }, folder(t), message, { secrets: { 'env:URL': `${url}\n` } });
  for (const { body } of posts) {
    const { text, blocks } = JSON.parse(body) as { text: string; blocks: { text: { text: string } }[] };
    assert.ok(text.length > 0 && blocks.length <= 50);
    // Mattermost and Rocket.Chat show the text alone, as Markdown.
    assert.doesNotMatch(text, /@(channel|here|all)|\]\(/);
    for (const block of blocks) assert.ok(block.text.text.length <= 3_000 && block.text.text.length > 0);
    assert.doesNotMatch(JSON.stringify(blocks.slice(1)), /<[!@#]/);
  }
  assert.match(posts[1]?.body ?? '', /more: /);
});

test('teams: one adaptive card, never above the size that Teams takes', async (t) => {
  const { url, posts } = await receiver(t, 202);
  const huge = sampleMessage({
    kind: 'digest',
    incidents: Array.from({ length: 50 }, () => sampleIncident({ title: '[x](http://evil) *b* '.repeat(100) })),
  });
  for (const message of [sampleMessage(), huge, sampleMessage({ kind: 'test', incidents: [] })])
    await send('teams', { url: 'env:URL' }, folder(t), message, { secrets: { 'env:URL': url } });
  for (const { body } of posts) {
    assert.ok(Buffer.byteLength(body) < 28_000);
    const { type, attachments } = JSON.parse(body);
    assert.equal(type, 'message');
    assert.equal(attachments[0].content.type, 'AdaptiveCard');
  }
  assert.doesNotMatch(posts[1]?.body ?? '', /[^\\]\[x/);
});

/** An SMTP server with a policy, and the mails that it took. */
async function mailServer(
  t: TestContext,
  options: SMTPServerOptions,
): Promise<{ port: number; mails: string[]; to: string[] }> {
  const mails: string[] = [];
  const to: string[] = [];
  const server = new SMTPServer({
    cert: certificate.cert,
    key: certificate.key,
    logger: false,
    onRcptTo: (address, _session, done) => {
      if (address.address.startsWith('nobody@'))
        return done(Object.assign(new Error('no such mailbox, secret'), { responseCode: 550 }));
      to.push(address.address);
      done();
    },
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString());
        done();
      });
    },
    ...options,
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  return { port: (server.server.address() as AddressInfo).port, mails, to };
}

const onAuth: SMTPServerOptions['onAuth'] = (auth, _session, done) =>
  auth.username === 'quietdoor' && auth.password === 'of the mail'
    ? done(null, { user: 'quietdoor' })
    : done(new Error('wrong, secret'));

test('smtp: a mail over STARTTLS and TLS, with a password, to who is named', async (t) => {
  const path = folder(t);
  for (const tls of ['starttls', 'implicit'] as const) {
    const { port, mails, to } = await mailServer(t, { secure: tls === 'implicit', onAuth });
    const raw = {
      host: '127.0.0.1',
      port,
      tls,
      ca: 'ca.pem',
      user: 'quietdoor',
      password: 'env:PASSWORD',
      from: 'quietdoor@example.org',
      to: ['soc@example.org'],
    };
    await send('smtp', raw, path, sampleMessage({ recipients: ['orders@example.org', 'soc@example.org'] }));
    assert.deepEqual(to, ['orders@example.org', 'soc@example.org']);
    const [mail] = mails;
    assert.match(mail ?? '', /^Subject: \[high\] 10\.20\.77\.9 connects to db-1/m);
    assert.match(mail ?? '', /^Message-ID: <01936f2e-7b1a-7c3d-9e4f-0123456789ab@example\.org>/im);
    assert.match(mail ?? '', /^Auto-Submitted: auto-generated/m);
    assert.match(mail ?? '', /quietdoor explain db-1:5432\/tcp/);
  }
});

test('smtp: a title cannot add headers', async (t) => {
  const { port, mails } = await mailServer(t, { disabledCommands: ['STARTTLS'], authOptional: true });
  const message = sampleMessage({ incidents: [sampleIncident({ title: 'a\r\nBcc: evil@example.org\r\n\r\nbody ü' })] });
  await send(
    'smtp',
    { host: '127.0.0.1', port, tls: 'none', from: 'q@example.org', to: ['a@example.org'] },
    folder(t),
    message,
  );
  assert.doesNotMatch(mails[0] ?? '', /^Bcc/im);
});

test('smtp: what is final and what is tried again', async (t) => {
  const path = folder(t);
  const open: SMTPServerOptions = { disabledCommands: ['STARTTLS'], authOptional: true };
  const raw = { host: '127.0.0.1', tls: 'none', from: 'q@example.org', to: ['a@example.org'] };
  const busy = await mailServer(t, {
    ...open,
    onMailFrom: (_address, _session, done) => done(Object.assign(new Error('later'), { responseCode: 451 })),
  });
  assert.deepEqual(await failure(send('smtp', { ...raw, port: busy.port }, path)), {
    text: '127.0.0.1 answered SMTP 451',
    retry: true,
  });
  const plain = await mailServer(t, open);
  assert.equal(
    (await failure(send('smtp', { ...raw, port: plain.port, to: ['nobody@example.org'] }, path))).retry,
    false,
  );
  // Who demands TLS never falls back to clear text.
  const demanded = await failure(send('smtp', { ...raw, port: plain.port, tls: 'starttls' }, path));
  assert.equal(plain.mails.length, 0, demanded.text);
  const strict = await mailServer(t, { secure: true, onAuth });
  const login = { ...raw, port: strict.port, tls: 'implicit', ca: 'ca.pem', user: 'quietdoor', password: 'env:WRONG' };
  assert.deepEqual(await failure(send('smtp', login, path, undefined, { secrets: { 'env:WRONG': 'of the mail!' } })), {
    text: '127.0.0.1 does not accept user and password',
    retry: false,
  });
  assert.deepEqual(await failure(send('smtp', { ...raw, to: [], port: plain.port }, path)), {
    text: 'there is nobody to send it to: the owner has no e-mail address and `to` is empty',
    retry: false,
  });
  const silent = await listen(
    t,
    createTcp((socket) => socket.on('error', () => undefined)),
  );
  const late = failure(send('smtp', { ...raw, port: silent }, path, undefined, { signal: AbortSignal.timeout(200) }));
  assert.deepEqual(await late, { text: '127.0.0.1 did not answer in time', retry: true });
});

/** RFC 5424, 6: header, structured data, message. */
const SYSLOG =
  /^<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) \[([!-~]{1,32}) ((?:[!-<>-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*" ?)+)\] \ufeff(.*)$/u;

test('syslog: what is sent is RFC 5424, whatever the names are', () => {
  const hostile = sampleMessage({
    workspace: 'a]"\\\n\u202eb',
    incidents: [sampleIncident({ owner: 'x"]\\', title: 'line\nbreak', severity: 'critical' }), sampleIncident()],
  });
  const texts = syslogMessages(hostile, 'höst name', 'local0');
  assert.equal(texts.length, 2);
  for (const text of texts) assert.match(text, SYSLOG);
  assert.equal(SYSLOG.exec(texts[0] as string)?.[1], String(16 * 8 + 2));
  assert.equal(SYSLOG.exec(texts[0] as string)?.[3], 'hstname');
  assert.match(texts[0] as string, /owner="x\\"\\\]\\\\"/);
  for (const text of syslogMessages(sampleMessage({ kind: 'test', incidents: [] }), '', 'audit'))
    assert.match(text, SYSLOG);
});

test('syslog: UDP, one datagram each, cut to what receivers take', async (t) => {
  const got: Buffer[] = [];
  const socket = createSocket('udp4', (message) => got.push(message));
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
  t.after(() => socket.close());
  const cause = sampleIncident().causes[0];
  assert.ok(cause);
  const long = sampleIncident({ causes: Array.from({ length: 5 }, () => ({ ...cause, message: 'ü'.repeat(1_000) })) });
  const raw = { host: '127.0.0.1', port: socket.address().port, transport: 'udp' };
  await send('syslog', raw, folder(t), sampleMessage({ incidents: [sampleIncident(), long] }));
  for (let i = 0; i < 100 && got.length < 2; i++) await new Promise((done) => setTimeout(done, 20));
  assert.equal(got.length, 2);
  for (const one of got) {
    assert.ok(one.length <= 2_048);
    assert.match(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(one), SYSLOG);
  }
});

test('syslog: TCP and TLS, framed by length; a receiver that resets is tried again', async (t) => {
  const path = folder(t);
  const message = sampleMessage({ incidents: [sampleIncident(), sampleIncident({ id: 'Q-2' })] });
  for (const transport of ['tcp', 'tls'] as const) {
    let got = '';
    const ended = Promise.withResolvers<void>();
    const take = (socket: import('node:net').Socket) => {
      socket.on('data', (chunk) => {
        got += chunk.toString('latin1');
      });
      socket.on('end', () => ended.resolve());
      socket.on('error', () => undefined);
    };
    const server =
      transport === 'tcp' ? createTcp(take) : createTls({ cert: certificate.cert, key: certificate.key }, take);
    const port = await listen(t, server);
    const raw = { host: '127.0.0.1', port, transport, ...(transport === 'tls' ? { ca: 'ca.pem' } : {}) };
    await send('syslog', raw, path, message);
    await ended.promise;
    const frames: string[] = [];
    for (let rest = got; rest !== ''; ) {
      const length = /^([1-9]\d*) /.exec(rest);
      assert.ok(length, rest);
      const start = (length[0] as string).length;
      frames.push(Buffer.from(rest.slice(start, start + Number(length[1])), 'latin1').toString());
      rest = rest.slice(start + Number(length[1]));
    }
    assert.equal(frames.length, 2);
    for (const frame of frames) assert.match(frame, SYSLOG);
  }
  const rude = await listen(
    t,
    createTcp((socket) => socket.resetAndDestroy()),
  );
  assert.equal((await failure(send('syslog', { host: '127.0.0.1', port: rude, transport: 'tcp' }, path))).retry, true);
  assert.equal((await failure(send('syslog', { host: '127.0.0.1', port: rude, transport: 'tls' }, path))).retry, true);
});

test('jsonl: lines are appended whole, also behind one that a crash cut', async (t) => {
  const path = folder(t);
  const file = join(path, 'alerts.jsonl');
  await send('jsonl', { path: 'alerts.jsonl' }, path);
  writeFileSync(file, '{"cut', { flag: 'a' });
  await send('jsonl', { path: 'alerts.jsonl', payload: 'ecs' }, path);
  const lines = readFileSync(file, 'utf8').split('\n');
  assert.equal(lines.length, 4);
  assert.equal(JSON.parse(lines[0] as string).kind, 'raised');
  assert.equal(lines[1], '{"cut');
  assert.equal(JSON.parse(lines[2] as string).event.kind, 'alert');
});

test('jsonl: no link is followed; only a file of such lines is written to, outside the workspace one that is there', async (t) => {
  const path = folder(t);
  const outside = folder(t);
  const at = (name: string) => join(outside, name);
  symlinkSync(at('elsewhere'), join(path, 'link'));
  symlinkSync(outside, join(path, 'folder'));
  writeFileSync(at('profile'), 'umask 022\n');
  writeFileSync(join(path, 'quietdoor.yaml'), 'name: x\n');
  execFileSync('mkfifo', [at('pipe')]);
  for (const [place, text, retry] of [
    ['link', /symbolic link/, false],
    ['folder/new', /is not there; outside the workspace, make it once, empty/, true],
    [at('new'), /is not there; outside the workspace, make it once, empty/, true],
    [at('profile'), /holds something else/, false],
    ['quietdoor.yaml', /holds something else/, false],
    [at('pipe'), /no regular file/, false],
    ['/dev/full', /no regular file/, false],
  ] as const) {
    const failed = await failure(send('jsonl', { path: place }, path));
    assert.match(failed.text, text);
    assert.equal(failed.retry, retry, place);
  }
  assert.equal(readFileSync(at('profile'), 'utf8'), 'umask 022\n');
  assert.ok(!existsSync(at('elsewhere')) && !existsSync(at('new')));
  writeFileSync(at('own.jsonl'), '');
  for (let i = 0; i < 2; i++) await send('jsonl', { path: at('own.jsonl') }, path);
  assert.equal(readFileSync(at('own.jsonl'), 'utf8').split('\n').length, 3);
});

const noSmallDisk =
  process.getuid?.() === 0 && existsSync('/usr/bin/mount') ? false : 'needs root, to mount a small disk';
test('jsonl: a full disk is tried again, and no half line stays', { skip: noSmallDisk }, async (t) => {
  const path = folder(t);
  const disk = join(path, 'disk');
  mkdirSync(disk);
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', disk]).status !== 0)
    return t.skip('tmpfs cannot be mounted here');
  try {
    await send('jsonl', { path: 'disk/alerts.jsonl' }, path);
    let failed: Awaited<ReturnType<typeof failure>> | null = null;
    for (let i = 0; i < 20 && failed === null; i++)
      failed = await send('jsonl', { path: 'disk/alerts.jsonl' }, path).then(
        () => null,
        (reason) => failure(Promise.reject(reason)),
      );
    assert.equal(failed?.retry, true);
    for (const line of readFileSync(join(disk, 'alerts.jsonl'), 'utf8').trimEnd().split('\n')) JSON.parse(line);
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('an authority is a file of a bounded size: no pipe keeps waiting, no device fills the memory', async (t) => {
  const path = folder(t);
  const { url } = await receiver(t, 200, true);
  execFileSync('mkfifo', [join(path, 'pipe')]);
  for (const ca of ['pipe', '/dev/zero', '.']) {
    for (const [kind, raw] of [
      ['webhook', { url, ca }],
      ['syslog', { host: '127.0.0.1', port: 1, ca }],
      ['smtp', { host: '127.0.0.1', port: 1, from: 'a@example.org', to: ['b@example.org'], ca }],
    ] as const) {
      const failed = await failure(send(kind, raw, path));
      assert.match(failed.text, /is no file; certificates are expected there/);
      assert.equal(failed.retry, false);
    }
  }
});

test('webhook: the status decides, however slowly the rest of the answer drips', async (t) => {
  for (const [status, works] of [
    [200, true],
    [500, false],
  ] as const) {
    const timers: NodeJS.Timeout[] = [];
    const server = createHttp((_, response) => {
      response.writeHead(status);
      response.write('{');
      timers.push(setInterval(() => response.write(' '), 100));
    });
    t.after(() => {
      for (const timer of timers) clearInterval(timer);
      server.closeAllConnections();
    });
    const url = `http://127.0.0.1:${await listen(t, server)}/`;
    const sending = send('webhook', { url }, folder(t), sampleMessage(), { signal: AbortSignal.timeout(5_000) });
    if (works) await sending;
    else assert.match((await failure(sending)).text, /HTTP 500/);
  }
});

for (const [kind, raw, paths] of [
  ['webhook', {}, ['url']],
  ['webhook', { url: 'https://x.example', secret: 'literally' }, ['secret']],
  ['webhook', { url: 'https://x.example', payload: 'cef' }, ['payload']],
  ['webhook', { url: 'https://x.example', secrets: 'env:X' }, ['']],
  ['slack', { url: 'https://hooks.slack.com/services/T/B/x' }, ['url']],
  ['teams', { url: 'https://x.example' }, ['url']],
  ['smtp', { host: 'mail', from: 'nobody', to: ['x'] }, ['from', 'to.0']],
  ['smtp', { host: 'mail.example.org', from: 'q@example.org', tls: 'none' }, ['tls']],
  ['smtp', { host: 'mail.example.org', from: 'q@example.org', user: 'q' }, ['password']],
  ['syslog', { host: 'https://x', port: 0 }, ['host', 'port']],
  ['syslog', { host: 'x', transport: 'udp', ca: 'c' }, ['ca']],
  ['jsonl', { path: '' }, ['path']],
  ['jsonl', null, ['']],
] as const)
  test(`${kind}: settings ${JSON.stringify(raw)} are refused`, () => {
    const read = channel(kind).read(raw);
    assert.ok('problems' in read);
    assert.deepEqual(
      read.problems.map((problem) => problem.path),
      paths,
    );
    assert.ok(read.problems.every((problem) => problem.message.length > 10 && !problem.message.includes('literally')));
  });
