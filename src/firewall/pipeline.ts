import { type AddressSet, intersection, isEmpty, size } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { ConnectionState, Hook, NumberRange } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { addTo, type Bits, isNone, minus } from './bits.ts';
import { mayWrite, runByPriority } from './chain-order.ts';
import { addFlow, environment, type Flow, runBaseChain, type WalkRecord } from './chain-walk.ts';
import { type CompiledChain, policyOf } from './compile.ts';
import type { Environment, PacketContext, Tracking } from './conditions.ts';
import { type HostRoutes, setOf } from './host-routes.ts';
import { isSurelyTracked } from './tracking-evidence.ts';

/** Priorities at which the kernel itself does something (include/uapi/linux/netfilter_ipv4.h). */
const CONNTRACK = -200;
const DESTINATION_NAT = -100;
const SOURCE_NAT = 100;

const LOOPBACK = fromCidrs(['127.0.0.0/8', '::1/128']);

const TCP = 6;
const SYN = 0x02;
const ACK = 0x10;
const PORTS: NumberRange = { from: 0, to: 65535 };

/** Packets that the question does not tell apart, but for the peer. */
export interface PacketClass {
  readonly family: AddressFamily;
  readonly protocol: number;
  /** Address that the client sends to: one of these; null: not known. */
  readonly address: AddressSet | null;
  /** The address is the host's own; null: not known. */
  readonly isLocal: boolean | null;
  readonly port: number;
  readonly peerPort: NumberRange;
  /** null: not known. */
  readonly iif: string | null;
}

/** Where packets end that come through, and for which peers they may. */
export interface Delivery {
  readonly nat: number;
  /** It is not what the client sent to; null: perhaps. */
  readonly destinationRewritten: boolean | null;
  readonly address: AddressSet | null;
  readonly port: NumberRange;
  /** Delivered to a socket here; false: sent on. */
  readonly local: boolean;
  readonly flows: readonly Flow[];
  /** Peers for which the connection completes this way, or may. */
  readonly completing: Bits;
}

export interface PipelineResult {
  /** After the first packet: where it may end, and for which peers it may be dropped. */
  readonly deliveries: readonly Delivery[];
  readonly dropped: Bits;
  /** Peers for which one of the connection's packets may be dropped: the first, the answer, the confirmation. */
  readonly droppedCompleting: Bits;
}

/** Sends the packets of a connection through the filters of a host: first packet, answer, and for TCP the confirmation. */
export function runPipeline(
  packet: PacketClass,
  routes: HostRoutes,
  record: WalkRecord,
  isLinux: boolean,
): PipelineResult {
  const run = new Pipeline(packet, routes, record, isLinux);
  return run.run();
}

/** What changes between the three packets of a connection. */
interface Phase {
  readonly number: 1 | 2 | 3;
  readonly direction: 'original' | 'reply';
  readonly flags: number | null;
  readonly state: ConnectionState;
}

class Pipeline {
  readonly #packet: PacketClass;
  readonly #routes: HostRoutes;
  readonly #record: WalkRecord;
  readonly #isLinux: boolean;

  constructor(packet: PacketClass, routes: HostRoutes, record: WalkRecord, isLinux: boolean) {
    this.#packet = packet;
    this.#routes = routes;
    this.#record = record;
    this.#isLinux = isLinux;
  }

  run(): PipelineResult {
    const record = this.#record;
    const { size } = record.space;
    const isTcp = this.#packet.protocol === TCP;
    const first: Phase = { number: 1, direction: 'original', flags: isTcp ? SYN : null, state: 'new' };
    record.packet = 'first';
    const start = this.#env({
      ...{ mark: 0, connectionMark: 0, tracking: this.#isLinux ? ('none' as const) : ('tracked' as const) },
      ...{ first: 'none' as const, reply: 'none' as const, nat: -1, sourceRewritten: false, zoned: false },
    });
    const deliveries = this.#arrive(first, [{ env: start, peers: true }]);
    const dropped = record.dropped.slice();

