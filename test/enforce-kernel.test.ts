import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { reverify } from '../src/app/firewall-reverify.ts';
import { sourcesAt } from '../src/enforce/demand.ts';
import { targets } from '../src/enforce/index.ts';
import type { ApprovedAccess, EnforceInput, EnforceOutput } from '../src/enforce/target.ts';
import { has } from '../src/model/address-set.ts';
import { fromCidrs } from '../src/model/address-set-text.ts';
import { accessOf, address, inputOf } from './enforce-sample.ts';
import { createTestbed, type NetworkTestbed, whyNoTestbed } from './network-testbed.ts';

const skip = whyNoTestbed('iptables', 'ip6tables', 'ipset', 'iptables-restore');

const missing = (program: string) => (existsSync(`/usr/sbin/${program}`) ? false : `needs ${program}`);

const SOURCES = ['10.77.1.1', '10.77.1.2', '10.77.1.3', '10.77.1.4', 'fd77::ffff', 'fd77::fffe'];
const DESTINATIONS = ['10.77.0.1', '10.77.0.2', 'fd77::1', 'fd77::2'];
const PORTS = [7001, 7002, 7003, 7010, 7011, 7012, 7013, 7020];

/** Thirteen blocks without neighbours: more than iptables takes without ipset. */
const SCATTERED = ['10.77.1.2', ...Array.from({ length: 12 }, (_, i) => `10.99.${i}.1`)];

const ACCESS: readonly ApprovedAccess[] = [
  accessOf({ entry: 'all', ports: [{ from: 7001, to: 7001 }], sources: ['0.0.0.0/0', '::/0'] }),
  accessOf({ entry: 'none', ports: [{ from: 7002, to: 7002 }], sources: [] }),
  accessOf({ entry: 'one', ports: [{ from: 7003, to: 7003 }], sources: ['10.77.1.1', 'fd77::ffff'] }),
  accessOf({
    ...{ entry: 'range', sources: ['10.77.1.2-10.77.1.3', 'fd77::fffe/128'] },
    ports: [
      { from: 7010, to: 7010 },
      { from: 7012, to: 7013 },
    ],
  }),
  accessOf({
    ...{ entry: 'some-address', ports: [{ from: 7011, to: 7011 }], sources: ['10.77.1.0/24', 'fd77::/64'] },
    addresses: [address('10.77.0.2'), address('fd77::2')],
  }),
  accessOf({
    ...{ entry: 'some-address-too', ports: [{ from: 7010, to: 7011 }], sources: SCATTERED },
    within: fromCidrs(['10.77.0.1/32', 'fd77::1/128']),
  }),
];

/** Connects from every source to every port; says for each whether the server's end was read. */
const PROBE = `
import socket, sys, threading
sources, destinations, ports = (a.split(',') for a in sys.argv[1:4])
out = {}
def probe(s, d, p):
    c = socket.socket(socket.AF_INET6 if ':' in d else socket.AF_INET)
    c.settimeout(float(sys.argv[4]))
    try:
        c.bind((s, 0)); c.connect((d, p)); out[s, d, p] = c.recv(1) == b''
    except OSError: out[s, d, p] = False
    c.close()
pairs = [(s, d, int(p)) for s in sources for d in destinations for p in ports if (':' in s) == (':' in d)]
threads = [threading.Thread(target=probe, args=pair) for pair in pairs]
for t in threads: t.start()
for t in threads: t.join()
for s, d, p in pairs: print(s, d, p, 'open' if out[s, d, p] else 'closed')
`;

async function probe(bed: NetworkTestbed): Promise<string[]> {
  const args = ['-c', PROBE, SOURCES.join(), DESTINATIONS.join(), PORTS.join(), '1.2'];
  const { code, stdout, stderr } = await bed.run('python3', args);
  assert.equal(code, 0, stderr);
  return stdout.trim().split('\n');
}

function expected(input: EnforceInput): string[] {
  return SOURCES.flatMap((source) =>
    DESTINATIONS.filter((d) => d.includes(':') === source.includes(':')).flatMap((destination) =>
      PORTS.map((port) => {
        const sources = sourcesAt(input.access, { transport: 'tcp', port, address: address(destination) });
        const isOpen = input.mode !== 'enforce' || has(sources, address(source));
        return `${source} ${destination} ${port} ${isOpen ? 'open' : 'closed'}`;
      }),
    ),
  );
}

