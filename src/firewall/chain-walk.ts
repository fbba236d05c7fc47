import type { Address } from '../model/address.ts';
import type { DecidingVerdict, RuleReference } from '../model/admission.ts';
import type { Step, Verdict } from '../model/ruleset.ts';
import { addTo, allBits, and, type Bits, isNone, minus } from './bits.ts';
import {
  type CompiledChain,
  type CompiledLayer,
  type CompiledRule,
  policyOf,
  referenceTo,
  type SimpleRule,
} from './compile.ts';
import { type Doubts, type Environment, evaluate, type PacketContext, TRUE, type Tri } from './conditions.ts';
import type { PeerSpace } from './peer-space.ts';

/** Peers whose packets come along here, and what rules wrote about them. */
export interface Flow {
  readonly env: Environment;
  readonly peers: Bits;
}

/** A verdict of a rule, for messages. */
export interface Decision {
  readonly rule: RuleReference;
  readonly verdict: DecidingVerdict;
  readonly hook: string;
  peers: Bits;
}

/** A rule that could not be decided. */
export interface Undecided {
  readonly rule: RuleReference;
  readonly reason: string;
  peers: Bits;
}

/** What a rule did with a packet, for a trace. */
export interface Met {
  readonly rule: RuleReference;
  readonly effect: string;
  readonly certain: boolean;
  readonly hook: string;
  readonly packet: ConnectionPacket;
}

/** The first packet, the answer to it, and for TCP the client's confirmation. */
export type ConnectionPacket = 'first' | 'answer' | 'confirmation';

/** Everything one question brings to light; shared by all chains it walks. */
export interface WalkRecord {
  readonly layer: CompiledLayer;
  readonly space: PeerSpace;
  /** Peers whose packet may be dropped on the way. */
  dropped: Uint32Array;
  logged: Uint32Array;
  /** Packet of the connection that is on its way. */
  packet: ConnectionPacket;
  readonly doubts: Doubts;
  /** null: nobody asks who decides. */
  readonly decisions: Map<string, Decision> | null;
  readonly undecided: Map<string, Undecided> | null;
  readonly trace: Met[] | null;
  /** Environments by their text, so that equal ones are one object. */
  readonly environments: Map<string, Environment>;
  /** Translations that rules gave, by number. */
  readonly translations: Translation[];
  /** Addresses of interfaces, in the order of the kernel; null: not known. */
  readonly interfaceAddresses: ReadonlyMap<string, readonly Address[]> | null;
  /** Rules that are relevant, by chain and ports. */
  readonly relevant: Map<string, readonly CompiledRule[]>;
  /** Rules asked so far, each once for every way a packet may have come to it. */
  work?: number;
}

export interface Translation {
  readonly step: Extract<Step, { kind: 'destination-nat' }>;
  readonly rule: RuleReference;
}

interface Outcome {
  readonly accepted: Flow[];
  readonly returned: Flow[];
}

/** The kernel allows 16 jumps in nftables and refuses loops; a text from elsewhere may hold anything. */
const MAX_DEPTH = 64;

/** Visits of one chain that are walked for the sake of naming who decides for whom. */
const MAX_VISITS = 2_000;

/** Work after which who decides for whom is told for the first visits of a chain only. */
const MUCH_WORK = 500_000;

/** Work after which a question is left open: marks alone can give a packet 2^32 ways through a few hundred rules. */
const MOST_WORK = 5_000_000;

/** Adds peers to the flow with an equal environment. */
export function addFlow(flows: Flow[], env: Environment, peers: Bits, n: number): void {
  if (isNone(peers)) return;
  const at = flows.findIndex((flow) => flow.env === env);
  const flow = flows[at];
  if (!flow) flows.push({ env, peers });
  else flows[at] = { env, peers: unite(flow.peers, peers, n) };
}

/** The same for a list that owns its bits: they are added to in place. */
function gather(flows: Flow[], env: Environment, peers: Bits, n: number): void {
  if (isNone(peers)) return;
  const at = flows.findIndex((flow) => flow.env === env);
  const flow = flows[at];
  if (!flow) flows.push({ env, peers: typeof peers === 'boolean' ? peers : peers.slice() });
  else if (flow.peers !== true && peers === true) flows[at] = { env, peers };
  else if (flow.peers !== true) addTo(flow.peers as Uint32Array, peers, n);
}

function unite(a: Bits, b: Bits, n: number): Bits {
  if (a === true || b === true) return true;
  if (a === false) return b;
  const result = a.slice();
  addTo(result, b, n);
  return result;
}

