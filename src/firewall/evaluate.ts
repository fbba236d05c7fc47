import type { Address } from '../model/address.ts';
import {
  type AddressSet,
  ALL,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  EMPTY,
  intersection,
  isEmpty,
  union,
} from '../model/address-set.ts';
import type { AddressBounds, Admission, RuleReference, Witness } from '../model/admission.ts';
import type { Scope, Transport } from '../model/endpoint.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { NumberRange, Ruleset } from '../model/ruleset.ts';
import { both, isDecided } from './address-bounds.ts';
import { type ClassAnswer, type ClassDetail, type Question, type Sum, Total } from './admission-total.ts';
import { addTo, and, type Bits, isNone, minus, not } from './bits.ts';
import type { ConnectionPacket, Met, WalkRecord } from './chain-walk.ts';
import { type CompiledLayer, type CompiledRule, compileLayer, referenceTo, setsOf } from './compile.ts';
import { entryPorts } from './entry-ports.ts';
import { type HostRoutes, hostRoutes, setOf } from './host-routes.ts';
import { type AddressClass, PacketClasses } from './packet-classes.ts';
import { AddressRanks, type PeerSpace, type RankedSet, spaceOfOne } from './peer-space.ts';
import { type Delivery, mayEndAt, type PipelineResult, peersOf, runPipeline } from './pipeline.ts';
import { chooseWitnesses, type PeersBehind } from './witness.ts';

/** A question: who can connect to this port? */
export interface AdmissionQuery {
  readonly transport: Exclude<Transport, 'raw'>;
  readonly port: number;
  /** Addresses that the client sends to, or that the socket is bound to; null: every address of the host. */
  readonly addresses: readonly Address[] | null;
  /** Interface that packets come in by; null: any but loopback. */
  readonly iif: string | null;
  readonly scope: Scope;
  /**
   * `client`: packets sent to this address and port, wherever they end. `socket`: besides, packets sent to other ports
   * and addresses that end here (redirects, published ports).
   */
  readonly view: 'client' | 'socket';
  /** Work out who decides, witnesses and paths too. */
  readonly explain: boolean;
}

/** One packet to follow. */
export interface TracedPacket {
  readonly transport: Exclude<Transport, 'raw'>;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  readonly iif: string | null;
  readonly scope: Scope;
}

/** A rule that a packet meets on its way. */
export interface TraceStep {
  readonly hook: string;
  readonly rule: RuleReference;
  /** What the rule does with it: `accept`, `drop`, `jump to ...`, `no match` is left out. */
  readonly effect: string;
  /** The rule could not be decided: the way splits here. */
  readonly certain: boolean;
  readonly packet: ConnectionPacket;
}

export interface Trace {
  readonly verdict: Witness['verdict'];
  readonly completes: Witness['verdict'];
  readonly steps: readonly TraceStep[];
  readonly assumptions: readonly string[];
}

/** A ruleset made ready for many questions. */
export interface Evaluator {
  admission(query: AdmissionQuery): Admission;
  trace(packet: TracedPacket): Trace;
}

/** IP protocol numbers (IANA). */
const PROTOCOLS: Readonly<{ [T in AdmissionQuery['transport']]: number }> = {
  tcp: 6,
  udp: 17,
  sctp: 132,
  udplite: 136,
};

const ALL_PORTS: NumberRange = { from: 0, to: 65535 };

/** Client ports that are tried one by one where rules tell them apart. */
const MAX_CLIENT_PORTS = 1_024;

/** Rules that kept answers hold together: answers are kept for ports whose rules are the same. */
const MAX_KEPT = 100_000;

/** Compiles a ruleset once. Costs time in the order of its rules; every question after that only those that concern the port. */
export function createEvaluator(ruleset: Ruleset): Evaluator {
  return new RulesetEvaluator(ruleset);
}