async function setUp(t: TestContext): Promise<NetworkTestbed> {
  const bed = await createTestbed();
  t.after(() => bed.close());
  for (const source of SOURCES.slice(1)) {
    const isIpv6 = source.includes(':');
    await inScanner(bed, 'ip', [
      'addr',
      'replace',
      `${source}/${isIpv6 ? 64 : 23}`,
      'dev',
      'wire',
      ...(isIpv6 ? ['nodad'] : []),
    ]);
  }
  await bed.listen(PORTS);
  // Without rules everything is open; IPv6 takes a moment to come up.
  for (let time = 0; ; time++) {
    const closed = (await probe(bed)).filter((line) => line.endsWith('closed'));
    if (closed.length === 0) return bed;
    assert.ok(time < 10, closed.join('\n'));
  }
}

async function inScanner(bed: NetworkTestbed, program: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await bed.run(program, args);
  assert.equal(code, 0, stderr);
}

async function inTarget(bed: NetworkTestbed, program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await bed.inTarget(program, args);
  assert.equal(code, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

function generate(
  t: TestContext,
  id: string,
  input: EnforceInput,
): { readonly dir: string; readonly output: EnforceOutput } {
  const output = targets.find((target) => target.id === id)?.generate(input);
  assert.ok(output);
  assert.deepEqual(output.cannot, []);
  const dir = mkdtempSync(join(tmpdir(), 'qd-enforce-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const file of output.files) {
    const path = join(dir, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.text);
    if (file.mode !== undefined) chmodSync(path, file.mode);
  }
  return { dir, output };
}

/** What of a listing is not the same on two machines, or changes with every packet. */
function comparable(listing: string): unknown[] {
  const { nftables } = JSON.parse(listing) as { nftables: Record<string, Record<string, unknown>>[] };
  return nftables
    .filter((object) => !('metainfo' in object))
    .map((object) =>
      JSON.parse(JSON.stringify(object), (key, value) => {
        if (key === 'handle') return undefined;
        if (key === 'counter') return {};
        return key === 'elem' ? (value as unknown[]).map((e) => JSON.stringify(e)).sort() : value;
      }),
    );
}

test('nftables: the kernel lets in who is approved, in every mode, and lists what was read back', {
  skip,
}, async (t) => {
  const bed = await setUp(t);
  for (const mode of ['enforce', 'log', 'observe'] as const) {
    const input = inputOf(ACCESS, { mode, logAccepted: mode === 'log' });
    const { dir, output } = generate(t, 'nftables', input);
    await inTarget(bed, 'nft', ['-c', '-f', join(dir, 'db-1.nft')]);
    for (let time = 0; time < 2; time++) await inTarget(bed, 'nft', ['-f', join(dir, 'db-1.nft')]);
    const listed = await inTarget(bed, 'nft', ['-j', 'list', 'ruleset']);
    assert.deepEqual(comparable(listed), comparable(output.readBack[0]?.text ?? ''), mode);
    assert.deepEqual(reverify(input, { ...output, readBack: [{ name: 'listed', text: listed }] }), []);
    assert.deepEqual(await probe(bed), expected(input), mode);
    if (mode !== 'observe') continue;
    const counted = /"packets": (\d+)[^}]*\}\}\]\}\}\]\}\s*$/.exec(
      await inTarget(bed, 'nft', ['-j', 'list', 'ruleset']),
    );
    assert.ok(Number(counted?.[1]) > 0, 'observe counts what would be dropped');
    await inTarget(bed, 'nft', ['-f', join(dir, 'db-1.undo.nft')]);
    assert.equal(await inTarget(bed, 'nft', ['list', 'ruleset']), '');
    await inTarget(bed, 'nft', ['-f', join(dir, 'db-1.undo.nft')]);
  }
});

test('nftables: a connection lives on when rules come, and when they are replaced by others', { skip }, async (t) => {
  const bed = await setUp(t);
  const echo = bed.start('ip', ['netns', 'exec', bed.target, 'python3', '-u', '-c', ECHO]);
  await new Promise((resolve) =>
    createInterface({ input: echo.stdout as NodeJS.ReadableStream }).once('line', resolve),
  );
  const client = bed.start('python3', ['-u', '-c', TALK]);
  const lines: string[] = [];
  const output = createInterface({ input: client.stdout as NodeJS.ReadableStream });
  const next = async () => {
    const line = await new Promise<string>((resolve) => output.once('line', resolve));
    lines.push(line);
  };
  await next();
  const before = generate(
    t,
    'nftables',
    inputOf([accessOf({ entry: 'echo', ports: [{ from: 7777, to: 7777 }], sources: ['10.77.1.1'] })]),
  );
  await inTarget(bed, 'nft', ['-f', join(before.dir, 'db-1.nft')]);
  await next();
  await next();
  const after = generate(t, 'nftables', inputOf([]));
  await inTarget(bed, 'nft', ['-f', join(after.dir, 'db-1.nft')]);
  await next();
  await next();
  assert.deepEqual(new Set(lines), new Set(['answered']));
});

