import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Register } from '../model/register.ts';
import { memorySource } from './memory-source.ts';
import { splitWords } from './shell-words.ts';
import { loadWorkspace } from './workspace.ts';

async function load(config: string): Promise<Register> {
  return (await loadWorkspace(memorySource({ 'quietdoor.yaml': config }))).register;
}

async function problemsOf(config: string): Promise<string[]> {
  const { problems } = await load(config);
  return problems.map(({ at, message }) => `${at.line}:${at.column} ${message}`);
}

test('a schedule is read in the order of the file, with its defaults', async () => {
  const { schedule, problems } = await load(`schedule:
  - { name: lan, cron: '0 3  * * *', timeZone: Europe/Berlin, run: "scan network '10.20.0.0/24' --ports top:100" }
  - { name: fast, cron: '*/2 * * * *', run: [import, a file.xml] }
  - { name: check, cron: '@hourly', run: check, grace: 90min }
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(schedule, [
    {
      ...{ name: 'lan', cron: '0 3 * * *', timeZone: 'Europe/Berlin', graceMs: 12 * 3_600_000 },
      run: ['scan', 'network', '10.20.0.0/24', '--ports', 'top:100'],
    },
    { name: 'fast', cron: '*/2 * * * *', timeZone: 'UTC', run: ['import', 'a file.xml'], graceMs: 300_000 },
    { name: 'check', cron: '@hourly', timeZone: 'UTC', run: ['check'], graceMs: 90 * 60_000 },
  ]);
});

test('a workspace that says nothing of these has none of them', async () => {
  const register = await load('name: plain\n');
  for (const key of ['schedule', 'scan', 'vulnerabilities']) assert.ok(!(key in register), key);
  for (const key of ['observeWithinHours', 'certificateWarnDays', 'ticketWindowHours'])
    assert.ok(!(key in register.policy), key);
});

const item = (text: string) => `schedule:\n  - name: x\n    ${text.replaceAll('\n', '\n    ')}\n`;
const WRONG: readonly (readonly [text: string, want: RegExp])[] = [
  ['cron: "61 * * * *"\nrun: check', /^3:11 cron: "61 \* \* \* \*" is no cron pattern/],
  ['cron: "* * * * * *"\nrun: check', /^3:11 cron: expected five fields/],
  ['cron: "0 0 30 2 *"\nrun: check', /^3:11 cron: .* is never due/],
  ['cron: "@daily"\ntimeZone: Mars/Olympus\nrun: check', /^4:15 timeZone: "Mars\/Olympus" is no time zone/],
  ['cron: "@daily"\nrun: register approve all', /^4:10 run: "register" cannot be scheduled/],
  ['cron: "@daily"\nrun: quietdoor check', /^4:10 run: begins with the program/],
  ['cron: "@daily"\nrun: check > /etc/motd', /^4:10 run: .* has >, which only a shell/],
  ['cron: "@daily"\nrun: import $HOME/x', /^4:10 run: .* has \$/],
  ['cron: "@daily"\nrun: "import \'x"', /^4:10 run: .* has a quote ' that is not closed/],
  ['cron: "@daily"\nrun: check --workspace /other', /^4:10 run: names another place/],
  ['cron: "@daily"\nrun: check --workspace=/other', /^4:10 run: names another place/],
  ['cron: "@daily"\nrun: check -w/other', /^4:10 run: names another place/],
  ['cron: "@daily"\nrun: check -qw /other', /^4:10 run: names another place/],
  ['cron: "@daily"\nrun: check --state=/other', /^4:10 run: names another place/],
  ['cron: "@daily"\nrun: scan ssh a --ssh-config=evil', /^4:10 run: names programs to run with --ssh-config=evil/],
  ['cron: "@daily"\nrun: scan ssh a --ssh-config evil', /^4:10 run: names programs to run with --ssh-config/],
  ['cron: "@daily"\nrun: check -o /etc/cron.d/x', /^4:10 run: writes to "\/etc\/cron\.d\/x", outside the workspace/],
  ['cron: "@daily"\nrun: check -qo/etc/x', /^4:10 run: writes to "\/etc\/x", outside/],
  ['cron: "@daily"\nrun: check --output=../x', /^4:10 run: writes to "\.\.\/x", outside/],
  ['cron: "@daily"\nrun: check --write-baseline a/../../x', /^4:10 run: writes to "a\/\.\.\/\.\.\/x", outside/],
  ['cron: "@daily"\nrun: scan --due', /^4:10 run: would run the schedule from the schedule/],
  ['cron: "@daily"\nrun: scan due', /^4:10 run: would run the schedule from the schedule/],
  ['cron: "@daily"\nrun: check\ngrace: soon', /^5:12 grace: expected a duration/],
  ['cron: "@daily"\nrun: check\nwhen: now', /^5:5 unknown key "when"/],
  ['run: check', /^2:5 schedule: cron is missing/],
];

for (const [text, want] of WRONG)
  test(`wrong in a schedule: ${text.replaceAll('\n', ', ')}`, async () => {
    const [problem, ...more] = await problemsOf(item(text));
    assert.match(problem ?? '(no problem)', want);
    assert.deepEqual(more, []);
  });

test('what only looks like another place is none', async () => {
  for (const run of [
    'report -o site/r.html',
    'check -qo ./x',
    'check -o -',
    'scan ssh web-w1 -i hosts.yml',
    'import -- -w',
  ]) {
    const { schedule, problems } = await load(item(`cron: "@daily"\nrun: ${run}`));
    assert.deepEqual(problems, [], run);
    assert.equal(schedule?.length, 1);
  }
});

test('an item with an error costs only itself, and a name is taken once', async () => {
  const { schedule, problems } = await load(`schedule:
  - { name: a, cron: '@daily', run: check }
  - { name: b, cron: nonsense, run: check }
  - { name: a, cron: '@weekly', run: check }
  - { name: c, cron: '@daily', run: check }
`);
  assert.deepEqual(
    schedule?.map(({ name, cron }) => [name, cron]),
    [
      ['a', '@daily'],
      ['c', '@daily'],
    ],
  );
  assert.deepEqual(
    problems.map((p) => p.code),
    ['bad-schedule', 'duplicate-name'],
  );
});

test('limits of scans and vulnerability data are read', async () => {
  const { scan, vulnerabilities, policy, problems } = await load(`scan:
  rate: 500
  ratePerHost: 20
  exclude:
    - { target: 10.20.0.66, reason: old controller }
    - { target: 10.20.1.0/24, reason: ward }
    - { target: 10.20.2.1-9, reason: printers }
    - { target: 'fd00::1 - fd00::ff', reason: lab }
    - { target: pump-1.example.org, reason: infusion pump }
vulnerabilities: { osv: [data/osv, /srv/osv.zip], kev: data/kev.json }
policy: { observeWithin: 3d, certificateWarn: 60d, ticketWindow: 12h }
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    scan?.exclude.map(({ target }) => target),
    ['10.20.0.66', '10.20.1.0/24', '10.20.2.1-10.20.2.9', 'fd00::1-fd00::ff', 'pump-1.example.org'],
  );
  assert.deepEqual([scan?.rate, scan?.ratePerHost, scan?.incomplete], [500, 20, undefined]);
  assert.deepEqual(vulnerabilities, { osv: ['data/osv', '/srv/osv.zip'], kev: 'data/kev.json' });
  assert.deepEqual([policy.observeWithinHours, policy.certificateWarnDays, policy.ticketWindowHours], [72, 60, 12]);
});