/** The one object for an environment. */
export function environment(record: Pick<WalkRecord, 'environments'>, env: Environment): Environment {
  const key = `${env.mark}|${env.connectionMark}|${env.tracking}|${env.first}|${env.reply}|${env.nat}|${env.sourceRewritten}|${env.zoned}`;
  const known = record.environments.get(key);
  if (known) return known;
  record.environments.set(key, env);
  return env;
}

/** Runs a base chain: what passes it, policy included. What it may drop is in the record. */
export function runBaseChain(
  chain: CompiledChain,
  at: PacketContext,
  flows: readonly Flow[],
  record: WalkRecord,
): Flow[] {
  // the confirmation fares as the first packet did, and who may be dropped is noted already
  if (chain.isStateless && record.decisions === null && at.direction === 'original' && at.seenReply) return [...flows];
  const walk = new Walk(at, record, chain.chain.base?.hook ?? '', chain.chain.base?.priority ?? 0);
  const accepted: Flow[] = [];
  for (const flow of flows) {
    const outcome = walk.chain(chain, flow, 0);
    for (const part of outcome.accepted) addFlow(accepted, part.env, part.peers, record.space.size);
    const policy = chain.chain.base?.policy ?? 'accept';
    for (const part of outcome.returned) {
      walk.decide(policyOf(record.layer.layer, chain.chain), policy, part.peers);
      if (policy === 'accept') addFlow(accepted, part.env, part.peers, record.space.size);
      else addTo(record.dropped, part.peers, record.space.size);
    }
  }
  return accepted;
}

/** The bits of an environment's accepted flow, to be written. */
function acceptedBits(out: Outcome, env: Environment, n: number): Uint32Array {
  const at = out.accepted.findIndex((flow) => flow.env === env);
  const known = out.accepted[at]?.peers;
  if (known instanceof Uint32Array) return known;
  const fresh = known === true ? allBits(n) : new Uint32Array((n + 31) >>> 5);
  if (at < 0) out.accepted.push({ env, peers: fresh });
  else out.accepted[at] = { env, peers: fresh };
  return fresh;
}

/** Walks one chain and what it jumps to, in one context. */
class Walk {
  readonly #at: PacketContext;
  readonly #record: WalkRecord;
  readonly #hook: string;
  readonly #priority: number;
  readonly #open = new Set<string>();
  /** The rule at hand surely matches. */
  #certain = true;
  /** How often a chain was entered in an environment, then its answer for all peers: an answer is one peer at a time. */
  readonly #entered = new Map<string, number>();
  readonly #answers = new Map<string, Outcome & { readonly dropped: Bits; readonly logged: Bits }>();

  constructor(at: PacketContext, record: WalkRecord, hook: string, priority: number) {
    this.#at = at;
    this.#record = record;
    this.#hook = hook;
    this.#priority = priority;
  }