    const reply: Phase = { number: 2, direction: 'reply', flags: isTcp ? SYN | ACK : null, state: 'established' };
    const confirm: Phase = { number: 3, direction: 'original', flags: ACK, state: 'established' };
    const completed = deliveries.map((delivery) => {
      record.packet = 'answer';
      let flows = this.#answer(reply, delivery);
      record.packet = 'confirmation';
      if (isTcp) flows = this.#confirm(confirm, { ...delivery, flows }).flatMap((ending) => ending.flows);
      return { ...delivery, completing: peersOf(flows, size) };
    });
    return { deliveries: completed, dropped, droppedCompleting: record.dropped };
  }

  #env(env: Environment): Environment {
    return environment(this.#record, env);
  }

  /** Flows with their environments changed. */
  #map(flows: readonly Flow[], change: (env: Environment) => Environment): Flow[] {
    const changed: Flow[] = [];
    for (const { env, peers } of flows) addFlow(changed, this.#env(change(env)), peers, this.#record.space.size);
    return changed;
  }

  #chains(hook: Hook): readonly CompiledChain[] {
    const { family } = this.#packet;
    return (this.#record.layer.hooks.get(hook) ?? []).filter(({ chain }) => chain.families.includes(family));
  }

  /** A packet of the peer's comes in: ingress, prerouting, and on to input or forward. */
  #arrive(phase: Phase, flows: readonly Flow[], only?: Delivery): Delivery[] {
    const { packet, routes } = { packet: this.#packet, routes: this.#routes };
    const original = { address: packet.address, port: { from: packet.port, to: packet.port } };
    const at: PacketContext = {
      ...{ family: packet.family, protocol: packet.protocol, direction: phase.direction, flags: phase.flags },
      ...{ local: packet.address, localPort: original.port, peerPort: packet.peerPort, original, routes },
      ...{ iif: packet.iif, oif: '', oifByRoute: false, state: phase.state, isLocal: packet.isLocal },
      ...{ confirmed: phase.number > 1, seenReply: phase.number > 1, destinationRewritten: false },
    };
    if (!this.#isLinux) {
      const passed = this.#hook('input', at, flows);
      return passed.length === 0
        ? []
        : [
            {
              ...{ nat: -1, destinationRewritten: false, address: packet.address, port: original.port, local: true },
              ...{ flows: passed, completing: false },
            },
          ];
    }
    let on = this.#ingress(at, flows);
    const chains = this.#chains('prerouting');
    const filters = chains.filter(({ chain }) => chain.base?.type !== 'nat');
    const priority = (chain: CompiledChain) => chain.chain.base?.priority ?? 0;
    on = this.#filter(
      filters.filter((chain) => priority(chain) < CONNTRACK),
      at,
      on,
    );
    const untracked = on;
    // at the very priority of conntrack nobody can say who comes first
    const same = filters.filter((chain) => priority(chain) === CONNTRACK);
    if (same.length > 0) {
      on = this.#map(untracked, (env) => ({ ...env, tracking: env.tracking === 'none' ? 'unknown' : env.tracking }));
      on = this.#filter(same, at, on);
    }
    const isSure = isSurelyTracked(this.#record.layer, packet.family);
    on = this.#map(on, (env) => {
      const tracking = isSure || env.tracking !== 'none' ? trackingOf(env.tracking, phase, env) : 'unknown';
      return phase.number === 1 ? { ...env, tracking, first: tracking } : { ...env, tracking };
    });
    // without its connection a confirmation is not rewritten, and goes another way
    if (phase.number === 3)
      for (const { env, peers } of on)
        if (env.nat >= 0 && env.tracking !== 'tracked') addTo(this.#record.dropped, peers, this.#record.space.size);
    const between = (chain: CompiledChain) => priority(chain) > CONNTRACK && priority(chain) < DESTINATION_NAT;
    on = this.#filter(filters.filter(between), at, on);
    if (phase.number === 1) on = this.#translateAll(chains, at, on);
    for (const chain of filters) {
      if (priority(chain) !== DESTINATION_NAT) continue;
      // before or after the rewriting: both are possible
      const rewritten = on.some(({ env }) => env.nat >= 0);
      const unclear: PacketContext = {
        ...at,
        local: null,
        localPort: PORTS,
        destinationRewritten: null,
        isLocal: null,
      };
      on = runBaseChain(chain, rewritten ? unclear : at, on, this.#record);
    }
    const deliveries: Delivery[] = [];
    for (const nat of new Set(on.map(({ env }) => env.nat))) {
      const part = on.filter(({ env }) => env.nat === nat);
      addAll(deliveries, this.#deliver(this.#rewritten(at, nat), nat, part, only));
    }
    return deliveries;
  }

  /** Ingress chains, on the interfaces that they are attached to. */
  #ingress(at: PacketContext, flows: readonly Flow[]): Flow[] {
    let on = [...flows];
    for (const chain of this.#chains('ingress')) {
      const devices = chain.chain.base?.devices;
      if (devices && at.iif !== null && !devices.includes(at.iif)) continue;
      const passed = runBaseChain(chain, at, on, this.#record);
      const isCertain = devices && at.iif !== null;
      if (isCertain) {
        on = passed;
        continue;
      }
      this.#noteUnplaced(chain, on, passed);
      for (const { env, peers } of passed) addFlow(on, env, peers, this.#record.space.size);
    }
    return on;
  }

  /** Tells of whom an ingress chain keeps out, if it is attached where they come in. */
  #noteUnplaced(chain: CompiledChain, before: readonly Flow[], passed: readonly Flow[]): void {
    const { layer, space, undecided } = this.#record;
    const peers = minus(peersOf(before, space.size), peersOf(passed, space.size), space.size);
    if (isNone(peers) || !undecided) return;
    const rule = policyOf(layer.layer, chain.chain);
    const reason = 'an ingress chain may be attached to the interface or not';
    undecided.set(`${rule.layer} ${rule.id} ${reason}`, { rule, reason, peers });
  }

  /** Filter chains in their order. */
  #filter(chains: readonly CompiledChain[], at: PacketContext, flows: readonly Flow[]): Flow[] {
    return this.#inOrder(chains, flows, (chain, on) => runBaseChain(chain, at, on, this.#record));
  }

  #inOrder(
    chains: readonly CompiledChain[],
    flows: readonly Flow[],
    run: (chain: CompiledChain, flows: readonly Flow[]) => Flow[],
  ): Flow[] {
    const { layer, space } = this.#record;
    const matters = (group: readonly CompiledChain[]) =>
      group.some((chain) => chain.chain.base?.type === 'nat' || mayWrite(layer, chain));
    return runByPriority(chains, flows, space.size, run, matters);
  }

  /** Chains of NAT one after the other: the first that translates wins. */
  #translateAll(chains: readonly CompiledChain[], at: PacketContext, flows: readonly Flow[]): Flow[] {
    const natural = chains.filter(({ chain }) => chain.base?.type === 'nat');
    const run = (chain: CompiledChain, on: readonly Flow[]) => this.#translate(chain, at, on);
    return runByPriority(natural, flows, this.#record.space.size, run, () => true);
  }

  /** A chain of NAT: only tracked connections that have no translation yet see it. */
  #translate(chain: CompiledChain, at: PacketContext, flows: readonly Flow[]): Flow[] {
    const { size } = this.#record.space;
    const result: Flow[] = [];
    const seen: Flow[] = [];
    for (const { env, peers } of flows) {
      if (env.nat >= 0 || (env.tracking !== 'tracked' && env.tracking !== 'unknown')) addFlow(result, env, peers, size);
      else {
        seen.push({ env, peers });
        if (env.tracking === 'unknown') addFlow(result, env, peers, size);
      }
    }
    for (const { env, peers } of runBaseChain(chain, at, seen, this.#record)) addFlow(result, env, peers, size);
    return result;
  }

  /** The context after the destination was rewritten; to what it was before counts as not rewritten (nf_nat_core.c). */
  #rewritten(at: PacketContext, nat: number): PacketContext {
    const step = this.#record.translations[nat]?.step;
    if (!step) return at;
    const localPort = step.ports ?? at.localPort;
    const portChanged = step.ports !== null && portsDiffer(at.localPort, step.ports);
    const make = (local: AddressSet | null, isLocal: boolean | null, changed: boolean | null): PacketContext => ({
      ...{ ...at, local, localPort, isLocal },
      destinationRewritten: anyOf(changed, portChanged),
    });
    if (step.redirect) {
      const targets = this.#redirectTargets(at);
      return make(targets, true, addressesDiffer(at.local, targets));
    }
    const addresses = step.addresses && ofFamily(step.addresses, at.family);
    if (addresses === null) return make(at.local, at.isLocal, false);
    if (isEmpty(addresses)) return make(null, null, null);
    return make(addresses, this.#routes.isLocal(addresses), addressesDiffer(at.local, addresses));
  }

  /** A redirect goes to the first address of the interface (nf_nat_redirect.c); IPv6 takes one of the fitting scope. */
  #redirectTargets(at: PacketContext): AddressSet | null {
    const device = this.#record.interfaceAddresses?.get(at.iif ?? '');
    const own = device?.filter((address) => address.family === at.family) ?? [];
    const [first] = own;
    if (!first) return null;
    return setOf(at.family === 'ipv4' ? [first] : own);
  }

  /** What comes from outside to a loopback address is dropped, unless a setting of the interface lets it in (ip-sysctl.rst). */
  #noteLoopback(at: PacketContext, nat: number, flows: readonly Flow[]): void {
    const translation = this.#record.translations[nat];
    const to = translation?.step.redirect === false ? translation.step.addresses : null;
    if (!translation || to === null || at.iif === 'lo' || isEmpty(intersection(to, LOOPBACK))) return;
    const { space, undecided } = this.#record;
    const peers = peersOf(flows, space.size);
    addTo(this.#record.dropped, peers, space.size);
    const { rule } = translation;
    const reason = 'packets from outside reach a loopback address only where route_localnet is set';
    if (!isNone(peers)) undecided?.set(`${rule.layer} ${rule.id} ${reason}`, { rule, reason, peers });
  }

  #deliver(at: PacketContext, nat: number, flows: readonly Flow[], only?: Delivery): Delivery[] {
    const deliveries: Delivery[] = [];
    const ends = (local: boolean, passed: readonly Flow[]) => {
      if (passed.length === 0) return;
      const { local: address, localPort: port, destinationRewritten } = at;
      deliveries.push({ nat, destinationRewritten, address, port, local, flows: passed, completing: false });
    };
    this.#noteLoopback(at, nat, flows);
    const rest = this.#afterTranslation('prerouting', at, flows);
    if (at.isLocal !== false && only?.local !== false) ends(true, this.#hook('input', at, rest));
    if (at.isLocal !== true && only?.local !== true) {
      const oif = at.local === null ? null : this.#routes.deviceTo(at.local);
      const out: PacketContext = { ...at, oif };
      const forwarded = this.#hook('forward', out, rest);
      ends(false, this.#postrouting(out, out, forwarded));
    }
    return deliveries;
  }

  #afterTranslation(hook: Hook, at: PacketContext, flows: readonly Flow[]): Flow[] {
    const after = this.#chains(hook).filter(
      ({ chain: { base } }) => base && base.type !== 'nat' && base.priority > DESTINATION_NAT,
    );
    return this.#filter(after, at, flows);
  }

  /** Filter chains of a hook in their order; chains of NAT may rewrite the source on the way in. */
  #hook(hook: Hook, at: PacketContext, flows: readonly Flow[]): Flow[] {
    return this.#inOrder(this.#chains(hook), flows, (chain, on) => {
      if (chain.chain.base?.type !== 'nat') return runBaseChain(chain, at, on, this.#record);
      return at.direction === 'original' && !at.seenReply ? this.#translateSource(chain, at, on) : [...on];
    });
  }

  #translateSource(chain: CompiledChain, at: PacketContext, flows: readonly Flow[]): Flow[] {
    const { size } = this.#record.space;
    // a connection whose source another chain has rewritten is past all of them
    const isOpen = ({ env }: Flow) =>
      !env.sourceRewritten && (env.tracking === 'tracked' || env.tracking === 'unknown');
    const passed = runBaseChain(chain, at, flows.filter(isOpen), this.#record);
    for (const flow of flows)
      if (!isOpen(flow) || flow.env.tracking === 'unknown') addFlow(passed, flow.env, flow.peers, size);
    return passed;
  }

  /** Postrouting; `after` is the packet as it is once sources have been rewritten (of answers: the client's view). */
  #postrouting(before: PacketContext, after: PacketContext, flows: readonly Flow[]): Flow[] {
    const differs = before !== after;
    return this.#inOrder(this.#chains('postrouting'), flows, (chain, on) => {
      const base = chain.chain.base;
      if (!base) return [...on];
      if (base.type === 'nat')
        return before.direction === 'original' && !before.seenReply
          ? this.#translateSource(chain, before, on)
          : [...on];
      const at: PacketContext =
        base.priority < SOURCE_NAT
          ? before
          : base.priority > SOURCE_NAT || !differs
            ? after
            : { ...before, local: null, localPort: PORTS };
      return runBaseChain(chain, at, on, this.#record);
    });
  }

  /** The answer to a delivered packet: from a socket here through output, or from where it was sent on to. */
  #answer(phase: Phase, delivery: Delivery): Flow[] {
    const packet = this.#packet;
    const flows = this.#map(delivery.flows, (env) => ({
      ...env,
      ...{ mark: 0, tracking: this.#isLinux ? ('none' as const) : ('tracked' as const) },
    }));
    const original = { address: packet.address, port: { from: packet.port, to: packet.port } };
    const isLocal = delivery.local ? true : delivery.address && this.#routes.isLocal(delivery.address);
    const at: PacketContext = {
      ...{ family: packet.family, protocol: packet.protocol, direction: phase.direction, flags: phase.flags },
      ...{ local: delivery.address, localPort: delivery.port, peerPort: packet.peerPort, original },
      ...{ routes: this.#routes, iif: '', oif: null, oifByRoute: true, state: phase.state },
      ...{ isLocal, confirmed: true, seenReply: true, destinationRewritten: delivery.destinationRewritten },
    };
    if (!this.#isLinux) return this.#hook('output', at, flows);
    // towards the client the source is what it sent to: rewritten at the priority of source NAT
    const outside: PacketContext = delivery.nat < 0 ? at : { ...at, local: original.address, localPort: original.port };
    if (delivery.local) {
      const on = this.#tracked('output', at, flows, phase);
      return this.#postrouting(at, outside, on);
    }
    const iif = delivery.address === null ? null : this.#routes.deviceTo(delivery.address);
    const inside: PacketContext = { ...at, iif, oif: '', oifByRoute: false };
    const arrived = this.#tracked('prerouting', inside, this.#ingress(inside, flows), phase);
    const through: PacketContext = { ...at, iif };
    const forwarded = this.#hook('forward', through, arrived);
    return this.#postrouting(through, { ...outside, iif }, forwarded);
  }

  /** A hook that conntrack looks in on: output of answers, prerouting of answers from behind. */
  #tracked(hook: 'output' | 'prerouting', at: PacketContext, flows: readonly Flow[], phase: Phase): Flow[] {
    let on = [...flows];
    const filters = this.#chains(hook).filter(({ chain }) => chain.base?.type !== 'nat');
    const priority = (chain: CompiledChain) => chain.chain.base?.priority ?? 0;
    on = this.#filter(
      filters.filter((chain) => priority(chain) < CONNTRACK),
      at,
      on,
    );
    const same = filters.filter((chain) => priority(chain) === CONNTRACK);
    if (same.length > 0)
      on = this.#map(on, (env) => ({ ...env, tracking: env.tracking === 'none' ? 'unknown' : env.tracking }));
    on = this.#filter(same, at, on);
    on = this.#map(on, (env) => {
      const tracking = trackingOf(env.tracking, phase, env);
      return { ...env, tracking, reply: tracking };
    });
    // an answer that conntrack takes for a connection of its own would meet NAT
    if (this.#chains(hook).length > filters.length)
      for (const { env, peers } of on)
        if (env.tracking === 'unknown') addTo(this.#record.dropped, peers, this.#record.space.size);
    return this.#filter(
      filters.filter((chain) => priority(chain) > CONNTRACK),
      at,
      on,
    );
  }

  /** The client's confirmation: goes the way of the first packet, and rules see an established connection. */
  #confirm(phase: Phase, delivery: Delivery): Delivery[] {
    const flows = this.#map(delivery.flows, (env) => ({
      ...env,
      ...{ mark: 0, tracking: this.#isLinux ? ('none' as const) : ('tracked' as const), sourceRewritten: false },
    }));
    return this.#arrive(phase, flows, delivery);
  }
}

