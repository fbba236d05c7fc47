import type { Address } from '../model/address.ts';
import {
  type AddressSet,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  EMPTY,
  intersection,
  isEmpty,
  union,
} from '../model/address-set.ts';
import type {
  AddressBounds,
  Admission,
  AdmissionPath,
  DecidingPart,
  LayerAdmission,
  RuleReference,
  UndecidedPart,
  Witness,
} from '../model/admission.ts';
import type { Scope, Transport } from '../model/endpoint.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { NumberRange, Ruleset } from '../model/ruleset.ts';
import { addTo, and, type Bits, isNone, minus, not } from './bits.ts';
import type { Decision, Met, Record, Undecided } from './chain-walk.ts';
import { type CompiledLayer, type CompiledRule, compileLayer, setsOf } from './compile.ts';
import { type HostRoutes, hostRoutes, setOf } from './host-routes.ts';
import { type AddressClass, familyPart, PacketClasses } from './packet-classes.ts';
import { AddressRanks, type PeerSpace, type RankedSet, spaceOfOne } from './peer-space.ts';
import { type Delivery, mayEndAt, type PipelineResult, peersOf, runPipeline } from './pipeline.ts';
import { chooseWitnesses } from './witness.ts';

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

/** Client ports that are tried one by one where rules tell them apart, and ports that may lead to another one. */
const MAX_CLIENT_PORTS = 1_024;
const MAX_OTHER_PORTS = 512;

/** Answers that are kept for ports whose rules are the same. */
const MAX_KEPT = 4_096;

/** Compiles a ruleset once. Costs time in the order of its rules; every question after that only those that concern the port. */
export function createEvaluator(ruleset: Ruleset): Evaluator {
  return new RulesetEvaluator(ruleset);
}

/** What one class of packets comes to: bounds of both questions, by the deliveries that count. */
interface ClassAnswer {
  readonly admitted: AddressBounds;
  readonly completes: AddressBounds;
  readonly logged: AddressSet;
  /** It hangs on the client's port. */
  readonly dependsOnPort: boolean;
  readonly detail: ClassDetail | null;
}

interface ClassDetail {
  readonly layer: CompiledLayer;
  readonly space: PeerSpace;
  readonly result: PipelineResult;
  readonly record: Record;
}

/** A class of packets, ready to be sent. */
interface Question {
  readonly protocol: number;
  readonly address: AddressClass;
  readonly iif: string | null;
  readonly port: number;
  readonly peerPort: NumberRange;
  readonly explain: boolean;
  /** Only what ends at the port of a socket counts; null: whatever is let through. */
  readonly socket: { readonly addresses: AddressSet | null; readonly port: number } | null;
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

