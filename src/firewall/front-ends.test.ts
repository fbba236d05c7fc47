import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRuleset } from './read.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'iptables');

/** Rules of a captured file as `front end | the user's words`, by their text. */
function origins(...names: readonly string[]): Map<string, string> {
  const files = names.map((name) => ({ name, text: readFileSync(join(FIXTURES, name), 'utf8') }));
  const rules = readRuleset(files).layers.flatMap((layer) => layer.chains.flatMap((chain) => chain.rules));
  return new Map(
    rules.map(({ text, origin }) => [text, origin === null ? '' : `${origin.frontEnd} | ${origin.userRule ?? ''}`]),
  );
}

/** Every line of a captured file has its owner; the lines named here have these words. */
function assertOrigins(found: ReadonlyMap<string, string>, cases: readonly [text: string, origin: string][]): void {
  for (const [text, origin] of cases) assert.equal(found.get(text), origin, text);
}

test('ufw: rules of the user in the words of ufw', () => {
  const found = origins('ufw.iptables-save', 'ufw.ip6tables-save');
  // What was typed: see ufw-status.txt.
  assertOrigins(found, [
    ['-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT', 'ufw | ufw allow 22/tcp'],
    [
      '-A ufw-user-input -s 10.0.0.0/8 -p tcp -m tcp --dport 5432 -j ACCEPT',
      'ufw | ufw allow from 10.0.0.0/8 to any port 5432 proto tcp',
    ],
    [
      '-A ufw-user-input -i eth0 -p udp -m udp --dport 53 -j ACCEPT',
      'ufw | ufw allow in on eth0 from any to any port 53 proto udp',
    ],
    ['-A ufw-user-input -p tcp -m tcp --dport 2222 -j ufw-user-limit-accept', 'ufw | ufw limit 2222/tcp'],
    ['-A ufw-user-input -s 192.0.2.0/24 -j DROP', 'ufw | ufw deny from 192.0.2.0/24'],
    ['-A ufw-user-output -p tcp -m tcp --dport 25 -j REJECT --reject-with tcp-reset', 'ufw | ufw reject out 25/tcp'],
    ['-A ufw-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT', 'ufw | ufw allow 80,443/tcp'],
    ['-A ufw-user-input -p tcp -m multiport --dports 6000:6010 -j ACCEPT', 'ufw | ufw allow 6000:6010/tcp'],
    [
      `-A ufw-user-input -p tcp -m tcp --dport 80 -m comment --comment "\\'dapp_WWW\\'" -j ACCEPT`,
      'ufw | ufw allow WWW',
    ],
    ['-A ufw-user-input -p tcp -m tcp --dport 8443 -j ufw-user-logging-input', 'ufw | '],
    [
      '-A ufw-user-forward -d 10.9.0.5/32 -i eth0 -o eth1 -p tcp -m tcp --dport 80 -j ACCEPT',
      'ufw | ufw route allow in on eth0 out on eth1 from any to 10.9.0.5 port 80 proto tcp',
    ],
    [
      '-A ufw6-user-input -s 2001:db8::/32 -p tcp -m tcp --dport 9100 -j ACCEPT',
      'ufw | ufw allow from 2001:db8::/32 to any port 9100 proto tcp',
    ],
    ['-A INPUT -j ufw-before-input', 'ufw | '],
    ['-A ufw-before-input -i lo -j ACCEPT', 'ufw | '],
  ]);
  for (const [text, origin] of found) assert.match(origin, /^ufw \| /, text);
});

test('docker: published ports, and rules of the user', () => {
  const found = origins('docker.iptables-save');
  assertOrigins(found, [
    [
      '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
      'docker | docker run --publish 8080:80/tcp (container 172.17.0.2)',
    ],
    [
      '-A DOCKER -d 127.0.0.1/32 ! -i br-0123456789ab -p tcp -m tcp --dport 5432 -j DNAT --to-destination 172.18.0.3:5432',
      'docker | docker run --publish 127.0.0.1:5432:5432/tcp (container 172.18.0.3)',
    ],
    [
      '-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
      'docker | published port 80/tcp of container 172.17.0.2',
    ],
    ['-A DOCKER-USER -s 203.0.113.0/24 -j DROP', 'docker | -A DOCKER-USER -s 203.0.113.0/24 -j DROP'],
    ['-A DOCKER-USER -j RETURN', 'docker | '],
    ['-A FORWARD -i br-0123456789ab -o br-0123456789ab -j ACCEPT', 'docker | '],
    ['-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER', 'docker | '],
    ['-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE', 'docker | '],
    ['-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE', ''],
  ]);
});

test('the other front ends by their chains', () => {
  assertOrigins(origins('others.iptables-save'), [
    ['-A INPUT -j QUIETDOOR-IN', 'quietdoor | '],
    [
      '-A QUIETDOOR-IN -s 10.20.0.0/16 -p tcp -m tcp --dport 5432 -m comment --comment "quietdoor: entry pg-orders" -j RETURN',
      'quietdoor | entry pg-orders',
    ],
    ['-A QUIETDOOR-IN -m comment --comment "quietdoor: not approved" -j DROP', 'quietdoor | '],
    ['-A ts-input -i tailscale0 -j ACCEPT', 'tailscale | '],
    ['-A LIBVIRT_INP -i virbr0 -p udp -m udp --dport 53 -j ACCEPT', 'libvirt | '],
    [
      '-A f2b-sshd -s 203.0.113.7/32 -j REJECT --reject-with icmp-port-unreachable',
      'fail2ban | jail sshd: ban 203.0.113.7',
    ],
    ['-A f2b-sshd -j RETURN', 'fail2ban | '],
    [
      '-A KUBE-SERVICES -d 10.96.0.20/32 -p tcp -m comment --comment "default/web:http has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable',
      'kubernetes | service default/web:http',
    ],
    [
      '-A IN_public_allow -s 10.0.0.0/8 -p tcp -m tcp --dport 5432 -m conntrack --ctstate NEW,UNTRACKED -j ACCEPT',
      'firewalld | zone public: allow 5432/tcp from 10.0.0.0/8',
    ],
    ['-A IN_public_deny -s 192.0.2.0/24 -j DROP', 'firewalld | zone public: deny everything from 192.0.2.0/24'],
    ['-A INPUT -j INPUT_ZONES', 'firewalld | '],
    ['-A INPUT -p tcp -m tcp --dport 3000 -j ACCEPT', ''],
  ]);
});

test("firewalld's own table of nftables", () => {
  const rule = (chain: string, expr: readonly unknown[]) => ({
    rule: { family: 'inet', table: 'firewalld', chain, handle: 9, expr },
  });
  const text = JSON.stringify({
    nftables: [
      { table: { family: 'inet', name: 'firewalld', handle: 1 } },
      { chain: { family: 'inet', table: 'firewalld', name: 'filter_IN_public_allow', handle: 2 } },
      rule('filter_IN_public_allow', [
        { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 22 } },
        { accept: null },
      ]),
    ],
  });
  const [chain] = readRuleset([{ name: 'nft', text }]).layers[0]?.chains ?? [];
  assert.deepEqual(chain?.rules[0]?.origin, { frontEnd: 'firewalld', userRule: 'zone public: allow 22/tcp' });
});