test('where an exclusion may be missing, nothing may be scanned', async () => {
  for (const config of [
    'scan:\n  exclude:\n    - { target: 10.20.0.7/24, reason: x }\n',
    'scan:\n  exclude:\n    - { target: 10.20.0.9-10.20.0.1, reason: x }\n',
    'scan:\n  exclude:\n    - { target: 10.20.0.7 }\n',
    'scan:\n  exclude: 10.20.0.7\n',
    'scan:\n  excluded: []\n',
    'scan: 5\n',
    'skan:\n  exclude: []\n',
    'scan:\n  exclude: [\n',
    'extends: ../shared\n',
  ]) {
    const { scan, problems } = await load(config);
    assert.equal(scan?.incomplete, true, config);
    assert.ok(problems.some((p) => p.severity === 'error' && p.at.line > 0));
  }
});

test('what a shared policy excludes stays excluded; its schedule is taken over and its paths lead from it', async () => {
  const shared = `scan: { rate: 50, exclude: [{ target: 10.0.0.1, reason: core }] }
schedule: [{ name: check, cron: '@daily', run: check }]
vulnerabilities: { osv: osv }
`;
  const own = `extends: ../shared
scan: { rate: 70, exclude: [{ target: 10.0.0.2, reason: edge }] }
schedule: [{ name: check, cron: '@hourly', run: check }, { name: lan, cron: '@daily', run: scan network 10.0.0.0/24 }]
`;
  const base = { ...memorySource({ 'quietdoor.yaml': shared }), identity: 'shared' };
  const source = { ...memorySource({ 'quietdoor.yaml': own }), extended: async () => base };
  const { register } = await loadWorkspace(source);
  assert.deepEqual(register.problems, []);
  assert.deepEqual(
    register.scan?.exclude.map(({ target }) => target),
    ['10.0.0.1', '10.0.0.2'],
  );
  assert.equal(register.scan?.rate, 70);
  assert.deepEqual(
    register.schedule?.map(({ name, cron }) => `${name} ${cron}`),
    ['check @hourly', 'lan @daily'],
  );
  assert.deepEqual(register.vulnerabilities, { osv: ['../shared/osv'], kev: null });
  assert.deepEqual(register.deviations.map(({ what }) => what).sort(), ['scan:rate', 'schedule:check']);
});