class RulesetEvaluator implements Evaluator {
  readonly #ruleset: Ruleset;
  readonly #layers: readonly CompiledLayer[];
  readonly #routes: HostRoutes;
  readonly #ranks: AddressRanks;
  readonly #classes: PacketClasses;
  readonly #routeSets: readonly RankedSet[];
  readonly #interfaceAddresses: ReadonlyMap<string, readonly Address[]> | null;
  readonly #kept = new Map<string, { readonly rules: readonly CompiledRule[]; readonly answer: ClassAnswer }[]>();
  #keptCount = 0;

  constructor(ruleset: Ruleset) {
    this.#ruleset = ruleset;
    this.#routes = hostRoutes(ruleset.network);
    const { byDevice, unclear, kinds } = this.#routes;
    const routeSets = [
      unclear,
      ...(byDevice ?? []).map(({ peers }) => peers),
      ...(kinds ?? []).map((k) => k.addresses),
    ];
    const sets = ruleset.layers.flatMap((layer) => [...setsOf(layer)]);
    this.#ranks = new AddressRanks([...sets, ...routeSets]);
    this.#routeSets = routeSets.map((set) => this.#ranks.rank(set));
    this.#layers = ruleset.layers.map((layer) => compileLayer(layer, this.#ranks));
    this.#classes = new PacketClasses(ruleset, this.#layers, this.#routes);
    this.#interfaceAddresses =
      ruleset.network &&
      new Map(ruleset.network.interfaces.map((d) => [d.name, d.addresses.map(({ address }) => address)] as const));
  }

  admission(query: AdmissionQuery): Admission {
    const { explain, view } = query;
    const protocol = PROTOCOLS[query.transport];
    const addresses = this.#classes.addresses(query.addresses, query.scope);
    const total = new Total(explain);
    for (const address of addresses.values) {
      const interfaces = this.#classes.interfaces(query.iif, address.isLoopback);
      const parts = interfaces.values.map((iif) => {
        const question = { protocol, address, iif, port: query.port, explain, socket: null, peerPort: ALL_PORTS };
        const part = new Total(explain);
        this.#ask(question, part);
        if (view === 'socket') this.#askOtherWays(question, query.addresses, part);
        return part;
      });
      total.add(parts, interfaces.isKnown);
    }
    const layers = addresses.values.filter(({ isLoopback }) => !isLoopback).flatMap((address) => address.layers);
    for (const address of this.#addressesBeside(query, layers)) {
      const interfaces = this.#classes.interfaces(query.iif, false);
      const parts = interfaces.values.map((iif) => {
        const part = new Total(explain);
        const question = { protocol, address, iif, port: query.port, explain, socket: null, peerPort: ALL_PORTS };
        this.#askOtherWays(question, query.addresses, part);
        return part;
      });
      total.add(parts, interfaces.isKnown);
    }
    return this.#finish(query, total, addresses.values);
  }

  /** Asks about one class of packets, by ports of the client where that helps. */
  #ask(question: Question, into: Total): void {
    const whole = this.#askLayers(question);
    const ports = this.#classes.clientPorts(question.address.layers);
    const isOpen = !isDecided(whole.answer.admitted) || !isDecided(whole.answer.completes);
    if (!whole.answer.dependsOnPort || !isOpen || ports.length < 2 || ports.length > MAX_CLIENT_PORTS) {
      into.addSum(whole, question);
      return;
    }
    for (const peerPort of ports) {
      const part = { ...question, peerPort };
      into.addSum(this.#askLayers(part), part);
    }
  }

