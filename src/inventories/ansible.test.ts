import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandRanges } from './ansible/inventory.ts';
import { readAnsibleInventory } from './ansible.ts';

const INI = `
; a comment
mail.example.org
badwolf.example.org:5309

[web]
www[01:03].example.org  ansible_user=deploy   # the front
10.0.0.7 ansible_host=10.9.9.9 ansible_port=2222 note="two words" ansible_become_pass='{{ vault }}'

[db]
db-[a:c]

[prod:children]
web
db

[prod:vars]
ansible_user = ops
ansible_port=22   # a comment
zone='dmz'

[prod:hostz]
x
[web:vars]
broken
`;

test('INI: groups, ranges, ports, variables, nearest group first', () => {
  const { hosts, problems } = readAnsibleInventory(INI, 'hosts');
  assert.deepEqual(
    hosts.map((h) => [h.name, h.groups, h.host, h.port, h.user]),
    [
      ['10.0.0.7', ['prod', 'web'], '10.9.9.9', 2222, 'ops'],
      ['badwolf.example.org', [], undefined, 5309, undefined],
      ['db-a', ['db', 'prod'], undefined, 22, 'ops'],
      ['db-b', ['db', 'prod'], undefined, 22, 'ops'],
      ['db-c', ['db', 'prod'], undefined, 22, 'ops'],
      ['mail.example.org', [], undefined, undefined, undefined],
      ['www01.example.org', ['prod', 'web'], undefined, 22, 'deploy'],
      ['www02.example.org', ['prod', 'web'], undefined, 22, 'deploy'],
      ['www03.example.org', ['prod', 'web'], undefined, 22, 'deploy'],
    ],
  );
  assert.deepEqual(Object.fromEntries(hosts[0]?.vars ?? []), {
    ansible_host: '10.9.9.9',
    ansible_port: '2222',
    ansible_user: 'ops',
    note: 'two words',
    zone: 'dmz',
  });
  assert.deepEqual(
    problems.map((p) => [p.line, p.message.split(':')[0]]),
    [
      [22, '[prod'],
      [25, 'a variable is expected here'],
    ],
  );
});

const YAML = `
all:
  hosts:
    mail.example.org:
  children:
    web:
      hosts:
        www[01:02].example.org:
        10.0.0.7: { ansible_host: 10.9.9.9, ansible_port: 2222 }
      vars: { ansible_user: deploy, secret: !vault "x", where: "{{ x }}" }
    prod:
      children:
        web:
      vars:
        ansible_user: ops
        zone: dmz
      oops: 1
`;

test('YAML: the same', () => {
  const { hosts, problems } = readAnsibleInventory(YAML, 'inventory.yml');
  assert.deepEqual(
    hosts.map((h) => [h.name, h.groups, h.host, h.port, h.user, h.vars.get('zone'), h.line]),
    [
      ['10.0.0.7', ['prod', 'web'], '10.9.9.9', 2222, 'deploy', 'dmz', 9],
      ['mail.example.org', [], undefined, undefined, undefined, undefined, 4],
      ['www01.example.org', ['prod', 'web'], undefined, undefined, 'deploy', 'dmz', 8],
      ['www02.example.org', ['prod', 'web'], undefined, undefined, 'deploy', 'dmz', 8],
    ],
  );
  assert.equal(hosts[0]?.vars.has('secret') || hosts[0]?.vars.has('where'), false);
  assert.deepEqual(problems, [{ message: 'group prod has "oops"; hosts, vars and children are known', line: 17 }]);
});

test('the JSON of ansible-inventory --list', () => {
  const json = JSON.stringify({
    _meta: { hostvars: { a: { ansible_host: '10.0.0.1', nested: { x: 1 } } } },
    all: { children: ['ungrouped', 'web'] },
    web: { hosts: ['a', 'b'] },
  });
  const { hosts, problems } = readAnsibleInventory(json, '-');
  assert.deepEqual(problems, []);
  assert.deepEqual(
    hosts.map((h) => [h.name, h.groups, h.host]),
    [
      ['a', ['web'], '10.0.0.1'],
      ['b', ['web'], undefined],
    ],
  );
});

test('hostile inventories end, with a problem', () => {
  for (const [text, wanted] of [
    ['a[1:999999999]\n', /range/],
    ['[a:children]\nb\n[b:children]\na\n[a]\nx\n', /contains itself/],
    ['x ansible_port=99999\n', /no port/],
    ['x "y\n', /not closed/],
    [`---\n${'['.repeat(100_000)}`, /YAML/],
    ['all: [1, 2]\n', /must be a mapping/],
    ['all:\n  hosts: {a: &a {x: *a}}\n', /^$/],
  ] as const) {
    const { problems } = readAnsibleInventory(text, '-');
    assert.match(problems[0]?.message ?? '', wanted, text.slice(0, 60));
  }
});

test('what names the same hosts and groups over and over is read up to a bound', () => {
  const laugh = ['a0: &a0', '  hosts: { h1: }'];
  for (let i = 1; i < 40; i++)
    laugh.push(`a${i}: &a${i}`, '  children:', `    x${i}: *a${i - 1}`, `    y${i}: *a${i - 1}`);
  const keys = Array.from({ length: 5_000 }, (_, i) => `    ? [${i}]\n    : x`).join('\n');
  const odd = Array.from({ length: 5_000 }, (_, i) => `g${i}: { hosts: *odd }`).join('\n');
  const many = Array.from({ length: 3_000 }, (_, i) => `[g${i}]\nh[1:200000]`).join('\n');
  const count = 20_000;
  const names = Array.from({ length: count }, (_, i) => i);
  const wide = [
    '[p:children]',
    ...names.map((i) => `g${i}`),
    ...names.flatMap((i) => [`[q${i}:children]`, 'p', `[g${i}]`, `h${i}`]),
  ].join('\n');
  for (const [text, name] of [
    [laugh.join('\n'), 'aliases of groups'],
    [`first:\n  hosts: &odd\n${keys}\n${odd}`, 'aliases of keys that are no texts'],
    [many, 'ranges'],
    [wide, 'groups of groups'],
  ] as const) {
    const { hosts, problems } = readAnsibleInventory(text, name.includes('aliases') ? 'x.yml' : 'x.ini');
    assert.ok(
      problems.some(({ message }) => /the rest was not read/.test(message)),
      name,
    );
    assert.ok(hosts.length <= 200_000);
  }
});

test('ranges', () => {
  assert.deepEqual(expandRanges('n[1:5:2]-[a:b]', 10), ['n1-a', 'n1-b', 'n3-a', 'n3-b', 'n5-a', 'n5-b']);
  assert.deepEqual(expandRanges('n[008:010]', 10), ['n008', 'n009', 'n010']);
  assert.equal(expandRanges('n[5:1]', 10), undefined);
  assert.equal(expandRanges('[1:9][1:9]', 80), undefined);
});
