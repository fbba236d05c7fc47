import type { AddressFamily } from '../../src/model/listener.ts';
import type { Random } from './random.ts';
import type { Vocabulary } from './vocabulary.ts';

export type NftTable = 'inet' | 'ip' | 'ip6';
export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** What a rule may use where it stands. */
export interface RuleSpot {
  readonly table: NftTable;
  readonly hook: NftHook;
  /** Chains that it may jump to. */
  readonly chains: readonly string[];
  readonly nat: boolean;
}

export interface NftOptions {
  /** Rules whose outcome a snapshot cannot decide. */
  readonly unknowns: boolean;
  /** Chains of the hooks that only sent-on packets and answers meet; translations to other hosts. */
  readonly forward: boolean;
  /** Chains that answers meet; then nothing that only one packet of a connection would be. */
  readonly output: boolean;
}

const ORDER = / [<>]=? /;

/** Makes single rules. Every part of the language that the engine models is a line here. */
export class NftRules {
  readonly words: Vocabulary;
  readonly #random: Random;
  readonly #options: NftOptions;
  readonly #families: readonly AddressFamily[];
  readonly #sets: ReadonlyArray<{ readonly name: string; readonly kind: string }>;
  /** What the rule being made is about, so that its parts seldom contradict each other: nft refuses those. */
  #family: AddressFamily = 'ipv4';
  #protocol = 'tcp';

  constructor(
    words: Vocabulary,
    options: NftOptions,
    families: readonly AddressFamily[],
    sets: ReadonlyArray<{ readonly name: string; readonly kind: string }>,
  ) {
    this.words = words;
    this.#random = words.random;
    this.#options = options;
    this.#families = families;
    this.#sets = sets;
  }