  decide(rule: RuleReference, verdict: DecidingVerdict, peers: Bits): void {
    const { decisions, trace, space } = this.#record;
    trace?.push({ rule, effect: verdict, certain: this.#certain, hook: this.#hook, packet: this.#record.packet });
    if (!decisions || this.#record.packet !== 'first') return;
    const key = `${rule.layer} ${rule.id} ${verdict}`;
    const known = decisions.get(key);
    if (known) known.peers = unite(known.peers, peers, space.size);
    else decisions.set(key, { rule, verdict, hook: this.#hook, peers });
  }

  /** An answer for all peers at once serves every later visit. */
  chain(chain: CompiledChain, flow: Flow, depth: number): Outcome {
    const record = this.#record;
    const { size } = record.space;
    const id = chain.chain.id;
    if (depth > MAX_DEPTH || this.#open.has(id)) {
      addTo(record.dropped, flow.peers, size);
      record.doubts.reasons?.add('chains jump in a circle, or too deep');
      return { accepted: [flow], returned: [flow] };
    }
    const key = `${id} ${environmentKey(flow.env)}`;
    const visits = (this.#entered.get(key) ?? 0) + 1;
    this.#entered.set(key, visits);
    const explains = record.trace !== null || record.decisions !== null;
    const patience = explains && (record.work ?? 0) < MUCH_WORK ? MAX_VISITS : 3;
    if (visits < patience || depth === 0) return this.#walk(chain, flow, depth);
    let answer = this.#answers.get(key);
    if (!answer) {
      const { dropped, logged } = record;
      record.dropped = new Uint32Array(dropped.length);
      record.logged = new Uint32Array(logged.length);
      const outcome = this.#walk(chain, { env: flow.env, peers: true }, depth);
      answer = { ...outcome, dropped: record.dropped, logged: record.logged };
      record.dropped = dropped;
      record.logged = logged;
      this.#answers.set(key, answer);
    }
    addTo(record.dropped, and(answer.dropped, flow.peers), size);
    addTo(record.logged, and(answer.logged, flow.peers), size);
    const narrow = (flows: readonly Flow[]) =>
      flows.map(({ env, peers }) => ({ env, peers: and(peers, flow.peers) })).filter(({ peers }) => !isNone(peers));
    return { accepted: narrow(answer.accepted), returned: narrow(answer.returned) };
  }

  #walk(chain: CompiledChain, flow: Flow, depth: number): Outcome {
    const record = this.#record;
    const { size } = record.space;
    this.#open.add(chain.chain.id);
    const out: Outcome = { accepted: [], returned: [] };
    let flows: Flow[] = [flow];
    // bits that nobody else holds, so that simple rules may write them
    const owned = new Set<Bits>();
    const { direction } = this.#at;
    const peerSide = direction === 'original' ? 'source' : 'destination';
    for (const rule of this.#relevant(chain)) {
      if (flows.length === 0) break;
      if (!this.#canAfford(flows, flows)) {
        for (const { env, peers } of flows) {
          gather(out.accepted, env, peers, size);
          addTo(record.dropped, peers, size);
        }
        break;
      }
      const { simple } = rule;
      if (
        simple !== null &&
        (simple.set === null || simple.side === peerSide) &&
        record.decisions === null &&
        record.trace === null &&
        this.#isSharp(rule) &&
        !flows.some(({ env }) => env.sourceRewritten)
      ) {
        flows = this.#simple(simple, flows, out, owned);
        continue;
      }
      const next: Flow[] = [];
      for (const { env, peers } of flows) this.#rule(rule, env, peers, next, out, depth);
      flows = next;
    }
    for (const { env, peers } of flows) gather(out.returned, env, peers, size);
    this.#open.delete(chain.chain.id);
    return out;
  }

  /** Counts what it takes to put flows among others; false: it is too much, and whatever may happen may happen. */
  #canAfford(flows: readonly Flow[], others: readonly Flow[]): boolean {
    const record = this.#record;
    record.work = (record.work ?? 0) + flows.length * (1 + (others.length >> 4));
    if (record.work <= MOST_WORK) return true;
    record.doubts.reasons?.add('the ways through the rules are too many');
    return false;
  }

  /** Ports of the packet are exact wherever the leading tests of a rule ask for them. */
  #isSharp(rule: CompiledRule): boolean {
    const { direction, localPort, peerPort } = this.#at;
    const [source, destination] = direction === 'original' ? [peerPort, localPort] : [localPort, peerPort];
    return (isExact(source) || !rule.leadsSource) && (isExact(destination) || !rule.leadsDestination);
  }

  /** A rule that asks for one address and decides: written straight into the bits, without a copy. */
  #simple({ set, accepts }: SimpleRule, flows: readonly Flow[], out: Outcome, owned: Set<Bits>): Flow[] {
    const { space, dropped } = this.#record;
    if (set === null) {
      for (const { env, peers } of flows)
        if (accepts) gather(out.accepted, env, peers, space.size);
        else addTo(dropped, peers, space.size);
      return [];
    }
    return flows.map(({ env, peers }) => {
      let own = peers;
      if (typeof own === 'boolean' || !owned.has(own)) {
        own = own === true ? allBits(space.size) : own === false ? new Uint32Array(dropped.length) : own.slice();
        owned.add(own);
      }
      space.move(set, own as Uint32Array, accepts ? acceptedBits(out, env, space.size) : dropped);
      return { env, peers: own };
    });
  }

  #relevant(chain: CompiledChain): readonly CompiledRule[] {
    const { family, protocol, direction, localPort, peerPort } = this.#at;
    const [source, destination] = direction === 'original' ? [peerPort, localPort] : [localPort, peerPort];
    const key = `${chain.chain.id} ${source.from}-${source.to} ${destination.from}-${destination.to}`;
    let rules = this.#record.relevant.get(key);
    if (!rules) {
      rules = chain.relevant({ family, protocol, source, destination });
      this.#record.relevant.set(key, rules);
    }
    return rules;
  }

  #test(step: Extract<Step, { kind: 'match' }>, env: Environment, rule: CompiledRule, peers: Bits): Tri {
    return this.#ask(step.condition, env, rule, peers);
  }

