import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ansible } from '../src/enforce/ansible.ts';
import { HOST_ACCESS, inputOf } from './enforce-sample.ts';
import { whyNoTestbed } from './network-testbed.ts';

const skip = whyNoTestbed('ansible-playbook', 'unshare', 'mount');

/**
 * Runs in namespaces of its own: other interfaces, and an /etc of which the machine's own is only the lower layer. Says
 * after each run what is in force and what lies in the files.
 */
const SCRIPT = `
set -eu
mount -t tmpfs none "$1/overlay"
mkdir "$1/overlay/up" "$1/overlay/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/overlay/up,workdir=$1/overlay/work" /etc
cd "$1"
printf '#!/usr/sbin/nft -f\\nflush ruleset\\n' > /etc/nftables.conf
chmod 0755 /etc/nftables.conf
nft add table inet other
play() {
  name=$1; shift
  echo "== $name"
  ansible-playbook -i db-1, -c local play.yml "$@" || exit 1
  echo "-- $name"
  nft list tables
  nft list chain inet quietdoor input 2>/dev/null | grep -o 'rules [0-9a-f]*' || true
  ls /etc/nftables.d 2>/dev/null || true
  cat /etc/nftables.conf
}
play check --check
play first
play second
cp other.nft roles/quietdoor/files/db-1.nft
play changed
nft delete table inet quietdoor
play reload
nft -f /etc/nftables.conf
echo '== boot'; nft list tables; nft list chain inet quietdoor input | grep -o 'rules [0-9a-f]*'
play absent -e quietdoor_state=absent
play absent-again -e quietdoor_state=absent
echo "== mode $(stat -c %a /etc/nftables.conf)"
ansible-playbook -i db-1, -c local play.yml -e quietdoor_state=abset > /dev/null && echo '== typo was taken'
printf 'table inet quietdoor { chain input { nonsense' > roles/quietdoor/files/db-1.nft
ansible-playbook -i db-1, -c local play.yml > /dev/null && echo 'nonsense was taken' || echo 'nonsense was refused'
nft list tables
`;

test('ansible: the role installs, changes nothing twice, only looks with --check, and goes away', { skip }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'qd-ansible-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  for (const file of ansible.generate(inputOf(HOST_ACCESS)).files) write(join('roles', file.path), file.text);
  const others = ansible.generate(inputOf(HOST_ACCESS, { mode: 'observe' })).files;
  write('other.nft', others.find((file) => file.path.endsWith('db-1.nft'))?.text ?? '');
  write(
    'play.yml',
    '- hosts: all\n  gather_facts: false\n  vars: { quietdoor_install: false, quietdoor_service: "" }\n  roles: [quietdoor]\n',
  );
  mkdirSync(join(dir, 'overlay'));
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', '--net', 'sh', '-c', SCRIPT, 'sh', dir], {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      LC_ALL: 'C.UTF-8',
      ANSIBLE_NOCOLOR: '1',
      ANSIBLE_LOCAL_TEMP: join(dir, 'tmp'),
    },
  });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  const part = (name: string) => {
    const [, play = '', after = ''] =
      new RegExp(`^== ${name}\\n([\\s\\S]*?)^-- ${name}\\n([\\s\\S]*?)(?=^== |^nonsense)`, 'm').exec(stdout) ?? [];
    const changed = /changed=(\d+) .*failed=0/.exec(play)?.[1];
    return { play, after, changed: Number(changed) };
  };
  const rules = /rules ([0-9a-f]{16})"/.exec(ansible.generate(inputOf(HOST_ACCESS)).readBack[0]?.text ?? '')?.[1];
  const other = /rules ([0-9a-f]{16})"/.exec(others.find((f) => f.path.endsWith('db-1.nft'))?.text ?? '')?.[1];
  const conf = '#!/usr/sbin/nft -f\nflush ruleset\n';
  const include = 'include "/etc/nftables.d/quietdoor.nft"\n';
  const none = `table inet other\n${conf}`;
  const inForce = (which: string | undefined) =>
    `table inet other\ntable inet quietdoor\nrules ${which}\nquietdoor.nft\n${conf}${include}`;
  assert.ok(part('check').changed > 0);
  assert.equal(part('check').after, none, 'with --check nothing changes');
  assert.ok(part('first').changed > 0);
  assert.equal(part('first').after, inForce(rules));
  assert.equal(part('second').changed, 0, part('second').play);
  assert.equal(part('second').after, inForce(rules));
  assert.ok(part('changed').changed > 0);
  assert.equal(part('changed').after, inForce(other));
  assert.ok(part('reload').changed > 0, 'rules that somebody took away come back');
  assert.equal(part('reload').after, inForce(other));
  assert.match(stdout, new RegExp(`== boot\ntable inet quietdoor\nrules ${other}\n`), 'they come at boot');
  assert.ok(part('absent').changed > 0);
  assert.equal(part('absent').after, `${conf}`);
  assert.equal(part('absent-again').changed, 0);
  assert.match(stdout, /== mode 755\n/, 'the main file keeps its mode: it may be run');
  assert.doesNotMatch(stdout, /typo was taken/);
  assert.match(stdout, /\nnonsense was refused\n$/, 'a file that nft does not take is never installed');
});