const ECHO = `
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('10.77.0.1', 7777)); s.listen(); print('ready')
c = s.accept()[0]
while True: c.sendall(c.recv(1))
`;
/** Says every 200 ms whether the other end answers. */
const TALK = `
import socket, time
c = socket.create_connection(('10.77.0.1', 7777), source_address=('10.77.1.1', 0)); c.settimeout(5)
while True:
    try:
        c.sendall(b'x'); print('answered' if c.recv(1) == b'x' else 'ended')
    except OSError as e: print(e)
    time.sleep(0.2)
`;

/** Both kinds of iptables: rules in nf_tables, and the older kind of their own. */
for (const kind of ['nft', 'legacy'])
  test(`iptables (${kind}): the kernel lets in who is approved, rules of others stay, and nothing is left in the end`, {
    skip: skip || missing(`iptables-${kind}`),
  }, async (t) => {
    const bed = await setUp(t);
    const programs = mkdtempSync(join(tmpdir(), 'qd-iptables-'));
    t.after(() => rmSync(programs, { recursive: true }));
    for (const name of ['iptables', 'ip6tables'])
      for (const verb of ['', '-save', '-restore'])
        symlinkSync(`/usr/sbin/${name}-${kind}${verb}`, join(programs, `${name}${verb}`));
    const inKind = (program: string, args: readonly string[]) =>
      inTarget(bed, 'env', [`PATH=${programs}:${process.env.PATH}`, program, ...args]);
    const saved = async () =>
      (await Promise.all(['iptables-save', 'ip6tables-save'].map((program) => inKind(program, ['-t', 'filter']))))
        .join('')
        .replaceAll(/^#.*\n|\[\d+:\d+\]/gm, '');
    for (const program of ['iptables', 'ip6tables'])
      await inKind(program, ['-A', 'INPUT', '-p', 'tcp', '--dport', '7020', '-j', 'REJECT']);
    const others = await saved();
    for (const mode of ['enforce', 'log', 'observe'] as const) {
      const input = inputOf(ACCESS, { mode, logAccepted: mode === 'log' });
      const { dir, output } = generate(t, 'iptables', input);
      await inKind('sh', [join(dir, 'db-1/apply.sh')]);
      const once = await saved();
      // Somebody came before us: the next run puts the hook first again.
      await inKind('iptables', ['-I', 'INPUT', '1', '-p', 'tcp', '--dport', '9', '-j', 'ACCEPT']);
      await inKind('sh', [join(dir, 'db-1/apply.sh')]);
      await inKind('iptables', ['-D', 'INPUT', '-p', 'tcp', '--dport', '9', '-j', 'ACCEPT']);
      assert.equal(await saved(), once, 'a second run changes nothing');
      assert.match(once, /^-A INPUT -j QUIETDOOR-IN\n-A INPUT -p tcp/m);
      const files = await Promise.all(
        (['iptables-save', 'ip6tables-save'] as const).map(async (name) => ({
          name,
          text: await inKind(name, []),
        })),
      );
      const sets = { name: 'ipset-save', text: await inTarget(bed, 'ipset', ['save']) };
      assert.match(sets.text, /^add qd4-[0-9a-f]{20} 10\.77\.1\.2$/m);
      const withoutReject = files.map(({ name, text }) => ({
        name,
        text: text.replaceAll(/^-A INPUT .*REJECT.*\n/gm, ''),
      }));
      assert.deepEqual(reverify(input, { ...output, readBack: [...withoutReject, sets] }), []);
      const rejected = expected(input).map((line) => line.replace(/ 7020 open$/, ' 7020 closed'));
      assert.deepEqual(await probe(bed), rejected, mode);
      await inKind('sh', [join(dir, 'db-1/undo.sh')]);
      await inKind('sh', [join(dir, 'db-1/undo.sh')]);
      assert.equal(await saved(), others);
      assert.equal(await inTarget(bed, 'ipset', ['list', '-n']), '');
    }
  });

test('iptables: sets that no rule needs any more go with the next run', { skip }, async (t) => {
  const bed = await setUp(t);
  const first = generate(t, 'iptables', inputOf(ACCESS));
  await inTarget(bed, 'sh', [join(first.dir, 'db-1/apply.sh')]);
  const second = generate(t, 'iptables', inputOf([accessOf({ entry: 'other', sources: SCATTERED.slice(1) })]));
  await inTarget(bed, 'sh', [join(second.dir, 'db-1/apply.sh')]);
  const names = (await inTarget(bed, 'ipset', ['list', '-n'])).trim().split('\n');
  assert.deepEqual(names, [/create (\S+)/.exec(second.output.readBack.at(-1)?.text ?? '')?.[1]]);
});