  /** Packets to other ports, or to another address, that end at this one: redirects, and translations that lead here. */
  #askOtherWays(question: Question, bound: readonly Address[] | null, into: Total): void {
    const { layers } = question.address;
    const particular = setOf(bound?.filter((address) => !isWildcard(address)) ?? []);
    const isBound = bound !== null && !bound.some(isWildcard);
    const socket = { addresses: isBound ? particular : null, port: question.port };
    const { ports, beyond } = entryPorts(layers, question.port);
    const isElsewhere = isBound && isEmpty(intersection(question.address.set ?? EMPTY, particular));
    const mayStay = layers.some((layer) =>
      layer.translations.some(({ ports: to }) => to === null || inRange(question.port, to)),
    );
    for (const port of isElsewhere && mayStay ? [question.port, ...ports] : ports) {
      const other = { ...question, port, socket };
      const sum = this.#askLayers(other);
      if (!isEmpty(sum.answer.admitted.upper)) into.addSum(sum, other);
    }
    const [layer] = layers.filter(({ entrances }) => beyond !== null && entrances.includes(beyond));
    if (beyond === null || layer === undefined) return;
    const { chain, rule } = beyond.rule;
    const everyone = question.address.family === 'ipv4' ? ALL_IPV4 : ALL_IPV6;
    into.addOpen(everyone, referenceTo(layer.layer, chain, rule), 'it leads here from more ports than are looked at');
  }

  /** Own addresses that a socket is not bound to, and that translations may lead to it from. */
  #addressesBeside(
    { addresses, scope, view }: AdmissionQuery,
    layers: readonly CompiledLayer[],
  ): readonly AddressClass[] {
    if (view !== 'socket' || addresses === null || addresses.some(isWildcard)) return [];
    if (!layers.some(({ translations }) => translations.length > 0)) return [];
    const families = new Set(addresses.map(({ family }) => family));
    const bound = setOf(addresses);
    return this.#classes
      .addresses(null, scope)
      .values.filter(({ family, set }) => families.has(family) && isEmpty(intersection(set ?? EMPTY, bound)));
  }

  /** The answer of every layer together: a packet must pass them all. */
  #askLayers(question: Question): Sum {
    const everyone = question.address.family === 'ipv4' ? ALL_IPV4 : ALL_IPV6;
    let admitted: AddressBounds = { lower: everyone, upper: everyone };
    let completes = admitted;
    let logged: AddressSet = EMPTY;
    let dependsOnPort = false;
    const parts: { layer: CompiledLayer; answer: ClassAnswer }[] = [];
    for (const layer of question.address.layers) {
      const answer = this.#askLayer(layer, question);
      parts.push({ layer, answer });
      admitted = both(admitted, answer.admitted);
      completes = both(completes, answer.completes);
      logged = union(logged, answer.logged);
      dependsOnPort ||= answer.dependsOnPort;
    }
    // what could not be read may let in and keep out
    if (this.#isBlind(question.address.family)) {
      admitted = { lower: EMPTY, upper: everyone };
      completes = admitted;
    }
    return { answer: { admitted, completes, logged, dependsOnPort, detail: null }, parts };
  }

  #isBlind(family: AddressFamily): boolean {
    return (
      this.#ruleset.files.some((file) => file.incomplete !== null) ||
      (this.#ruleset.unseenFamilies?.includes(family) ?? false)
    );
  }

  #askLayer(layer: CompiledLayer, question: Question): ClassAnswer {
    const { address, iif, port, peerPort, protocol, explain, socket } = question;
    const relevant: WalkRecord['relevant'] = new Map();
    const { rules, answerRules, usesPorts } = this.#relevantTo(layer, question, relevant);
    const isKept = !explain && !usesPorts && socket === null && layer.translations.length === 0;
    const place = `${layer.layer.id} ${address.family} ${address.address?.value ?? ''} ${address.isLocal} ${iif ?? '\u0001'} ${protocol}`;
    const key = isKept
      ? `${place} ${peerPort.from} ${peerPort.to} ${rules.length} ${answerRules.length} ${hashOf(rules)}`
      : '';
    if (isKept) {
      const kept = this.#kept.get(key)?.find((known) => sameRules(known.rules, rules, answerRules));
      if (kept) return kept.answer;
    }
    const space = this.#ranks.space(address.family, this.#setsOf(layer, rules, answerRules));
    const record = this.#record(layer, space, explain, relevant, null);
    const packet = {
      ...{ family: address.family, protocol, address: address.set, isLocal: address.isLocal },
      ...{ port, peerPort, iif },
    };
    const result = runPipeline(packet, this.#routes, record, layer.layer.kind === 'linux');
    const answer = this.#answer(result, record, space, socket, explain ? { layer, space, result, record } : null);
    if (isKept && this.#keptCount < MAX_KEPT) {
      this.#keptCount += 1 + rules.length;
      const all = answerRules.length === 0 ? rules : [...rules, ...answerRules];
      this.#kept.set(key, [...(this.#kept.get(key) ?? []), { rules: all, answer }]);
    }
    return answer;
  }

  #answer(
    result: PipelineResult,
    record: WalkRecord,
    space: PeerSpace,
    socket: Question['socket'],
    detail: ClassDetail | null,
  ): ClassAnswer {
    const n = space.size;
    const counts = (delivery: Delivery) => socket === null || mayEndAt(delivery, socket.addresses, socket.port);
    let upper: Bits = false;
    let upperCompleting: Bits = false;
    let elsewhere: Bits = false;
    for (const delivery of result.deliveries) {
      const peers = peersOf(delivery.flows, n);
      if (counts(delivery)) {
        upper = united(upper, peers, n);
        upperCompleting = united(upperCompleting, delivery.completing, n);
      }
      const isSure = socket === null || (counts(delivery) && endsSurelyAt(delivery, socket));
      if (!isSure) elsewhere = united(elsewhere, peers, n);
    }
    const lower = minus(and(upper, not(result.dropped, n)), elsewhere, n);
    const lowerCompleting = minus(and(upperCompleting, not(result.droppedCompleting, n)), elsewhere, n);
    const set = (bits: Bits) => space.addressesOf(bits);
    const admitted = bounds(set, lower, upper);
    const isSame = sameBits(lower, lowerCompleting) && sameBits(upper, upperCompleting);
    const completes = isSame ? admitted : bounds(set, lowerCompleting, upperCompleting);
    return {
      ...{ admitted, completes, logged: isNone(record.logged) ? EMPTY : set(record.logged) },
      ...{ dependsOnPort: record.doubts.port, detail },
    };
  }

  /** Sets that the peer's address may be compared with. */
  #setsOf(
    layer: CompiledLayer,
    rules: readonly CompiledRule[],
    answerRules: readonly CompiledRule[],
  ): (readonly RankedSet[])[] {
    const lists = rules.map((rule) => rule.sources);
    for (const rule of answerRules) lists.push(rule.sources, rule.destinations);
    if (layer.usesRoutes) lists.push(this.#routeSets);
    return lists;
  }

  /** Rules that packets of the question may meet, and answers to them. */
  #relevantTo(
    layer: CompiledLayer,
    { address, protocol, port, peerPort }: Question,
    relevant: WalkRecord['relevant'],
  ): { rules: readonly CompiledRule[]; answerRules: readonly CompiledRule[]; usesPorts: boolean } {
    const { family } = address;
    const ports: NumberRange[] = [{ from: port, to: port }];
    for (const { ports: to } of layer.translations) if (to) ports.push(to);
    if (layer.isAmbiguous && layer.translations.length > 0) ports.push(ALL_PORTS);
    const lists: (readonly CompiledRule[])[] = [];
    const answerRules: CompiledRule[] = [];
    let usesPorts = false;
    const distinct = new Map(ports.map((range) => [`${range.from}-${range.to}`, range]));
    for (const chain of layer.chains.values()) {
      for (const range of distinct.values()) {
        const found = (source: NumberRange, destination: NumberRange) => {
          const key = `${chain.chain.id} ${source.from}-${source.to} ${destination.from}-${destination.to}`;
          let list = relevant.get(key);
          if (!list) {
            list = chain.relevant({ family, protocol, source, destination });
            relevant.set(key, list);
          }
          return list;
        };
        const list = found(peerPort, range);
        lists.push(list);
        for (const rule of list) usesPorts ||= rule.usesPorts;
        if (!layer.answers.has(chain.chain.id)) continue;
        for (const rule of found(range, peerPort)) {
          answerRules.push(rule);
          usesPorts ||= rule.usesPorts || rule.leadsSource;
        }
      }
    }
    const filled = lists.filter((list) => list.length > 0);
    const [only] = filled;
    return { rules: filled.length === 1 && only ? only : filled.flat(), answerRules, usesPorts };
  }

  #record(
    layer: CompiledLayer,
    space: PeerSpace,
    explain: boolean,
    relevant: WalkRecord['relevant'],
    trace: Met[] | null,
  ): WalkRecord {
    const words = (space.size + 31) >>> 5;
    return {
      ...{ layer, space, relevant, trace, packet: 'first' as const, interfaceAddresses: this.#interfaceAddresses },
      ...{ dropped: new Uint32Array(words), logged: new Uint32Array(words) },
      doubts: { reasons: explain ? new Set() : null, port: false },
      decisions: explain ? new Map() : null,
      undecided: explain ? new Map() : null,
      ...{ environments: new Map(), translations: [] },
    };
  }

  /** A translation to an address, not of a redirect, that may be the host's own. */
  #mayLeadHere({ translations }: CompiledLayer): boolean {
    return translations.some(
      ({ redirect, addresses }) => !redirect && addresses !== null && this.#routes.isLocal(addresses) !== false,
    );
  }

  #finish(query: AdmissionQuery, total: Total, classes: readonly AddressClass[]): Admission {
    const assumptions = [...this.#ruleset.assumptions];
    if (this.#ruleset.network === null) {
      const named = query.addresses?.some(({ value }) => value !== 0 && value !== 0n) ?? false;
      assumptions.push(
        named
          ? "the address asked about is taken for one of the host's own (no output of ip -j was given)"
          : "the host's addresses, interfaces and routes are not known (no output of ip -j was given)",
      );
    }
    if (classes.length > 0 && classes.every(({ layers }) => layers.length === 0))
      assumptions.push('no packet filter that was given stands in front of this address');
    if (classes.length === 0)
      assumptions.push('the host has no address but those of loopback, so nobody can send to it from outside');
    if (query.view === 'socket' && classes.some(({ layers }) => layers.some((layer) => this.#mayLeadHere(layer))))
      assumptions.push("packets to addresses that are not the host's own, translated to it, count only if asked about");
    const { byDevice, kinds } = this.#routes;
    const behind: PeersBehind = (iif) => byDevice?.find(({ device }) => device === iif)?.peers ?? null;
    // of those that may be a broadcast address or the host's own no other machine sends
    const machines = kinds?.filter(({ types }) => !types.includes('local') && !types.includes('broadcast'));
    const senders = machines ? machines.map(({ addresses }) => addresses).reduce(union, EMPTY) : ALL;
    return {
      ...{ admitted: total.admitted, completes: total.completes, logged: total.logged },
      deciding: query.explain ? total.deciding() : [],
      undecided: query.explain ? total.undecided() : [],
      witnesses: query.explain ? chooseWitnesses(total.samples, total.admitted, { behind, senders }) : [],
      layers: query.explain ? total.layers() : [],
      paths: query.explain ? total.paths() : [],
      assumptions,
    };
  }

  trace(packet: TracedPacket): Trace {
    const [address] = this.#classes.addresses([packet.destination], packet.scope).values;
    const { iifs, assumption } = this.#waysIn(packet, address?.isLoopback ?? false);
    const traces = iifs.map((iif) => this.#follow(packet, address, iif));
    const all = (pick: (trace: (typeof traces)[number]) => Witness['verdict']): Witness['verdict'] => {
      const [first, ...others] = traces.map(pick);
      return first !== undefined && others.every((verdict) => verdict === first) ? first : 'undecided';
    };
    const isBlind = this.#isBlind(packet.destination.family);
    return {
      verdict: isBlind ? 'undecided' : all((trace) => trace.verdict),
      completes: isBlind ? 'undecided' : all((trace) => trace.completes),
      steps: traces.length === 1 ? (traces[0]?.steps ?? []) : traces.flatMap((trace) => trace.steps),
      assumptions: [...(assumption === null ? [] : [assumption]), ...this.#ruleset.assumptions],
    };
  }

  /** Interfaces that a packet may come in by: the one that routes of its source lead to, else any but loopback. */
  #waysIn(
    { iif, source }: TracedPacket,
    isLoopback: boolean,
  ): { iifs: readonly (string | null)[]; assumption: string | null } {
    const device = iif === null && !isLoopback ? this.#routes.deviceTo(setOf([source])) : null;
    if (device === null || device === 'lo')
      return { iifs: this.#classes.interfaces(iif, isLoopback).values, assumption: null };
    return { iifs: [device], assumption: `The packet comes in by ${device}, where routes to its source lead.` };
  }

  #follow(
    packet: TracedPacket,
    address: AddressClass | undefined,
    iif: string | null,
  ): { verdict: Witness['verdict']; completes: Witness['verdict']; steps: readonly Met[] } {
    const protocol = PROTOCOLS[packet.transport];
    const steps: Met[] = [];
    let verdict: Witness['verdict'] = 'admitted';
    let completes: Witness['verdict'] = 'admitted';
    for (const layer of address?.layers ?? []) {
      const record = this.#record(layer, spaceOfOne(packet.source), false, new Map(), steps);
      const at = {
        ...{ family: packet.destination.family, protocol, address: address?.set ?? null },
        ...{ isLocal: address?.isLocal ?? null, port: packet.destinationPort, iif },
        peerPort: { from: packet.sourcePort, to: packet.sourcePort },
      };
      const result = runPipeline(at, this.#routes, record, layer.layer.kind === 'linux');
      const answer = this.#answer(result, record, record.space, null, null);
      verdict = worse(verdict, verdictOf(answer.admitted));
      completes = worse(completes, verdictOf(answer.completes));
    }
    return { verdict, completes, steps };
  }
}

function bounds(set: (bits: Bits) => AddressSet, lower: Bits, upper: Bits): AddressBounds {
  const outer = isNone(upper) ? EMPTY : set(upper);
  if (isNone(lower)) return { lower: EMPTY, upper: outer };
  return { lower: sameBits(lower, upper) ? outer : set(lower), upper: outer };
}

function sameBits(a: Bits, b: Bits): boolean {
  if (typeof a === 'boolean' || typeof b === 'boolean') return a === b;
  return a.every((word, i) => word === b[i]);
}

function united(a: Bits, b: Bits, n: number): Bits {
  if (a === false) return b;
  if (b === false) return a;
  if (a === true || b === true) return true;
  const result = a.slice();
  addTo(result, b, n);
  return result;
}

function verdictOf(admitted: AddressBounds): Witness['verdict'] {
  if (isEmpty(admitted.upper)) return 'refused';
  return isEmpty(admitted.lower) ? 'undecided' : 'admitted';
}

function worse(a: Witness['verdict'], b: Witness['verdict']): Witness['verdict'] {
  if (a === 'refused' || b === 'refused') return 'refused';
  return a === 'undecided' || b === 'undecided' ? 'undecided' : 'admitted';
}

function isWildcard({ value }: Address): boolean {
  return value === 0 || value === 0n;
}

function inRange(port: number, { from, to }: NumberRange): boolean {
  return port >= from && port <= to;
}

function endsSurelyAt(delivery: Delivery, socket: NonNullable<Question['socket']>): boolean {
  if (!delivery.local || delivery.port.from !== socket.port || delivery.port.to !== socket.port) return false;
  if (socket.addresses === null) return true;
  return delivery.address !== null && isEmpty(difference(delivery.address, socket.addresses));
}

/** FNV-1a over the rules' places; equal hashes are compared one by one. */
function hashOf(rules: readonly CompiledRule[]): number {
  let hash = 0x811c9dc5;
  for (const { rule } of rules) hash = Math.imul(hash ^ rule.position, 0x01000193);
  return hash >>> 0;
}

/** Says whether a list is two others one after the other. */
function sameRules(a: readonly CompiledRule[], b: readonly CompiledRule[], c: readonly CompiledRule[]): boolean {
  return a.length === b.length + c.length && a.every((rule, i) => rule === (b[i] ?? c[i - b.length]));
}
