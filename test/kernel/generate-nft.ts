import type { AddressFamily } from '../../src/model/listener.ts';
import type { KernelCase, Line } from './kernel-case.ts';
import { type NftHook, type NftOptions, NftRules, type NftTable, type RuleSpot } from './nft-rules.ts';
import { Random } from './random.ts';
import { Vocabulary } from './vocabulary.ts';

/** Random nftables rulesets: tables, sets and chains; nft-rules.ts fills the chains. */
class NftGenerator {
  readonly words: Vocabulary;
  readonly #random: Random;
  readonly #options: NftOptions;
  readonly #lines: Line[] = [];
  #sets: Array<{ name: string; kind: string }> = [];
  #table: NftTable = 'inet';

  constructor(random: Random, options: NftOptions) {
    this.#random = random;
    this.#options = options;
    this.words = new Vocabulary(random);
  }

  generate(): Line[] {
    const random = this.#random;
    for (let n = random.pick([1, 1, 2, 3]); n > 0; n--) this.#makeTable(n);
    if (random.chance(0.08)) this.#makeIngress();
    return this.#lines;
  }

  #line(text: string, removable = false): void {
    this.#lines.push({ text, removable });
  }

  /** A chain in front of everything, on one interface. */
  #makeIngress(): void {
    const random = this.#random;
    const { words } = this;
    this.#line(`table ${random.pick(['netdev', 'inet'])} early {`);
    this.#line('  chain ingress {');
    this.#line(
      `    type filter hook ingress device "${random.pick(['wire0', 'wire1'])}" priority ${random.pick([-500, 0])};`,
    );
    for (let i = random.between(1, 3); i > 0; i--) {
      const family = random.pick<AddressFamily>(['ipv4', 'ipv6']);
      const match = random.pick([
        `${family === 'ipv4' ? 'ip' : 'ip6'} saddr ${random.chance(0.3) ? '!= ' : ''}${words.block(family)}`,
        `tcp dport ${words.port()}`,
        `meta protocol ${family === 'ipv4' ? 'ip' : 'ip6'} udp dport { ${words.ports(2).join(', ')} }`,
      ]);
      this.#line(`    ${match} ${random.pick(['drop', 'drop', 'accept', 'return'])}`, true);
    }
    this.#line('  }');
    this.#line('}');
  }

  #makeTable(number: number): void {
    const random = this.#random;
    this.#table = random.pick<NftTable>(['inet', 'inet', 'inet', 'ip', 'ip6']);
    this.#sets = [];
    this.#line(`table ${this.#table} t${number} {`);
    this.#makeSets();
    const plain = Array.from({ length: random.below(4) }, (_, i) => `c${i}`);
    const natural = random.chance(0.4) ? ['n0'] : [];
    // later chains first: a chain may only jump to those that are there
    for (const [i, name] of [...plain.entries()].reverse())
      this.#makeChain(name, null, { hook: 'input', chains: plain.slice(i + 1), nat: false }, random.between(1, 4));
    for (const name of natural)
      this.#makeChain(name, null, { hook: 'prerouting', chains: [], nat: true }, random.between(1, 2));
    for (const base of this.#baseChains(natural)) {
      const chains = base.nat ? natural : plain;
      this.#makeChain(base.name, base.header, { hook: base.hook, chains, nat: base.nat }, base.rules);
    }
    this.#line('}');
  }

  #baseChains(natural: readonly string[]) {
    const random = this.#random;
    const { forward, output } = this.#options;
    const bases: Array<{ name: string; header: string; hook: NftHook; nat: boolean; rules: number }> = [];
    const policy = () => (random.chance(0.5) ? 'policy drop;' : random.chance(0.5) ? 'policy accept;' : '');
    const lenient = () => (random.chance(0.15) ? 'policy drop;' : '');
    const add = (name: string, type: string, hook: NftHook, priority: string | number, rest: string, rules: number) =>
      bases.push({
        name,
        header: `type ${type} hook ${hook} priority ${priority}; ${rest}`,
        hook,
        nat: type === 'nat',
        rules,
      });
    if (random.chance(0.85))
      add('input', 'filter', 'input', random.pick(['filter', 0, -10, 10, 'security']), policy(), random.between(2, 8));
    if (random.chance(0.25)) add('input2', 'filter', 'input', random.between(-5, 20), policy(), random.between(1, 4));
    if (random.chance(0.35))
      add(
        'early',
        'filter',
        'prerouting',
        random.pick(['raw', -301, -250, -201, -199, 'raw']),
        lenient(),
        random.between(1, 4),
      );
    if (random.chance(0.35))
      add('mangle', 'filter', 'prerouting', random.pick(['mangle', -101, -99, 5]), lenient(), random.between(1, 4));
    if (random.chance(forward ? 0.9 : 0.3) || natural.length > 0)
      add('pre', 'nat', 'prerouting', random.pick(['dstnat', -100, -120, -50]), '', random.between(1, 4));
    if (forward) {
      if (random.chance(0.8))
        add('forward', 'filter', 'forward', random.pick(['filter', -1, 7]), policy(), random.between(1, 6));
      if (random.chance(0.25))
        add('post', 'filter', 'postrouting', random.pick([-150, 0, 50, 200]), lenient(), random.between(1, 3));
      if (!output && random.chance(0.4)) add('source', 'nat', 'postrouting', 'srcnat', '', random.between(1, 2));
    }
    if (output) {
      const strict = random.chance(0.4) ? 'policy drop;' : '';
      if (random.chance(0.6))
        add('output', 'filter', 'output', random.pick(['filter', -10, 10]), strict, random.between(1, 4));
      if (random.chance(0.2))
        add('post', 'filter', 'postrouting', random.pick([-150, 0, 50]), lenient(), random.between(1, 3));
      if (random.chance(0.2))
        add('rawout', 'filter', 'output', random.pick(['raw', -250, 'mangle']), lenient(), random.between(1, 2));
    }
    return bases;
  }

  #makeChain(name: string, header: string | null, spot: Omit<RuleSpot, 'table'>, count: number): void {
    const rules = new NftRules(this.words, this.#options, this.#families(), this.#sets);
    this.#line(`  chain ${name} {`);
    if (header !== null) this.#line(`    ${header}`);
    for (let i = 0; i < count; i++) this.#line(`    ${rules.make({ ...spot, table: this.#table })}`, true);
    this.#line('  }');
  }

  #families(): AddressFamily[] {
    return this.#table === 'inet' ? ['ipv4', 'ipv6'] : this.#table === 'ip' ? ['ipv4'] : ['ipv6'];
  }

  /** Named sets and maps, each used by several rules. */
  #makeSets(): void {
    const random = this.#random;
    const { words } = this;
    const set = (kind: string, header: string, elements: readonly string[]) => {
      const name = `s${this.#sets.length}`;
      this.#sets.push({ name, kind });
      const body = elements.length === 0 ? '' : `elements = { ${elements.join(', ')} };`;
      this.#line(`  ${kind.startsWith('map') ? 'map' : 'set'} ${name} { ${header} ${body} }`);
    };
    for (const family of this.#families()) {
      const type = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
      if (random.chance(0.5))
        set(`set ${family}`, `type ${type}; flags interval;`, words.apart(family, random.below(6), true));
      if (random.chance(0.2))
        set(`set ${family}`, `type ${type};`, [...new Set(Array.from({ length: 3 }, () => words.single(family)))]);
      if (random.chance(0.15))
        set(
          `set ${family}`,
          `type ${type}; flags interval; auto-merge;`,
          Array.from({ length: 4 }, () => words.block(family)),
        );
      if (random.chance(0.3))
        set(`set ${family} port`, `type ${type} . inet_service; flags interval;`, words.pairs(family));
      if (random.chance(0.3)) {
        const elements = words.apart(family, random.between(1, 4), true);
        set(
          `map ${family}`,
          `type ${type} : verdict; flags interval;`,
          elements.map((e) => `${e} : ${random.pick(['accept', 'drop', 'return', 'continue'])}`),
        );
      }
      if (random.chance(0.2))
        set(
          `map ${family} port`,
          `type ${type} . inet_service : verdict; flags interval;`,
          words.pairs(family).map((e) => `${e} : ${random.pick(['accept', 'drop'])}`),
        );
    }
    if (random.chance(0.4)) {
      const elements = words.ports(random.between(1, 4)).map(String);
      set('set port', 'type inet_service; flags interval;', elements);
    }
    if (random.chance(0.2)) {
      const elements = words.ports(3).map((port) => `${port} : ${random.pick(['accept', 'drop', 'return'])}`);
      set('map port', 'type inet_service : verdict;', elements);
    }
    if (random.chance(0.2)) set('set name', 'type ifname;', random.some(['"wire0"', '"wire1"', '"ctr0"', '"lo"'], 2));
    if (random.chance(0.15)) set('set mark', 'type mark;', ['1', '3', '0xff']);
  }
}

/** A case of the mode `nft`, `forward`, `unknown` or `connect`. */
export function generateNft(mode: 'nft' | 'forward' | 'unknown' | 'connect', seed: number): KernelCase {
  const random = new Random(seed);
  const generator = new NftGenerator(random, {
    unknowns: mode === 'unknown',
    forward: mode === 'forward' || (mode === 'connect' && random.chance(0.4)),
    output: mode === 'connect',
  });
  const nft = generator.generate();
  return { mode, seed, nft, iptables: [], ip6tables: [], ipset: [], legacy: false, edges: generator.words.edges };
}
