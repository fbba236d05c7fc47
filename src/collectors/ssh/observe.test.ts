import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readAnswer } from './answer.ts';
import { observe } from './observe.ts';
import { readSections } from './sections.ts';

const N = '0123456789abcdef0123456789abcdef';
const ID = 'ab'.repeat(32);
const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     \n';
const row = (local: string, inode: number, uid = 0) =>
  `   0: ${local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000000000000000 100 0 0 10 0\n`;
const stat = (pid: number, name: string, start: number) =>
  `${pid}/stat:${pid} (${name}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${start} 0 0`;

/** An answer as the probe prints it: sections with their text. */
function printed(...sections: readonly (readonly [mark: string, text?: string | undefined])[]): Buffer {
  return Buffer.from(`Welcome!\n${sections.map(([mark, text = '']) => `\n@${N} ${mark}\n${text}`).join('')}`, 'latin1');
}

type Printed = readonly [mark: string, text?: string | undefined];

const BASE: readonly Printed[] = [
  ['begin 1 0'],
  ['file order', ' 0201\n'],
  ['file /proc/sys/kernel/hostname', 'web1\n'],
  ['file /proc/net/fib_trie', '  |-- 10.0.0.7\n     /32 host LOCAL\n'],
  ['file /etc/os-release', 'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine \\"x\\""\n'],
  ['file /etc/passwd', 'root:x:0:0::/:\nwww:x:33:33::/:\n'],
  ['file /proc/stat', 'btime 1000\n'],
  ['pids', '1 20 30\n'],
  ['spaces', '4026531910 1/net/tcp\n4026531910 20/net/tcp\n4026532338 30/net/tcp\n'],
  ['own', '4026531910 1/net/tcp\n'],
  ['space 4026531910', 'lrwx 1 0 0 0 Nov 22 03:00 1/ns/net -> net:[4026531840]\n'],
  ['table 4026531910 tcp read', HEAD + row('0100007F:1F90', 111, 33) + row('00000000:0050', 112)],
  ['done 4026531910'],
  ['space 4026532338'],
  ['table 4026532338 tcp read', HEAD + row('00000000:0050', 113)],
  ['done 4026532338'],
  ['holders', 'holds 20 111\nholds 20 111\nholds 30 113\ndone\n'],
  ['lines stat', `${stat(20, 'a) b', 500)}\n${stat(30, 'x\n30/stat:y', 600)}\n`],
  ['lines cgroup', `20/cgroup:0::/system.slice/app.service\n30/cgroup:0::/system.slice/docker-${ID}.scope\n`],
  ['lines uid_map', '30/uid_map:         0     100000      65536\n'],
  ['uids', 'dr-xr-xr-x    9 33       33              0 Nov 22 03:00 20\ndr-xr-xr-x 9 100033 0 0 Nov 22 03:00 30\n'],
  ['exe 20 present host', '/usr/bin/app\n'],
  ['cmdline 20', '/usr/bin/app\0--password=x\0'],
  ['exe 30 replaced other', '/srv/x (deleted)\n'],
  ['cmdline 30', ''],
  ['seen'],
  ['apk', '/usr/bin/app\tapp-server\t1.2-r3\tapp\n'],
  ['hashes', `20 ${'0'.repeat(64)}\n30 = 20\n`],
  [`container ${ID} docker`, '"Name":"/shop"\n'],
  ['passwd 30', 'shop:x:33:33::/:\n'],
  ['end'],
];

function observed(sections: readonly Printed[]) {
  const answer = readAnswer(readSections(printed(...sections), N));
  assert.ok(answer);
  return observe(answer, { target: 'alias', observedAt: 5, durationMs: 1 });
}

test('an answer becomes what the local collector would have seen', () => {
  const seen = observed(BASE);
  assert.deepEqual(seen.host, {
    name: 'web1',
    addresses: ['10.0.0.7'],
    tags: [],
    names: ['alias'],
    os: 'Alpine "x"',
  });
  assert.deepEqual(seen.gaps, []);
  assert.deepEqual(
    seen.coverage.map((c) => c.scope),
    ['*'],
  );
  assert.deepEqual(
    seen.listeners.map((l) => [l.scope, l.address, l.port, l.user, l.process?.pid ?? null]),
    [
      ['host', '0.0.0.0', 80, 'root', null],
      ['host', '127.0.0.1', 8080, 'www', 20],
      ['container:shop', '0.0.0.0', 80, undefined, 30],
    ],
  );
  assert.deepEqual(seen.listeners[1]?.process, {
    pid: 20,
    startedAt: 1_005_000,
    name: 'a) b',
    exe: '/usr/bin/app',
    exeState: 'present',
    sha256: '0'.repeat(64),
    commandLine: '/usr/bin/app --password=[redacted]',
    uid: 33,
    user: 'www',
    unit: 'app.service',
    package: { manager: 'apk', name: 'app-server', version: '1.2-r3', source: 'app', ecosystem: 'Alpine:v3.20' },
  });
  const { exe, exeState, user, container } = seen.listeners[2]?.process ?? {};
  assert.deepEqual([exe, exeState, user, container], ['/srv/x', 'replaced', 'shop', ID]);
});

const without = (...marks: string[]) => BASE.filter(([mark]) => !marks.includes(mark));