test('witnesses of the ledger are added to those of a shared policy, and what is none costs the section', async () => {
  const base = {
    ...memorySource({ 'quietdoor.yaml': 'ledger: { witnesses: https://witness.example.org/ }\n' }),
    identity: 'shared',
  };
  const own = 'extends: ../shared\nledger: { witnesses: [file:log/w.txt, git:/srv/repo, file:log/w.txt] }\n';
  const { register } = await loadWorkspace({ ...memorySource({ 'quietdoor.yaml': own }), extended: async () => base });
  assert.deepEqual(register.problems, []);
  assert.deepEqual(register.witnesses, ['https://witness.example.org/', 'file:log/w.txt', 'git:/srv/repo']);
  const { witnesses, problems } = await load('ledger: { witnesses: [w.txt] }\n');
  assert.equal(witnesses, undefined);
  assert.deepEqual(
    problems.map(({ code, at }) => [code, at.line, at.column]),
    [['bad-witness', 1, 23]],
  );
});

test('words are split as a shell splits them', () => {
  const lines = [
    `scan network 10.0.0.0/24 --ports top:100`,
    `  a\t'b c'  "d 'e' \\"f\\" \\\\ g" h\\ i 'j'k"l" '' `,
    `--map name="CI Name" --map=addresses='IP, all' x~y '$HOME' "a b"'*'`,
  ];
  for (const line of lines) {
    const read = splitWords(line);
    const { stdout } = spawnSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' });
    assert.deepEqual('value' in read ? read.value : read.message, stdout.split('\n').slice(0, -1));
  }
});

test('any words come back from their quoted line', () => {
  const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), (words) => {
      const line = words.map((text) => `'${text.replaceAll("'", `'\\''`)}'`).join(' ');
      assert.deepEqual(splitWords(line), { value: words });
    }),
  );
});