  #ask(condition: Parameters<typeof evaluate>[0], env: Environment, rule: CompiledRule, peers: Bits): Tri {
    const { space, doubts, undecided, layer } = this.#record;
    if (!undecided) return evaluate(condition, this.#at, env, space, doubts);
    const reasons = new Set<string>();
    const inner: Doubts = { reasons, port: false };
    const tri = evaluate(condition, this.#at, env, space, inner);
    doubts.port ||= inner.port;
    if (reasons.size > 0) {
      const open = and(minus(tri.may, tri.must, space.size), peers);
      if (!isNone(open)) {
        const reference = referenceTo(layer.layer, rule.chain, rule.rule);
        for (const reason of reasons) {
          const key = `${reference.layer} ${reference.id} ${reason}`;
          const known = undecided.get(key);
          if (known) known.peers = unite(known.peers, open, space.size);
          else undecided.set(key, { rule: reference, reason, peers: open });
        }
      }
    }
    return tri;
  }

  /** Runs one rule for the peers that reach it. Who goes on to the next rule is added to `next`. */
  #rule(rule: CompiledRule, env: Environment, reach: Bits, next: Flow[], out: Outcome, depth: number): void {
    const record = this.#record;
    const { size } = record.space;
    // ports that are one of several were only roughly compared
    const steps = this.#isSharp(rule) ? rule.rest : rule.rule.steps;
    // whoever surely matched so far, and may have; those who surely did not leave in the end
    let pieces: { env: Environment; must: Bits; may: Bits }[] = [{ env, must: reach, may: reach }];
    // who leaves keeps the environment it had when it left
    const leave = (of: Environment, before: Bits, stays: Bits) => addFlow(next, of, minus(before, stays, size), size);
    for (const step of steps) {
      if (pieces.length === 0) return;
      this.#certain = !record.trace || !isNone((pieces[0] as { must: Bits }).must);
      switch (step.kind) {
        case 'match': {
          const kept: typeof pieces = [];
          for (const piece of pieces) {
            const tri = this.#test(step, piece.env, rule, piece.may);
            if (tri === TRUE || (tri.must === true && tri.may === true)) {
              kept.push(piece);
              continue;
            }
            const may = and(piece.may, tri.may);
            leave(piece.env, piece.may, and(piece.may, tri.must));
            if (!isNone(may)) kept.push({ env: piece.env, must: and(piece.must, tri.must), may });
          }
          pieces = kept;
          break;
        }
        case 'verdict': {
          for (const piece of pieces)
            if (!this.#verdict(step.verdict, rule, piece.env, piece.may, next, out, depth)) return;
          if (step.verdict.kind !== 'continue' && step.verdict.kind !== 'unknown') return;
          break;
        }
        case 'verdict-map': {
          for (const piece of pieces) {
            let left = piece.may;
            for (const branch of step.branches) {
              if (isNone(left)) break;
              const tri = this.#ask(branch.when, piece.env, rule, left);
              const takes = and(left, tri.may);
              if (isNone(takes)) continue;
              left = minus(left, tri.must, size);
              this.#verdict(branch.verdict, rule, piece.env, takes, next, out, depth, true);
            }
            addFlow(next, piece.env, left, size);
          }
          return;
        }
        case 'log':
          if (record.packet === 'first') for (const piece of pieces) addTo(record.logged, piece.may, size);
          break;
        case 'source-nat': {
          for (const piece of pieces) {
            this.#traced(rule, step.text);
            const rewritten = environment(record, { ...piece.env, sourceRewritten: true });
            gather(out.accepted, rewritten, piece.may, size);
          }
          return;
        }
        case 'destination-nat': {
          for (const piece of pieces) {
            this.#traced(rule, 'rewrites the destination');
            const number = this.#translation(step, rule);
            gather(out.accepted, environment(record, { ...piece.env, nat: number }), piece.may, size);
          }
          return;
        }
        default:
          pieces = pieces.flatMap((piece) =>
            this.#effect(step, piece.env).map((changed) => ({ ...piece, env: changed })),
          );
      }
    }
    for (const piece of pieces) addFlow(next, piece.env, piece.may, size);
  }

  #traced(rule: CompiledRule, effect: string): void {
    const { trace, layer } = this.#record;
    trace?.push({
      rule: referenceTo(layer.layer, rule.chain, rule.rule),
      effect,
      certain: this.#certain,
      hook: this.#hook,
      packet: this.#record.packet,
    });
  }

