import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_ALERTS } from '../model/alert-policy.ts';
import { memorySource } from './memory-source.ts';
import { loadWorkspace } from './workspace.ts';

const OWNERS = 'owners:\n  team-orders: { email: orders@example.org }\nzones:\n  app: 10.20.4.0/24\n';

async function load(text: string) {
  const { register } = await loadWorkspace(memorySource({ 'quietdoor.yaml': text }));
  const problems = register.problems.map(({ at, message, hint }) => {
    return `${at.line}:${at.column} ${message}${hint === undefined ? '' : ` (${hint})`}`;
  });
  return { alerts: register.alerts, problems };
}

test('a workspace that says nothing of alerts has none', async () => {
  assert.equal((await load('name: x\n')).alerts, undefined);
});

test('channels, routes and times are read, with defaults', async () => {
  const { alerts, problems } = await load(`${OWNERS}alerts:
  timeZone: Europe/Berlin
  severity: high
  digest: 07:30
  quietHours: { from: "22:00", until: "06:30" }
  dailyCap: 5
  remind: never
  resolveAfter: 30min
  tellResolved: false
  links: https://quietdoor.example.org/alerts/
  fallback: ops
  ignore: [outdated-package]
  channels:
    - name: ops
      kind: webhook
      url: https://soc.example.org/
      headers: { x-team: ops }
    - name: mail
      kind: smtp
      perOwner: true
      port: 587
  routes:
    - { owner: team-orders, severity: critical, zones: app, data: PHI, to: [mail, ops], continue: true }
`);
  assert.deepEqual(problems, []);
  assert.ok(alerts);
  const { channels, routes, ...rest } = alerts;
  assert.deepEqual(rest, {
    ...{ fallback: ['ops'], severity: 'high', ignore: ['outdated-package'], timeZone: 'Europe/Berlin', digest: 450 },
    ...{ quietHours: { from: 1320, until: 390, except: 'high' }, dailyCap: 5, remindMs: null },
    ...{ resolveAfterMs: 1_800_000, tellResolved: false, links: 'https://quietdoor.example.org/alerts' },
  });
  const [ops, mail] = channels;
  assert.deepEqual(ops?.settings, { url: 'https://soc.example.org/', headers: { 'x-team': 'ops' } });
  assert.deepEqual(Object.keys(ops?.places ?? {}), ['url', 'headers', 'headers.x-team']);
  assert.deepEqual(ops?.places['headers.x-team'], { file: 'quietdoor.yaml', line: 21, column: 18 });
  assert.deepEqual([mail?.perOwner, mail?.settings], [true, { port: '587' }]);
  const [{ at, ...route } = assert.fail('no route')] = routes;
  assert.equal(at.line, 27);
  assert.deepEqual(route, {
    ...{ owners: ['team-orders'], severity: 'critical', kinds: [], zones: ['app'], data: ['phi'] },
    ...{ to: ['mail', 'ops'], goesOn: true },
  });
});

const CHANNEL = 'alerts:\n  channels:\n    - { name: ops, kind: jsonl, path: alerts.jsonl }\n';
const WRONG: ReadonlyArray<readonly [name: string, text: string, want: RegExp]> = [
  ['no map', 'alerts: yes\n', /^1:9 alerts: expected a map/],
  ['an unknown key', 'alerts:\n  chanels: []\n', /unknown key "chanels" \(did you mean "channels"\?\)/],
  ['a channel without a kind', 'alerts:\n  channels:\n    - name: ops\n', /^3:7 channels: kind is missing/],
  ['two of one name', `${CHANNEL}    - { name: ops, kind: jsonl }\n`, /there is another channel "ops"/],
  [
    'an unknown channel',
    `${CHANNEL}  routes:\n    - to: opps\n`,
    /^5:5 alerts: there is no channel "opps" \(did you mean "ops"\?\)/,
  ],
  ['an unknown owner', `${CHANNEL}  routes:\n    - { owner: nobody, to: ops }\n`, /there is no owner "nobody"/],
  ['an unknown zone', `${CHANNEL}  routes:\n    - { zones: dmz, to: ops }\n`, /there is no zone "dmz"/],
  ['an unknown fallback', `${CHANNEL}  fallback: mail\n`, /there is no channel "mail"/],
  ['a bad severity', `${CHANNEL}  severity: hihg\n`, /severity: expected one of .* \(did you mean "high"\?\)/],
  ['a bad time', `${CHANNEL}  digest: 25:00\n`, /^4:11 digest: expected a time of day such as 08:00, not "25:00"/],
  ['a bad zone', `${CHANNEL}  timeZone: Mars/Phobos\n`, /timeZone: "Mars\/Phobos" is no time zone/],
  ['a bad duration', `${CHANNEL}  resolveAfter: soon\n`, /resolveAfter: expected a duration/],
  ['a bad cap', `${CHANNEL}  dailyCap: 0\n`, /dailyCap: expected a whole number from 1 to 10000/],
  ['a bad link', `${CHANNEL}  links: "javascript:alert(1)"\n`, /links: expected an https URL/],
];
for (const [name, text, want] of WRONG)
  test(`wrong in alerts: ${name}`, async () => {
    const { problems } = await load(text);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0] ?? '', want);
  });

test('what is wrong costs only itself', async () => {
  const { alerts } = await load(`${CHANNEL}  digest: 25:00\n  dailyCap: 3\n`);
  assert.deepEqual([alerts?.channels.length, alerts?.dailyCap, alerts?.digest], [1, 3, DEFAULT_ALERTS.digest]);
});

test('a reference to a secret is none', async () => {
  const secret = `${CHANNEL}    - { name: hook, kind: webhook, url: "https://x.example", secret: env:HOOK_KEY }\n`;
  assert.deepEqual((await load(secret)).problems, []);
});

test('what a shared policy says is taken over, channel by channel and setting by setting', async () => {
  const shared = `${CHANNEL}    - { name: soc, kind: webhook }\n  severity: high\n  dailyCap: 9\n`;
  const { register } = await loadWorkspace(
    memorySource(
      { 'quietdoor.yaml': 'extends: shared\nalerts:\n  dailyCap: 3\n  channels:\n    - { name: ops, kind: syslog }\n' },
      { shared: memorySource({ 'quietdoor.yaml': shared }) },
    ),
  );
  const { channels = [], severity, dailyCap } = register.alerts ?? {};
  assert.deepEqual(
    channels.map(({ name, kind }) => `${name} ${kind}`),
    ['ops syslog', 'soc webhook'],
  );
  assert.deepEqual([severity, dailyCap], ['high', 3]);
});
