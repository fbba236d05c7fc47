import type { AddressFamily } from '../../src/model/listener.ts';
import type { KernelCase, Line } from './kernel-case.ts';
import { fixed, removable } from './observe.ts';
import { Random } from './random.ts';
import { CONTAINER_ADDRESSES, Vocabulary } from './vocabulary.ts';

/** Rules as ufw and Docker write them, with random user rules and published ports: the container is behind `ctr0`. */
export function generateDocker(seed: number): KernelCase {
  const random = new Random(seed);
  const words = new Vocabulary(random);
  const iptables = makeTables(words, 'ipv4');
  const ip6tables = makeTables(words, 'ipv6');
  const legacy = random.chance(0.5);
  return { mode: 'docker', seed, nft: [], iptables, ip6tables, ipset: [], legacy, edges: words.edges };
}

function makeTables(words: Vocabulary, family: AddressFamily): Line[] {
  const { random } = words;
  const published = words.ports(random.between(1, 3)).map((port) => ({
    port,
    inside: random.chance(0.5) ? port : words.port(),
    container: random.pick(CONTAINER_ADDRESSES[family]),
    only: random.chance(0.2) ? `-d ${words.hostAddress(family)} ` : '',
  }));
  const network = family === 'ipv4' ? '172.17.0.0/16' : 'fd17::/64';
  const loopback = family === 'ipv4' ? '127.0.0.0/8' : '::1/128';
  const to = (container: string, port: number) => `${family === 'ipv6' ? `[${container}]` : container}:${port}`;
  return [
    ...['*nat', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':POSTROUTING ACCEPT [0:0]', ':DOCKER - [0:0]'].map(
      fixed,
    ),
    ...[
      '-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER',
      `-A OUTPUT ! -d ${loopback} -m addrtype --dst-type LOCAL -j DOCKER`,
      `-A POSTROUTING -s ${network} ! -o ctr0 -j MASQUERADE`,
      '-A DOCKER -i ctr0 -j RETURN',
      ...published.map(
        ({ port, inside, container, only }) =>
          `-A DOCKER ${only}! -i ctr0 -p tcp -m tcp --dport ${port} -j DNAT --to-destination ${to(container, inside)}`,
      ),
    ].map(removable),
    fixed('COMMIT'),
    ...filterTable(words, family, published),
  ];
}

interface Published {
  readonly inside: number;
  readonly container: string;
}

function filterTable(words: Vocabulary, family: AddressFamily, published: readonly Published[]): Line[] {
  const { random } = words;
  const icmp = family === 'ipv4' ? '-p icmp -m icmp --icmp-type 8' : '-p ipv6-icmp';
  const chains = [
    ...['DOCKER', 'DOCKER-ISOLATION-STAGE-1', 'DOCKER-ISOLATION-STAGE-2', 'DOCKER-USER'],
    ...[
      'ufw-before-input',
      'ufw-user-input',
      'ufw-not-local',
      'ufw-before-output',
      'ufw-track-output',
      'ufw-reject-input',
    ],
  ];
  const policy = (strict: number) => (random.chance(strict) ? 'DROP' : 'ACCEPT');
  const localOnly = family === 'ipv4';
  return [
    fixed('*filter'),
    fixed(`:INPUT ${policy(0.8)} [0:0]`),
    fixed(`:FORWARD ${policy(0.8)} [0:0]`),
    fixed(`:OUTPUT ${policy(0.2)} [0:0]`),
    ...chains.map((chain) => fixed(`:${chain} - [0:0]`)),
    ...[
      '-A INPUT -j ufw-before-input',
      '-A INPUT -j ufw-reject-input',
      '-A FORWARD -j DOCKER-USER',
      '-A FORWARD -j DOCKER-ISOLATION-STAGE-1',
      '-A FORWARD -o ctr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A FORWARD -o ctr0 -j DOCKER',
      '-A FORWARD -i ctr0 ! -o ctr0 -j ACCEPT',
      '-A FORWARD -i ctr0 -o ctr0 -j ACCEPT',
      '-A OUTPUT -j ufw-before-output',
      '-A OUTPUT -j ufw-track-output',
      ...published.map(
        ({ inside, container }) =>
          `-A DOCKER -d ${container} ! -i ctr0 -o ctr0 -p tcp -m tcp --dport ${inside} -j ACCEPT`,
      ),
      '-A DOCKER-ISOLATION-STAGE-1 -i ctr0 ! -o ctr0 -j DOCKER-ISOLATION-STAGE-2',
      '-A DOCKER-ISOLATION-STAGE-1 -j RETURN',
      '-A DOCKER-ISOLATION-STAGE-2 -o ctr0 -j DROP',
      '-A DOCKER-ISOLATION-STAGE-2 -j RETURN',
      ...userOfDocker(words, family),
      '-A DOCKER-USER -j RETURN',
      '-A ufw-before-input -i lo -j ACCEPT',
      '-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A ufw-before-input -m conntrack --ctstate INVALID -j DROP',
      `-A ufw-before-input ${icmp} -j ACCEPT`,
      ...(localOnly ? ['-A ufw-before-input -j ufw-not-local'] : []),
      '-A ufw-before-input -j ufw-user-input',
      ...userOfUfw(words, family),
      '-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN',
      '-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN',
      '-A ufw-not-local -j DROP',
      '-A ufw-before-output -o lo -j ACCEPT',
      '-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      '-A ufw-track-output -p tcp -m conntrack --ctstate NEW -j ACCEPT',
      ...(random.chance(0.2) ? ['-A ufw-reject-input -j REJECT'] : []),
    ].map(removable),
    fixed('COMMIT'),
  ];
}

/** What people write into DOCKER-USER. */
function userOfDocker(words: Vocabulary, family: AddressFamily): string[] {
  const { random } = words;
  const rule = () =>
    random.pick([
      `-i wire0 ! -s ${words.block(family)} -j DROP`,
      `-s ${words.block(family)} -j RETURN`,
      `-i wire1 -j DROP`,
      `-p tcp -m conntrack --ctorigdstport ${words.port()} -j DROP`,
      `-p tcp -m conntrack --ctorigdstport ${words.port()} --ctdir ORIGINAL -j DROP`,
      `-s ${words.block(family)} -p tcp -m tcp --dport ${words.port()} -j ACCEPT`,
      `-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN`,
      `-i wire0 -o ctr0 -m conntrack ! --ctstate DNAT -j DROP`,
    ]);
  return Array.from({ length: random.below(4) }, () => `-A DOCKER-USER ${rule()}`);
}

function userOfUfw(words: Vocabulary, family: AddressFamily): string[] {
  const { random } = words;
  const rule = () =>
    random.pick([
      `-p tcp -m tcp --dport ${words.port()} -j ACCEPT`,
      `-p tcp -m tcp --dport ${words.port()} -s ${words.block(family)} -j ACCEPT`,
      `-s ${words.block(family)} -j DROP`,
      `-p tcp -m multiport --dports ${words.ports(3).join(',')} -j ACCEPT`,
      `-p tcp -m tcp --dport ${words.port()} -m conntrack --ctstate NEW -j ACCEPT`,
      `-i wire1 -p tcp -m tcp --dport ${words.port()} -j REJECT --reject-with tcp-reset`,
    ]);
  return Array.from({ length: random.between(1, 6) }, () => `-A ufw-user-input ${rule()}`);
}