  #translation(step: Translation['step'], rule: CompiledRule): number {
    const { translations, layer } = this.#record;
    const known = translations.findIndex((t) => t.step === step);
    if (known >= 0) return known;
    translations.push({ step, rule: referenceTo(layer.layer, rule.chain, rule.rule) });
    return translations.length - 1;
  }

  /** Returns false where nothing of the rule is left to do. */
  #verdict(
    verdict: Verdict,
    rule: CompiledRule,
    env: Environment,
    peers: Bits,
    next: Flow[],
    out: Outcome,
    depth: number,
    isMap = false,
  ): boolean {
    const record = this.#record;
    const { size } = record.space;
    const reference = record.decisions || record.trace ? referenceTo(record.layer.layer, rule.chain, rule.rule) : null;
    switch (verdict.kind) {
      case 'accept':
        if (reference) this.decide(reference, 'accept', peers);
        gather(out.accepted, env, peers, size);
        return true;
      case 'drop':
      case 'reject':
        if (reference) this.decide(reference, verdict.kind, peers);
        addTo(record.dropped, peers, size);
        return true;
      case 'return':
        if (reference) this.#traced(rule, 'return');
        gather(out.returned, env, peers, size);
        return true;
      case 'continue':
        if (isMap) addFlow(next, env, peers, size);
        return true;
      case 'unknown': {
        if (reference) this.decide(reference, 'unknown', peers);
        if (record.undecided && reference) {
          const key = `${reference.layer} ${reference.id} ${verdict.reason}`;
          record.undecided.set(key, { rule: reference, reason: verdict.reason, peers });
        }
        gather(out.accepted, env, peers, size);
        addTo(record.dropped, peers, size);
        if (isMap) addFlow(next, env, peers, size);
        return true;
      }
      case 'jump':
      case 'goto': {
        if (reference) this.#traced(rule, `${verdict.kind} ${verdict.chain}`);
        const target = record.layer.chains.get(verdict.chain);
        if (!target) {
          gather(out.accepted, env, peers, size);
          addTo(record.dropped, peers, size);
          addFlow(next, env, peers, size);
          record.doubts.reasons?.add(`chain ${verdict.chain} is not in the ruleset`);
          return true;
        }
        const result = this.chain(target, { env, peers }, depth + 1);
        this.#canAfford(result.accepted, out.accepted);
        this.#canAfford(result.returned, result.returned);
        for (const flow of result.accepted) gather(out.accepted, flow.env, flow.peers, size);
        const back = verdict.kind === 'jump' ? next : out.returned;
        for (const flow of result.returned) addFlow(back, flow.env, flow.peers, size);
        return true;
      }
    }
  }

  /** Environments after a step that writes; two where it is not certain. */
  #effect(step: Step, env: Environment): Environment[] {
    const record = this.#record;
    const make = (change: Partial<Environment>) => environment(record, { ...env, ...change });
    const hasConnection = env.tracking === 'tracked';
    const mayHaveConnection = hasConnection || env.tracking === 'unknown';
    switch (step.kind) {
      case 'set-mark': {
        if (step.of === 'packet')
          return [make({ mark: env.mark === null ? onlyValue(step) : xor(env.mark & step.keep, step.value) })];
        if (!mayHaveConnection) return [env];
        const value = env.connectionMark;
        const changed = make({ connectionMark: value === null ? onlyValue(step) : xor(value & step.keep, step.value) });
        return hasConnection ? [changed] : [env, changed];
      }
      case 'copy-mark': {
        const [from, to] = step.from === 'packet' ? [env.mark, env.connectionMark] : [env.connectionMark, env.mark];
        if (!mayHaveConnection) return [env];
        const value = from === null || to === null ? null : xor(to & step.keep, from & step.mask);
        const changed = make(step.from === 'packet' ? { connectionMark: value } : { mark: value });
        return hasConnection ? [changed] : [env, changed];
      }
      case 'unknown-mark':
        return [make(step.of === 'packet' ? { mark: null } : { connectionMark: null })];
      case 'notrack':
        if (env.tracking === 'none') return [make({ tracking: 'untracked' })];
        return env.tracking === 'unknown' && this.#priority === -200 ? [env, make({ tracking: 'untracked' })] : [env];
      case 'zone':
        return env.tracking === 'none' || env.tracking === 'unknown' ? [make({ zoned: true })] : [env];
      default:
        return [env];
    }
  }
}

function xor(a: number, b: number): number {
  return (a ^ b) >>> 0;
}

/** A mark that is written whole is known, whatever it was before. */
function onlyValue(step: { readonly keep: number; readonly value: number }): number | null {
  return step.keep === 0 ? step.value >>> 0 : null;
}

function isExact(range: { readonly from: number; readonly to: number }): boolean {
  return range.from === range.to;
}

function environmentKey(env: Environment): string {
  return `${env.mark}|${env.connectionMark}|${env.tracking}|${env.nat}|${env.sourceRewritten}|${env.first}|${env.reply}|${env.zoned}`;
}