/** true: they share none; false: both are one and the same; null: perhaps. */
function addressesDiffer(a: AddressSet | null, b: AddressSet | null): boolean | null {
  if (a === null || b === null) return null;
  if (isEmpty(intersection(a, b))) return true;
  return size(a) === 1n && size(b) === 1n ? false : null;
}

function portsDiffer(a: NumberRange, b: NumberRange): boolean | null {
  if (a.to < b.from || b.to < a.from) return true;
  return a.from === a.to && b.from === b.to ? false : null;
}

function anyOf(a: boolean | null, b: boolean | null): boolean | null {
  if (a === true || b === true) return true;
  return a === null || b === null ? null : false;
}

/** What conntrack makes of a packet, after what it made of those before (nf_conntrack_proto_tcp.c). */
function trackingOf(before: Tracking, phase: Phase, env: Environment): Tracking {
  if (before === 'untracked') return 'untracked';
  if (before === 'unknown') return 'unknown';
  const isTcp = phase.flags !== null;
  if (phase.number === 1) return 'tracked';
  if (env.zoned) return 'unknown';
  if (phase.number === 2) {
    if (env.first === 'tracked') return 'tracked';
    // an answer to a packet that was not tracked: no connection begins with SYN and ACK
    return env.first === 'untracked' && isTcp ? 'invalid' : 'unknown';
  }
  if (env.first === 'tracked' && env.reply === 'tracked') return 'tracked';
  // a confirmation without the answer having been seen; with a translation, that is not applied either
  if (env.first === 'tracked' && env.reply === 'untracked' && env.nat < 0) return 'invalid';
  return 'unknown';
}

function ofFamily(set: AddressSet, family: AddressFamily): AddressSet {
  return family === 'ipv4' ? { ipv4: set.ipv4, ipv6: [] } : { ipv4: [], ipv6: set.ipv6 };
}

/** Peers of all flows together. */
export function peersOf(flows: readonly Flow[], n: number): Bits {
  const peers = new Uint32Array((n + 31) >>> 5);
  for (const flow of flows) addTo(peers, flow.peers, n);
  return isNone(peers) ? false : peers;
}

/** Says whether a delivery may end at one of the addresses, on the port. */
export function mayEndAt(delivery: Delivery, addresses: AddressSet | null, port: number): boolean {
  if (!delivery.local || port < delivery.port.from || port > delivery.port.to) return false;
  return delivery.address === null || addresses === null || !isEmpty(intersection(delivery.address, addresses));
}