  /** Packets to other ports that end at this one: redirects, and translations that lead here. */
  #askOtherWays(question: Question, bound: readonly Address[] | null, into: Total): void {
    const leads = question.address.layers.filter((layer) =>
      layer.translations.some((step) => step.ports !== null && inRange(question.port, step.ports)),
    );
    if (leads.length === 0) return;
    const ports = new Set(leads.flatMap((layer) => layer.namedPorts));
    ports.delete(question.port);
    const addresses = bound === null ? null : setOf(bound.filter(({ value }) => value !== 0 && value !== 0n));
    const socket = { addresses: addresses === null || isEmpty(addresses) ? null : addresses, port: question.port };
    for (const port of [...ports].slice(0, MAX_OTHER_PORTS)) {
      const other = { ...question, port, socket };
      const sum = this.#askLayers(other);
      if (!isEmpty(sum.answer.admitted.upper)) into.addSum(sum, other);
    }
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
    const relevant: Record['relevant'] = new Map();
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
      this.#keptCount++;
      const all = answerRules.length === 0 ? rules : [...rules, ...answerRules];
      this.#kept.set(key, [...(this.#kept.get(key) ?? []), { rules: all, answer }]);
    }
    return answer;
  }

  #answer(
    result: PipelineResult,
    record: Record,
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
  *#setsOf(
    layer: CompiledLayer,
    rules: readonly CompiledRule[],
    answerRules: readonly CompiledRule[],
  ): Generator<RankedSet> {
    for (const rule of rules) yield* rule.sources;
    for (const rule of answerRules) {
      yield* rule.sources;
      yield* rule.destinations;
    }
    if (layer.usesRoutes) yield* this.#routeSets;
  }

  /** Rules that packets of the question may meet, and answers to them. */
  #relevantTo(
    layer: CompiledLayer,
    { address, protocol, port, peerPort }: Question,
    relevant: Record['relevant'],
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
    relevant: Record['relevant'],
    trace: Met[] | null,
  ): Record {
    const words = (space.size + 31) >>> 5;
    return {
      ...{ layer, space, relevant, trace, isFirst: true, interfaceAddresses: this.#interfaceAddresses },
      ...{ dropped: new Uint32Array(words), logged: new Uint32Array(words) },
      doubts: { reasons: explain ? new Set() : null, port: false },
      decisions: explain ? new Map() : null,
      undecided: explain ? new Map() : null,
      ...{ environments: new Map(), translations: [] },
    };
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
    return {
      ...{ admitted: total.admitted, completes: total.completes, logged: total.logged },
      deciding: query.explain ? total.deciding() : [],
      undecided: query.explain ? total.undecided() : [],
      witnesses: query.explain ? chooseWitnesses(total.samples, total.admitted, query.port) : [],
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

/** Answers of the layers about one class of packets. */
interface Sum {
  readonly answer: ClassAnswer;
  readonly parts: ReadonlyArray<{ readonly layer: CompiledLayer; readonly answer: ClassAnswer }>;
}

/** A class with its answer: where witnesses are taken from. */
export interface Sample {
  readonly question: Pick<Question, 'address' | 'iif' | 'port' | 'peerPort'>;
  readonly admitted: AddressBounds;
}

/** Sums up classes: whoever is let in somehow is let in. */
class Total {
  admitted: AddressBounds = { lower: EMPTY, upper: EMPTY };
  completes: AddressBounds = { lower: EMPTY, upper: EMPTY };
  logged: AddressSet = EMPTY;
  readonly samples: Sample[] = [];
  readonly #explain: boolean;
  readonly #deciding = new Map<string, DecidingPart>();
  readonly #undecided = new Map<string, UndecidedPart>();
  readonly #layers = new Map<string, LayerAdmission>();
  readonly #paths = new Map<string, AdmissionPath>();

  constructor(explain: boolean) {
    this.#explain = explain;
  }

  addSum({ answer, parts }: Sum, question: Question): void {
    this.admitted = either(this.admitted, answer.admitted);
    this.completes = either(this.completes, answer.completes);
    this.logged = union(this.logged, answer.logged);
    if (!this.#explain) return;
    const { address, iif, port, peerPort } = question;
    this.samples.push({ question: { address, iif, port, peerPort }, admitted: answer.admitted });
    for (const { layer, answer: own } of parts) {
      this.#addLayer({ ...own, layer: layer.layer.id, title: layer.layer.title });
      if (own.detail) this.#addDetail(own.detail, question, answer.admitted);
    }
  }

  /** Adds what was asked of several interfaces; where only one of them need exist, only what all say is certain. */
  add(parts: readonly Total[], isKnown: boolean): void {
    const sum = (pick: (part: Total) => AddressBounds): AddressBounds => {
      const upper = parts.map((part) => pick(part).upper).reduce(union, EMPTY);
      const lowers = parts.map((part) => pick(part).lower);
      return { lower: lowers.length === 0 ? EMPTY : lowers.reduce(isKnown ? union : intersection), upper };
    };
    this.admitted = either(
      this.admitted,
      sum((part) => part.admitted),
    );
    this.completes = either(
      this.completes,
      sum((part) => part.completes),
    );
    for (const part of parts) {
      this.logged = union(this.logged, part.logged);
      this.samples.push(...part.samples);
      for (const layer of part.#layers.values()) this.#addLayer(layer);
      for (const [key, item] of part.#deciding) this.#addDeciding(key, item);
      for (const [key, item] of part.#undecided) this.#addUndecided(key, item);
      for (const [key, item] of part.#paths) this.#addPath(key, item);
    }
    if (!isKnown && parts.length > 1 && this.#explain) this.#noteInterfaces(parts);
  }

  #noteInterfaces(parts: readonly Total[]): void {
    const open = difference(
      parts.map((part) => part.admitted.upper).reduce(union, EMPTY),
      parts.map((part) => part.admitted.lower).reduce(intersection),
    );
    if (isEmpty(open)) return;
    for (const [key, part] of this.#deciding)
      this.#addUndecided(`iif ${key}`, {
        ...{ sources: intersection(part.sources, open), rule: part.rule },
        reason: 'which interfaces the host has is not known (no output of ip -j was given)',
      });
  }

  #addLayer(layer: Pick<LayerAdmission, 'layer' | 'title' | 'admitted' | 'completes'>): void {
    const known = this.#layers.get(layer.layer);
    const { admitted, completes, title } = layer;
    this.#layers.set(layer.layer, {
      ...{ layer: layer.layer, title },
      admitted: known ? either(known.admitted, admitted) : admitted,
      completes: known ? either(known.completes, completes) : completes,
    });
  }

  #addDetail({ layer, space, record, result }: ClassDetail, question: Question, admitted: AddressBounds): void {
    for (const decision of record.decisions?.values() ?? []) {
      const sources = this.#decided(decision, space, admitted);
      if (sources === null || isEmpty(sources)) continue;
      const { rule, verdict } = decision;
      this.#addDeciding(`${rule.layer} ${rule.id} ${verdict}`, { sources, rule, verdict });
    }
    const open = difference(admitted.upper, admitted.lower);
    for (const doubt of record.undecided?.values() ?? []) this.#addDoubt(doubt, space, open);
    if (layer.layer.kind !== 'linux') return;
    for (const delivery of result.deliveries) {
      const peers = peersOf(delivery.flows, space.size);
      const upper = intersection(space.addressesOf(peers), admitted.upper);
      const path: AdmissionPath = {
        ...{ address: question.address.address, port: question.port },
        deliveredTo: {
          address: onlyAddress(delivery.address),
          port: delivery.port.from,
          local: delivery.local,
        },
        by: record.translations[delivery.nat]?.rule ?? null,
        admitted: { lower: intersection(upper, admitted.lower), upper },
      };
      this.#addPath(
        `${path.address?.value ?? ''} ${path.port} ${path.by?.id ?? ''} ${path.deliveredTo.address?.value ?? ''} ${path.deliveredTo.port} ${path.deliveredTo.local}`,
        path,
      );
    }
  }

  /** Sources a decision counts for: an accept only if nothing else keeps them out. */
  #decided({ verdict, hook, rule, peers }: Decision, space: PeerSpace, admitted: AddressBounds): AddressSet | null {
    const sources = space.addressesOf(peers);
    if (verdict !== 'accept') return sources;
    if (hook !== 'input' && hook !== 'forward') return null;
    if (rule.position === 0 && rule.text === 'policy accept') return intersection(sources, admitted.upper);
    return intersection(sources, admitted.upper);
  }

  #addDoubt({ rule, reason, peers }: Undecided, space: PeerSpace, open: AddressSet): void {
    const sources = intersection(space.addressesOf(peers), open);
    if (!isEmpty(sources)) this.#addUndecided(`${rule.layer} ${rule.id} ${reason}`, { sources, rule, reason });
  }

  #addDeciding(key: string, part: DecidingPart): void {
    const known = this.#deciding.get(key);
    this.#deciding.set(key, known ? { ...known, sources: union(known.sources, part.sources) } : part);
  }

  #addUndecided(key: string, part: UndecidedPart): void {
    if (isEmpty(part.sources)) return;
    const known = this.#undecided.get(key);
    this.#undecided.set(key, known ? { ...known, sources: union(known.sources, part.sources) } : part);
  }

  #addPath(key: string, path: AdmissionPath): void {
    const known = this.#paths.get(key);
    this.#paths.set(key, known ? { ...known, admitted: either(known.admitted, path.admitted) } : path);
  }

  deciding(): DecidingPart[] {
    const parts = [...this.#deciding.values()];
    // chains that let everything through decide nothing where another one does
    const isPlain = (part: DecidingPart) => part.verdict === 'accept' && part.rule.position === 0;
    const others = parts.filter((part) => !isPlain(part));
    const spoken = others
      .filter((part) => part.verdict === 'accept')
      .reduce((set, part) => union(set, part.sources), EMPTY);
    const policies = parts
      .filter(isPlain)
      .map((part) => ({ ...part, sources: difference(part.sources, spoken) }))
      .filter((part) => !isEmpty(part.sources));
    return [...others, ...policies].sort((a, b) => compareStarts(a.sources, b.sources) || compareRules(a.rule, b.rule));
  }

  undecided(): UndecidedPart[] {
    return [...this.#undecided.values()].sort((a, b) => compareRules(a.rule, b.rule));
  }

  layers(): LayerAdmission[] {
    return [...this.#layers.values()];
  }

  paths(): AdmissionPath[] {
    return [...this.#paths.values()];
  }
}

function compareRules(a: RuleReference, b: RuleReference): number {
  if (a.layer !== b.layer) return a.layer < b.layer ? -1 : 1;
  if (a.chain !== b.chain) return a.chain < b.chain ? -1 : 1;
  return a.position - b.position;
}

/** By the first address, IPv4 first. */
function compareStarts(a: AddressSet, b: AddressSet): number {
  const [a4, b4] = [a.ipv4[0] ?? Number.POSITIVE_INFINITY, b.ipv4[0] ?? Number.POSITIVE_INFINITY];
  if (a4 !== b4) return a4 < b4 ? -1 : 1;
  const [a6, b6] = [a.ipv6[0], b.ipv6[0]];
  if (a6 === b6) return 0;
  if (a6 === undefined) return 1;
  return b6 === undefined || a6 < b6 ? -1 : 1;
}

function onlyAddress(set: AddressSet | null): Address | null {
  if (set === null) return null;
  const [first4, end4] = set.ipv4;
  if (first4 !== undefined && end4 === first4 + 1 && set.ipv4.length === 2 && set.ipv6.length === 0)
    return { family: 'ipv4', value: first4 };
  const [first6, end6] = set.ipv6;
  if (first6 !== undefined && end6 === first6 + 1n && set.ipv6.length === 2 && set.ipv4.length === 0)
    return { family: 'ipv6', value: first6 };
  return null;
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

function both(a: AddressBounds, b: AddressBounds): AddressBounds {
  if (b.lower === b.upper && a.lower === a.upper) {
    const same = isAll(a.lower) ? familyOf(b.lower, a.lower) : intersection(a.lower, b.lower);
    return { lower: same, upper: same };
  }
  return { lower: intersection(a.lower, b.lower), upper: intersection(a.upper, b.upper) };
}

function isAll(set: AddressSet): boolean {
  return set === ALL_IPV4 || set === ALL_IPV6;
}

/** A set of one family as it is, else its part. */
function familyOf(set: AddressSet, family: AddressSet): AddressSet {
  return familyPart(set, family === ALL_IPV4 ? 'ipv4' : 'ipv6');
}

function either(a: AddressBounds, b: AddressBounds): AddressBounds {
  if (a.upper === EMPTY) return b;
  if (a.lower === a.upper && b.lower === b.upper) {
    const same = union(a.lower, b.lower);
    return { lower: same, upper: same };
  }
  return { lower: union(a.lower, b.lower), upper: union(a.upper, b.upper) };
}

function isDecided({ lower, upper }: AddressBounds): boolean {
  return lower === upper || isEmpty(difference(upper, lower));
}

function verdictOf(admitted: AddressBounds): Witness['verdict'] {
  if (isEmpty(admitted.upper)) return 'refused';
  return isEmpty(admitted.lower) ? 'undecided' : 'admitted';
}

function worse(a: Witness['verdict'], b: Witness['verdict']): Witness['verdict'] {
  if (a === 'refused' || b === 'refused') return 'refused';
  return a === 'undecided' || b === 'undecided' ? 'undecided' : 'admitted';
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