  #named(kind: string): string | null {
    const fitting = this.#sets.filter((one) => one.kind === kind);
    return fitting.length === 0 ? null : `@${this.#random.pick(fitting).name}`;
  }

  make(spot: RuleSpot): string {
    const random = this.#random;
    const parts: string[] = [];
    this.#family = random.pick(this.#families);
    this.#protocol = random.pick(['tcp', 'tcp', 'tcp', 'udp']);
    for (let i = random.pick([0, 1, 1, 1, 2, 2, 3]); i > 0; i--) {
      const match = this.#match(spot);
      // nft lists two of these in a row as one range, of whatever fields they are: no reader can tell
      if (!ORDER.test(match) || !parts.some((part) => ORDER.test(part))) parts.push(match);
    }
    if (random.chance(0.12)) parts.push('counter');
    if (random.chance(0.06)) parts.push('log prefix "x: "');
    if (random.chance(spot.hook === 'prerouting' && !spot.nat ? 0.35 : 0.15)) parts.push(this.#statement(spot));
    parts.push(this.#ending(spot));
    if (random.chance(0.05)) parts.push('comment "a rule"');
    const text = parts.filter((part) => part !== '').join(' ');
    return text === '' ? 'counter' : text;
  }

  #match(spot: RuleSpot): string {
    const random = this.#random;
    const { words } = this;
    const family = this.#family;
    const protocol = this.#protocol;
    const ip = family === 'ipv4' ? 'ip' : 'ip6';
    const saddr = `${ip} saddr`;
    const not = random.chance(0.25) ? '!= ' : '';
    const interfaces = ['wire0', 'wire1', 'ctr0', 'lo', 'nosuch'];
    const layer4 = random.chance(0.15) ? 'th' : protocol;
    const states = random.some(['new', 'established', 'related', 'invalid', 'untracked'], random.between(1, 3));
    const port = () => String(words.port());
    const range = () => {
      const { from, to } = words.portRange();
      return `${from}-${to}`;
    };
    const flags = ['fin', 'syn', 'rst', 'ack', 'psh', 'urg'];
    const early = spot.hook === 'prerouting' || spot.hook === 'input';
    const choices: Array<() => string | null> = [
      () => `${saddr} ${not}${words.block(family)}`,
      () => `${saddr} ${not}${words.block(family)}`,
      () => `${saddr} ${not}${words.range(family)}`,
      () => `${saddr} ${random.pick(['<', '>', '<=', '>='])} ${words.single(family)}`,
      () => `${saddr} ${not}{ ${words.apart(family, random.between(1, 5), true).join(', ')} }`,
      () => {
        const name = this.#named(`set ${family}`);
        return name && `${saddr} ${not}${name}`;
      },
      () => {
        const { mask, value } = words.masked(family);
        return `${saddr} & ${mask} ${random.chance(0.2) ? '!=' : '=='} ${value}`;
      },
      () => `${ip} daddr ${not}${words.hostAddress(family)}`,
      () =>
        `${ip} daddr ${not}{ ${random.some(family === 'ipv4' ? ['10.77.0.1', '10.77.0.2', '10.78.0.0/24', '172.17.0.0/16'] : ['fd77::1', 'fd77::2', 'fd78::/64', 'fd17::/64'], 2).join(', ')} }`,
      () => `${layer4} dport ${not}${port()}`,
      () => `${layer4} dport ${not}${port()}`,
      () => `${layer4} dport ${not}${range()}`,
      () => `${layer4} dport ${not}{ ${words.ports(3).join(', ')} }`,
      () => `${layer4} dport ${random.pick(['<', '>', '<=', '>='])} ${port()}`,
      () => {
        const name = this.#named('set port');
        return name && `${layer4} dport ${not}${name}`;
      },
      () => {
        if (this.#options.output || !random.chance(0.6)) return null;
        const { from, to } = words.sourcePortRange();
        return `${layer4} sport ${not}${from === to ? from : `${from}-${to}`}`;
      },
      () => `meta l4proto ${random.chance(0.1) ? random.pick(['!= icmp', '{ tcp, udp }', '!= 6', 'icmp']) : protocol}`,
      () =>
        spot.table === 'ip6'
          ? `ip6 nexthdr ${not}${protocol}`
          : spot.table === 'ip'
            ? `ip protocol ${not}${protocol}`
            : `meta nfproto ${not}${family}`,
      () => `meta protocol ${not}${ip}`,
      () => `iifname ${not}"${random.pick([...interfaces, 'wire*', 'w*'])}"`,
      () => `iif ${not}${random.pick(['wire0', 'wire1', 'lo'])}`,
      () => `iifname ${not}{ ${random.some(['"wire0"', '"wire1"', '"ctr0"'], 2).join(', ')} }`,
      () => {
        const name = this.#named('set name');
        return name && `iifname ${not}${name}`;
      },
      () => `oifname ${not}"${random.pick([...interfaces, 'ctr*'])}"`,
      () =>
        protocol === 'tcp'
          ? `tcp flags ${random.pick(['syn', '!= syn', 'syn / fin,syn,rst,ack', 'syn,ack / syn,ack', `& (${random.some(flags, 3).join('|')}) == ${random.pick(flags)}`, `& (fin|syn|rst|ack) != ${random.pick(flags)}`, '& (syn|ack) == (syn|ack)', 'fin,syn', '{ syn, ack }', 'ack', '! ack'])}`
          : null,
      () =>
        `ct state ${random.chance(0.2) ? '!= ' : ''}${random.chance(0.3) && states.length > 1 ? `{ ${states.join(', ')} }` : states.join(',')}`,
      () => `ct state ${random.pick(['new', 'established,related', 'new', 'invalid', 'untracked'])}`,
      () => `ct state ${random.pick(['new', 'invalid', 'untracked', '!= new', '!= untracked'])}`,
      () => `ct direction ${random.pick(['original', 'reply'])}`,
      () => `ct status ${random.pick(['dnat', 'snat', 'confirmed', 'assured', 'seen-reply', '!= dnat'])}`,
      () => `ct mark ${random.pick(['0', '1', '!= 1', '3', '{ 1, 3 }', 'and 0x3 == 0x1', '0-3'])}`,
      () =>
        `meta mark ${random.pick(['0', '1', '!= 1', '3', '{ 1, 3 }', 'and 0x2 == 0x2', 'and 0xf0 == 0', '1-10', '0xff'])}`,
      () => {
        const name = this.#named('set mark');
        return name && `meta mark ${not}${name}`;
      },
      () =>
        early || spot.hook === 'forward'
          ? `fib daddr type ${not}${random.pick(['local', 'unicast', 'broadcast', 'multicast', '{ local, broadcast }'])}`
          : null,
      () => (spot.hook === 'prerouting' ? `fib daddr . iif type ${random.pick(['local', 'unicast'])}` : null),
      () => `${saddr} . ${layer4} dport ${not}{ ${words.pairs(family).join(', ')} }`,
      () => {
        const name = this.#named(`set ${family} port`);
        return name && `${saddr} . ${layer4} dport ${not}${name}`;
      },
      () => `iifname . ${layer4} dport { "wire0" . ${port()}, "wire1" . ${port()} }`,
      () => `meta l4proto . th dport { tcp . ${port()}, udp . ${port()} }`,
      () => `ct original ${ip} daddr ${not}${words.hostAddress(family)}`,
      () => `ct original ${ip} saddr ${not}${words.block(family)}`,
      () => `meta l4proto ${protocol} ct original proto-dst ${not}${port()}`,
    ];
    if (this.#options.unknowns && random.chance(0.4))
      return random.pick([
        'limit rate 1/minute',
        'limit rate 1000000/second',
        'limit rate over 5/second',
        'meta skuid 0',
        'meta skuid != 0',
        `${ip === 'ip' ? 'ip ttl' : 'ip6 hoplimit'} ${random.pick(['64', '< 64', '> 10', '!= 64'])}`,
        `${ip === 'ip' ? 'ip length' : 'ip6 length'} ${random.pick(['< 50', '>= 40', '36-60'])}`,
        'meta length < 60',
        `meta pkttype ${random.pick(['host', 'broadcast', '!= host'])}`,
        `${ip} dscp ${random.pick(['cs0', '!= cs0', 'ef'])}`,
        'tcp option maxseg size > 1',
        'numgen random mod 2 0',
        'quota over 5000 bytes',
        'ct count over 3',
        'ether saddr 06:00:00:00:00:05',
        'meta cgroup 5',
        'meta priority 0',
        'ip6 hoplimit 64',
        '@nh,0,4 4',
        '@th,96,8 & 0xf0 == 0x50',
        'tcp window 1024',
        'tcp sequence < 100',
        'jhash ip saddr mod 4 2',
      ]);
    // what conntrack says before it has looked
    if (spot.hook === 'prerouting' && !spot.nat && random.chance(0.25))
      return `ct state ${random.pick(['new', 'invalid', 'untracked', '!= new', 'established'])}`;
    for (;;) {
      const text = random.pick(choices)();
      if (text !== null) return text;
    }
  }

  /** What a rule does besides its verdict. */
  #statement(spot: RuleSpot): string {
    const random = this.#random;
    const choices = [
      `meta mark set ${random.pick(['1', '3', '0xff', 'meta mark or 0x2', 'meta mark and 0xf0', 'meta mark xor 0x3', 'ct mark'])}`,
      `ct mark set ${random.pick(['1', '3', 'meta mark', 'ct mark or 0x1', 'ct mark and 0x2'])}`,
    ];
    if (spot.hook === 'prerouting' && !spot.nat) choices.push('notrack', 'notrack', 'notrack');
    if (this.#options.unknowns) choices.push('meta mark set numgen random mod 4', 'limit rate 3/second');
    return random.pick(choices);
  }

  #ending(spot: RuleSpot): string {
    const random = this.#random;
    if (spot.nat) return random.chance(0.15) ? this.#plainVerdict(spot) : this.#translation(spot);
    if (random.chance(0.12)) return this.#verdictMap(spot);
    return this.#plainVerdict(spot);
  }

  #plainVerdict(spot: RuleSpot): string {
    const random = this.#random;
    // what comes first should seldom end everything
    const choices =
      spot.hook === 'prerouting'
        ? ['accept', 'accept', 'accept', 'return', 'drop', '', '', '']
        : ['accept', 'accept', 'accept', 'drop', 'drop', 'return', 'continue', ''];
    if (spot.chains.length > 0) {
      const chain = random.pick(spot.chains);
      choices.push(`jump ${chain}`, `jump ${chain}`, `goto ${chain}`);
    }
    if (spot.hook !== 'postrouting' && spot.hook !== 'prerouting' && !spot.nat) {
      choices.push('reject');
      if (this.#protocol === 'tcp') choices.push('reject with tcp reset');
      if (spot.table === 'inet') choices.push('reject with icmpx type admin-prohibited');
    }
    return random.pick(choices);
  }

  #verdict(spot: RuleSpot): string {
    const random = this.#random;
    if (spot.chains.length > 0 && random.chance(0.3))
      return `${random.pick(['jump', 'goto'])} ${random.pick(spot.chains)}`;
    return random.pick(['accept', 'accept', 'drop', 'drop', 'return', 'continue']);
  }

  #verdictMap(spot: RuleSpot): string {
    const random = this.#random;
    const { words } = this;
    const family = this.#family;
    const protocol = this.#protocol;
    const ip = family === 'ipv4' ? 'ip' : 'ip6';
    const verdict = () => this.#verdict(spot);
    const map = (elements: readonly string[]) => `vmap { ${elements.join(', ')} }`;
    const choices: Array<() => string | null> = [
      () => `${protocol} dport ${map(words.ports(3).map((port) => `${port} : ${verdict()}`))}`,
      () => `${ip} saddr ${map(words.apart(family, random.between(1, 4), true).map((e) => `${e} : ${verdict()}`))}`,
      () => `${ip} saddr . ${protocol} dport ${map(words.pairs(family).map((e) => `${e} : ${verdict()}`))}`,
      () =>
        `ct state ${map(random.some(['new', 'established', 'invalid', 'untracked'], 3).map((state) => `${state} : ${verdict()}`))}`,
      () => `iifname ${map(random.some(['"wire0"', '"wire1"', '"lo"'], 2).map((name) => `${name} : ${verdict()}`))}`,
      () => `meta l4proto ${map(random.some(['tcp', 'udp', 'icmp'], 2).map((name) => `${name} : ${verdict()}`))}`,
      () => `meta mark ${map(['0', '1', '3'].map((mark) => `${mark} : ${verdict()}`))}`,
      () => {
        const name = this.#named(`map ${family}`);
        return name && `${ip} saddr vmap ${name}`;
      },
      () => {
        const name = this.#named(`map ${family} port`);
        return name && `${ip} saddr . ${protocol} dport vmap ${name}`;
      },
      () => {
        const name = this.#named('map port');
        return name && `${protocol} dport vmap ${name}`;
      },
    ];
    for (;;) {
      const text = random.pick(choices)();
      if (text !== null) return text;
    }
  }

  #translation(spot: RuleSpot): string {
    const random = this.#random;
    const { words } = this;
    const family = this.#family;
    const ip = family === 'ipv4' ? 'ip' : 'ip6';
    const to = spot.table === 'inet' ? `${ip} to` : 'to';
    if (spot.hook === 'postrouting')
      return random.pick(['masquerade', 'masquerade', `snat ${to} ${words.hostAddress(family)}`, 'accept']);
    const proto = this.#protocol;
    const guard = random.chance(0.6)
      ? `${proto} dport ${random.chance(0.5) ? words.port() : `{ ${words.ports(2).join(', ')} }`}`
      : `meta l4proto ${proto}`;
    const port = `:${words.port()}`;
    const at = (address: string) => (family === 'ipv6' ? `[${address}]` : address);
    const local = words.hostAddress(family);
    const other = words.containerAddress(family);
    const only = spot.table === 'inet' ? `meta nfproto ${family} ` : '';
    const choices = [
      `${guard} redirect to ${port}`,
      `${guard} redirect to ${port}`,
      `${guard} redirect`,
      `${only}${guard} dnat ${to} ${at(local)}${port}`,
      `${only}${guard} dnat ${to} ${local}`,
    ];
    if (this.#options.forward)
      choices.push(
        `${only}${guard} dnat ${to} ${at(other)}${port}`,
        `${only}${guard} dnat ${to} ${at(other)}${port}`,
        `${only}${guard} dnat ${to} ${other}`,
      );
    if (random.chance(0.1)) {
      words.edges.ports.push(1000, 1003);
      choices.push(`${guard} redirect to :1000-1003`);
    }
    if (random.chance(0.1) && family === 'ipv4')
      choices.push(`${only}${proto} dport { 80, 443 } dnat ${to} tcp dport map { 80 : 10.77.0.2, 443 : 172.17.0.2 }`);
    return random.pick(choices);
  }
}
