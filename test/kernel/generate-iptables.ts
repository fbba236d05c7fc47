import type { AddressFamily } from '../../src/model/listener.ts';
import type { KernelCase, Line } from './kernel-case.ts';
import { fixed, removable } from './observe.ts';
import { Random } from './random.ts';
import { CONTAINER_ADDRESSES, HOST_ADDRESSES, Vocabulary } from './vocabulary.ts';

const TABLES = {
  raw: ['PREROUTING'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'],
  nat: ['PREROUTING', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD'],
} as const;
type TableName = keyof typeof TABLES;

interface MadeSet {
  readonly name: string;
  readonly family: AddressFamily | 'any';
  /** Directions to write after the name: `src`, `src,dst`. */
  readonly directions: string;
}

/** Random rulesets of iptables and ip6tables, with sets of ipset. */
class IptablesGenerator {
  readonly words: Vocabulary;
  readonly ipset: Line[] = [];
  readonly #random: Random;
  readonly #unknowns: boolean;
  readonly #sets: MadeSet[] = [];

  constructor(random: Random, unknowns: boolean) {
    this.#random = random;
    this.#unknowns = unknowns;
    this.words = new Vocabulary(random);
  }

  makeSets(): void {
    const random = this.#random;
    if (random.chance(0.5)) return;
    for (const family of ['ipv4', 'ipv6'] as const) for (let n = random.below(4); n > 0; n--) this.#makeSet(family, n);
    if (random.chance(0.3)) {
      this.#create('ports', 'any', 'bitmap:port range 0-65535', 'dst', this.words.ports(3).map(String));
    }
  }

  #create(
    name: string,
    family: MadeSet['family'],
    header: string,
    directions: string,
    elements: readonly string[],
  ): void {
    this.#sets.push({ name, family, directions });
    this.ipset.push(fixed(`create ${name} ${header}`));
    for (const element of new Set(elements)) this.ipset.push(removable(`add ${name} ${element} -exist`));
  }

  #makeSet(family: AddressFamily, number: number): void {
    const random = this.#random;
    const { words } = this;
    const name = `s${number}${family}`;
    const kind = family === 'ipv4' ? 'family inet' : 'family inet6';
    const several = (make: () => string) => Array.from({ length: random.between(1, 5) }, make);
    const port = () => random.pick([`${words.port()}`, `tcp:${words.port()}`, `udp:${words.port()}`]);
    // nets of length 0 are refused
    const choices: Array<() => void> = [
      () =>
        this.#create(
          name,
          family,
          `hash:ip ${kind}`,
          'src',
          several(() => words.single(family)),
        ),
      () =>
        this.#create(
          name,
          family,
          `hash:net ${kind}`,
          'src',
          several(() => `${words.block(family)}${random.chance(0.2) ? ' nomatch' : ''}`),
        ),
      () =>
        this.#create(
          name,
          family,
          `hash:ip,port ${kind}`,
          'src,dst',
          several(() => `${words.single(family)},${port()}`),
        ),
      () =>
        this.#create(
          name,
          family,
          `hash:net,port ${kind}`,
          'src,dst',
          several(() => `${words.block(family)},${port()}`),
        ),
      () =>
        this.#create(
          name,
          family,
          `hash:net,iface ${kind}`,
          'src,src',
          several(() => `${words.block(family)},${random.pick(['wire0', 'wire1'])}`),
        ),
      () =>
        this.#create(
          name,
          family,
          `hash:ip,port,ip ${kind}`,
          'src,dst,dst',
          several(() => `${words.single(family)},${port()},${words.hostAddress(family)}`),
        ),
      () =>
        this.#create(
          name,
          family,
          `hash:ip,port,net ${kind}`,
          'dst,dst,src',
          several(() => `${words.hostAddress(family)},${port()},${words.block(family)}`),
        ),
    ];
    random.pick(choices)();
  }

  generate(family: AddressFamily): Line[] {
    const random = this.#random;
    const lines: Line[] = [];
    for (const table of ['raw', 'mangle', 'nat', 'filter'] as const)
      if (table === 'filter' || random.chance(table === 'nat' ? 0.5 : 0.35)) lines.push(...this.#table(family, table));
    return lines;
  }

  #table(family: AddressFamily, table: TableName): Line[] {
    const random = this.#random;
    const lines: Line[] = [fixed(`*${table}`)];
    const bases = TABLES[table];
    const users = Array.from({ length: random.below(4) }, (_, i) => `U${i}`);
    const policies = new Map<string, string>();
    for (const base of bases) {
      const strict = table === 'filter' ? 0.5 : table === 'nat' ? 0 : 0.1;
      policies.set(base, random.chance(strict) ? 'DROP' : 'ACCEPT');
      lines.push(fixed(`:${base} ${policies.get(base)} [0:0]`));
    }
    for (const user of users) lines.push(fixed(`:${user} - [0:0]`));
    users.forEach((user, i) => {
      // nat chains of the users may be reached from one hook only
      for (let n = random.between(1, 4); n > 0; n--)
        lines.push(removable(`-A ${user} ${this.#rule(family, table, bases[0], users.slice(i + 1), true)}`));
    });
    for (const base of bases)
      for (let n = random.between(table === 'filter' ? 2 : 0, table === 'filter' ? 8 : 3); n > 0; n--) {
        const reachable = table === 'nat' && base !== bases[0] ? [] : users;
        lines.push(removable(`-A ${base} ${this.#rule(family, table, base, reachable, false)}`));
      }
    lines.push(fixed('COMMIT'));
    return lines;
  }

  #rule(family: AddressFamily, table: TableName, hook: string, chains: readonly string[], user: boolean): string {
    const random = this.#random;
    const protocol = random.pick(['tcp', 'tcp', 'tcp', 'udp', 'all', 'all']);
    const parts = protocol === 'all' ? [] : [random.chance(0.06) ? `! -p ${protocol}` : `-p ${protocol}`];
    const ported = parts.length > 0 && !parts[0]?.startsWith('!');
    for (let n = random.pick([0, 1, 1, 1, 2, 2, 3]); n > 0; n--) {
      const match = this.#match(family, hook, ported ? protocol : 'all', user);
      // each option once per rule
      if (match !== '' && !parts.some((part) => optionOf(part) === optionOf(match))) parts.push(match);
    }
    if (random.chance(0.05)) parts.push('-m comment --comment "it\'s \\"quoted\\" ! -j DROP"');
    parts.push(this.#target(family, table, hook, chains, ported ? protocol : 'all'));
    return parts.filter((part) => part !== '').join(' ');
  }

  #match(family: AddressFamily, hook: string, protocol: string, user: boolean): string {
    const random = this.#random;
    const { words } = this;
    const not = random.chance(0.25) ? '! ' : '';
    const host = random.pick(HOST_ADDRESSES[family]);
    const before = hook === 'PREROUTING' && !user;
    const states = random
      .some(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'], random.between(1, 3))
      .join(',');
    const ported = protocol !== 'all';
    const sets = this.#sets.filter((set) => set.family === family || set.family === 'any');
    const range = () => {
      const { from, to } = words.portRange();
      return `${from}:${to}`;
    };
    const choices: Array<() => string> = [
      () => `${not}-s ${words.block(family)}`,
      () => `${not}-s ${words.block(family)}`,
      () => `${not}-s ${words.block(family)}`,
      () => {
        if (!random.chance(0.3)) return '';
        const { mask, value } = words.masked(family);
        return `${not}-s ${value}/${mask}`;
      },
      () => `${not}-d ${host}`,
      () => (ported ? `-m ${protocol} ${not}--dport ${words.port()}` : ''),
      () => (ported ? `-m ${protocol} ${not}--dport ${words.port()}` : ''),
      () => (ported ? `-m ${protocol} ${not}--dport ${range()}` : ''),
      () => {
        if (!ported || !random.chance(0.4)) return '';
        const { from, to } = words.sourcePortRange();
        return `-m ${protocol} ${not}--sport ${from === to ? from : `${from}:${to}`}`;
      },
      () => (ported ? `-m multiport ${not}--dports ${words.ports(2).join(',')},${range()}` : ''),
      () => {
        if (!ported || !random.chance(0.2)) return '';
        const { from, to } = words.sourcePortRange();
        return `-m multiport ${not}${random.pick(['--sports', '--ports'])} ${from === to ? from : `${from}:${to}`}`;
      },
      () => `-m iprange ${not}--src-range ${words.range(family)}`,
      () => `-m iprange ${not}--dst-range ${family === 'ipv4' ? '10.77.0.1-10.77.0.9' : 'fd77::1-fd77::1:0'}`,
      () => {
        if (sets.length === 0) return '';
        const set = random.pick(sets);
        return `-m set ${not}--match-set ${set.name} ${set.directions}`;
      },
      () => `-m conntrack ${not}--ctstate ${states}`,
      () => `-m conntrack --ctstate ${random.pick(['NEW', 'RELATED,ESTABLISHED', 'INVALID', 'NEW,UNTRACKED'])}`,
      () => `-m state ${not}--state ${states}`,
      () => `-m conntrack --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
      () => `-m conntrack ${not}--ctstate ${random.pick(['DNAT', 'SNAT', 'DNAT,NEW'])}`,
      () => `-m conntrack ${not}--ctstatus ${random.pick(['NONE', 'SEEN_REPLY', 'CONFIRMED', 'ASSURED'])}`,
      () => `-m conntrack ${not}--ctorigdst ${host}`,
      () => `-m conntrack ${not}--ctorigdstport ${words.port()}`,
      () => `-m conntrack ${not}--ctorigsrc ${words.block(family)}`,
      () =>
        protocol === 'tcp'
          ? random.pick([
              '--syn',
              '! --syn',
              '--tcp-flags SYN,ACK SYN',
              '--tcp-flags FIN,SYN,RST,ACK SYN',
              '--tcp-flags ALL SYN',
              '--tcp-flags SYN,FIN SYN,FIN',
              '! --tcp-flags ALL NONE',
              '--tcp-flags ALL NONE',
            ])
          : '',
      () => `-m mark ${not}--mark ${random.pick(['0x1', '0', '0x3/0x3', '0x1/0x1', '0x2/0xf2'])}`,
      () => `-m connmark ${not}--mark ${random.pick(['0x1', '0', '0x1/0x1'])}`,
      () =>
        `-m addrtype ${not}--dst-type ${random.pick(family === 'ipv4' ? ['LOCAL', 'UNICAST', 'BROADCAST', 'LOCAL,BROADCAST', 'MULTICAST'] : ['LOCAL', 'UNICAST', 'MULTICAST'])}`,
      () => `-m addrtype ${not}--src-type ${random.pick(['LOCAL', 'UNICAST'])}`,
      () => (before ? '-m addrtype --dst-type LOCAL --limit-iface-in' : ''),
      () =>
        hook !== 'POSTROUTING' ? `${not}-i ${random.pick(['wire0', 'wire1', 'wire+', 'lo', 'ctr0', 'eth+'])}` : '',
      () => (hook === 'FORWARD' || hook === 'POSTROUTING' ? `${not}-o ${random.pick(['ctr0', 'wire0', 'ctr+'])}` : ''),
    ];
    if (this.#unknowns && random.chance(0.4))
      return random.pick([
        '-m limit --limit 1/min --limit-burst 1',
        '-m limit --limit 10000/sec',
        `-m length --length ${random.pick(['0:50', '40', '! --length 44'].slice(0, 2))}`,
        family === 'ipv4' ? '-m ttl --ttl-lt 65' : '-m hl --hl-gt 60',
        '-m pkttype --pkt-type unicast',
        '-m statistic --mode random --probability 0.5',
        '-m mac --mac-source 06:00:00:00:00:07',
        '-m recent --rcheck --name x --rsource',
        '-m connlimit --connlimit-above 2',
        '-m string --string abc --algo bm',
        '-m u32 --u32 "0&0xf0000000=0x40000000"',
        '-m hashlimit --hashlimit-upto 5/sec --hashlimit-name h --hashlimit-mode srcip',
        '-m dscp --dscp 0',
        '-m time --timestart 01:00 --timestop 02:00',
      ]);
    return random.pick(choices)();
  }

  #target(family: AddressFamily, table: TableName, hook: string, chains: readonly string[], protocol: string): string {
    const random = this.#random;
    const { words } = this;
    if (chains.length > 0 && random.chance(0.25)) return `${random.pick(['-j', '-j', '-g'])} ${random.pick(chains)}`;
    const at = (address: string, port: number | null) =>
      port === null ? address : `${family === 'ipv6' ? `[${address}]` : address}:${port}`;
    if (table === 'nat') {
      if (hook === 'POSTROUTING') return random.pick(['-j MASQUERADE', '-j ACCEPT', '-j RETURN']);
      if (random.chance(0.2)) return random.pick(['-j ACCEPT', '-j RETURN']);
      const port = protocol === 'all' ? null : random.chance(0.7) ? words.port() : null;
      const to = random.pick([...HOST_ADDRESSES[family], ...CONTAINER_ADDRESSES[family]]);
      return random.pick([
        protocol === 'all' ? '-j REDIRECT' : `-j REDIRECT --to-ports ${words.port()}`,
        `-j DNAT --to-destination ${at(to, port)}`,
        `-j DNAT --to-destination ${at(to, port)}`,
      ]);
    }
    const verdicts = [
      '-j ACCEPT',
      '-j ACCEPT',
      '-j ACCEPT',
      '-j DROP',
      '-j DROP',
      '-j RETURN',
      '-j LOG --log-prefix "x y: "',
      '',
    ];
    if (table === 'raw') verdicts.push('-j CT --notrack', '-j NOTRACK', '-j CT --notrack');
    if (table === 'mangle' || table === 'raw')
      verdicts.push(
        '-j MARK --set-mark 0x1',
        '-j MARK --set-xmark 0x3/0x3',
        '-j MARK --or-mark 0x2',
        '-j MARK --and-mark 0xf1',
      );
    if (table === 'mangle')
      verdicts.push(
        '-j CONNMARK --set-mark 0x1',
        '-j CONNMARK --save-mark',
        '-j CONNMARK --restore-mark',
        '-j CONNMARK --set-xmark 0x1/0x3',
      );
    if (table === 'filter') {
      verdicts.push('-j REJECT');
      if (protocol === 'tcp') verdicts.push('-j REJECT --reject-with tcp-reset');
    }
    return random.pick(verdicts);
  }
}

/** What makes two conditions of a rule the same option, which may stand there once. */
function optionOf(part: string): string {
  const words = part.split(' ').filter((word) => word !== '!');
  const name =
    words[0] === '-m' && (words[1] === 'tcp' || words[1] === 'udp')
      ? words[2]
      : words[0] === '-m'
        ? words[1]
        : words[0];
  return name === '--syn' ? '--tcp-flags' : (name ?? '');
}

/** A case of the mode `iptables` (nft behind it) or `legacy`. */
export function generateIptables(mode: 'iptables' | 'legacy', seed: number): KernelCase {
  const random = new Random(seed);
  const generator = new IptablesGenerator(random, random.chance(0.12));
  generator.makeSets();
  const iptables = generator.generate('ipv4');
  const ip6tables = generator.generate('ipv6');
  const edges = { ...generator.words.edges };
  return { mode, seed, nft: [], iptables, ip6tables, ipset: generator.ipset, legacy: mode === 'legacy', edges };
}