test('what was not printed is not covered', () => {
  const changed = (from: string, to: Printed) => BASE.map((section) => (section[0] === from ? to : section));
  const end: Printed = ['end'];
  const cases: readonly [
    name: string,
    sections: readonly Printed[],
    scopes: readonly string[],
    codes: readonly string[],
  ][] = [
    ['the answer ends behind a namespace', BASE.slice(0, 14), ['host'], ['process-owner-hidden']],
    ['the answer ends behind a table', BASE.slice(0, 13), [], ['process-owner-hidden', 'table-unreadable']],
    [
      'a table is denied',
      changed('table 4026532338 tcp read', ['table 4026532338 tcp denied']),
      ['*', 'host'],
      ['table-unreadable'],
    ],
    [
      'the host has no table',
      without('table 4026531910 tcp read', 'space 4026531910'),
      ['container:shop'],
      ['table-unreadable'],
    ],
    ['a user looks', changed('begin 1 0', ['begin 1 1000']), ['host', 'container:shop'], ['process-owner-hidden']],
    [
      'a process is hidden',
      changed('holders', ['holders', 'holds 20 111\nhidden 1\ndone\n']),
      ['*'],
      ['process-owner-hidden'],
    ],
    [
      'a namespace is unknown',
      [...BASE.slice(0, -1), ['unknown', '44\n'], end],
      ['host', 'container:shop'],
      ['netns-unreadable'],
    ],
    ['a tool is missing', [...BASE.slice(0, -1), ['missing awk'], end], ['*'], ['ssh-tools-missing']],
    [
      'a name has no process',
      [...BASE.slice(0, -1), ['mounted', '4026539999 blue\n77 file\n'], end],
      ['host', 'container:shop'],
      ['netns-unreadable'],
    ],
  ];
  for (const [name, sections, scopes, codes] of cases) {
    const seen = observed(sections);
    const got = seen.coverage.map((c) => c.scope);
    assert.deepEqual(got, scopes, name);
    assert.deepEqual([...new Set(seen.gaps.map((g) => g.code))], codes, name);
  }
});

test('a machine cannot choose what its facts look like elsewhere', () => {
  const evil = BASE.map(([mark, text]): Printed => {
    if (mark === 'file /proc/sys/kernel/hostname') return [mark, 'db1\u001b[2J|host\n'];
    if (mark === 'lines cgroup') return [mark, `20/cgroup:0::/${'x'.repeat(2000)}\u001b.service\n`];
    if (mark === 'holders') return [mark, `${text}holds -1 111\nholds 99999999999 112\nholds 20 x\n`];
    if (mark === 'exe 20 present host') return [mark, '/x'.repeat(5000)];
    return [mark, text];
  });
  const seen = observed([...evil.slice(0, -1), ['exe 20 present host', '/second'], ['end']]);
  assert.equal(seen.host.name, 'alias');
  const owner = seen.listeners[1]?.process;
  assert.equal(owner?.exe, undefined);
  assert.ok((owner?.unit?.length ?? 0) <= 255 && !owner?.unit?.includes('\u001b'));
});

test('no answer, however broken, makes it throw', () => {
  const whole = printed(...BASE);
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }), { maxLength: 40 }),
      fc.nat(whole.length),
      (changes, length) => {
        const bytes = Buffer.from(whole.subarray(0, length));
        for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
        const answer = readAnswer(readSections(bytes, N));
        if (answer) observe(answer, { target: 't', observedAt: 0, durationMs: 0 });
      },
    ),
    { numRuns: 2000 },
  );
});

test('sections of others pass for nothing', () => {
  const other = 'f'.repeat(32);
  const bytes = Buffer.from(`\n@${other} begin 1 0\n\n@${N} begin 1 5\n\n@${other} end\n\n@${N} seen\ncut off`);
  const sections = readSections(bytes, N);
  assert.deepEqual(
    sections.map((s) => s.kind),
    ['begin'],
  );
  assert.equal(readAnswer(sections)?.uid, 5);
  assert.equal(readAnswer(readSections(Buffer.from('root:x:0:0'), N)), undefined);
});

test('an answer with more lines or sections than a machine has processes is used in part, and says so', () => {
  const lines = (count: number, line: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i)).join('\n');
  for (const [name, sections] of [
    ['spaces', [['spaces', lines(400_000, (i) => `${4_026_531_000 + i} ${i + 1}/net/tcp`)]]],
    ['holders of one socket', [['holders', lines(400_000, (i) => `holds ${i + 1} 100`)]]],
    ['sockets', [['holders', lines(400_000, (i) => `holds 7 ${i + 1}`)]]],
    ['sections', [['x', `\n@${N} exe\n`.repeat(400_000)]]],
  ] as const) {
    const answer = readAnswer(readSections(printed(['begin 1 0'], ...sections, ['end']), N));
    assert.equal(answer?.isTooLong, true, name);
    assert.ok((answer?.spaceOf.size ?? 0) <= 300_000);
    assert.equal(answer && observe(answer, { target: 'x', observedAt: 5, durationMs: 1 }).coverage.length, 0);
  }
  assert.equal(readAnswer(readSections(printed(...BASE), N))?.isTooLong, false);
  const isWhole = (sections: readonly Printed[]) => observed(sections).coverage.some(({ scope }) => scope === '*');
  const many = lines(400_000, (i) => `${4_026_531_910} ${i + 1}/net/tcp`);
  assert.equal(isWhole(BASE), true);
  assert.equal(isWhole(BASE.map(([mark, text]) => [mark, mark === 'spaces' ? `${text}${many}` : text])), false);
});
