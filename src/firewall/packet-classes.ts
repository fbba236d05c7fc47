import { type Address, bindScopeOf, formatAddress } from '../model/address.ts';
import { type AddressSet, has } from '../model/address-set.ts';
import { HOST_SCOPE } from '../model/endpoint.ts';
import type { HostNetwork } from '../model/host-network.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { Layer, NumberRange, Ruleset } from '../model/ruleset.ts';
import type { CompiledLayer } from './compile.ts';
import { type HostRoutes, setOf } from './host-routes.ts';

/** An address that packets are sent to, for all that the rules treat alike. */
export interface AddressClass {
  readonly family: AddressFamily;
  /** null: not known. */
  readonly address: Address | null;
  readonly set: AddressSet | null;
  readonly isLocal: boolean | null;
  readonly isLoopback: boolean;
  /** Layers that stand in front of it. */
  readonly layers: readonly CompiledLayer[];
}

/** Scope of the layer for pods that the files do not have. */
const ANY_POD = 'pod:*';

/** Bridges that Docker, Podman, libvirt, LXC and Kubernetes make for what runs on the host. */
const CONTAINER_BRIDGE =
  /^(?:docker\d+|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni\d+|cni-podman\d+|cbr0|virbr\d+|lxcbr\d+|lxdbr\d+|nerdctl\d+)$/;

/** What a question has to try one by one; `isKnown` false: only one of them need exist. */
export interface Choice<T> {
  readonly values: readonly T[];
  readonly isKnown: boolean;
}

/** Finds out which addresses, interfaces and ports of clients rules tell apart. */
export class PacketClasses {
  readonly #ruleset: Ruleset;
  readonly #layers: readonly CompiledLayer[];
  readonly #routes: HostRoutes;
  /** Boundaries that own addresses are told apart by. */
  readonly #edges4: Float64Array;
  readonly #edges6: readonly bigint[];
  /** Local addresses by the text of the public ones that stand for them. */
  readonly #published = new Map<string, Address>();
  /** Scopes that layers stand in front of by name. */
  readonly #scopes = new Set<string>();

  constructor(ruleset: Ruleset, layers: readonly CompiledLayer[], routes: HostRoutes) {
    this.#ruleset = ruleset;
    this.#layers = layers;
    this.#routes = routes;
    const edges4 = new Set<number>();
    const edges6 = new Set<bigint>();
    const add = (set: AddressSet) => {
      for (const edge of set.ipv4) edges4.add(edge);
      for (const edge of set.ipv6) edges6.add(edge);
    };
    for (const layer of layers) {
      for (const set of layer.ownSets) add(set);
      if (layer.layer.addresses) add(layer.layer.addresses);
      if (layer.layer.scope !== null) this.#scopes.add(layer.layer.scope);
      for (const { seenAs, local } of layer.layer.publishes ?? []) this.#published.set(formatAddress(seenAs), local);
      for (const { addresses } of layer.translations) if (addresses) add(addresses);
    }
    this.#edges4 = Float64Array.from(edges4).sort();
    this.#edges6 = [...edges6].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** Classes of the addresses asked about; null: every address of the host, loopback excluded. */
  addresses(asked: readonly Address[] | null, scope: string): Choice<AddressClass> {
    const { network } = this.#ruleset;
    const wildcard = asked?.filter(({ value }) => value === 0 || value === 0n) ?? [];
    const families = new Set<AddressFamily>(
      asked === null || wildcard.some(({ family }) => family === 'ipv6')
        ? ['ipv4', 'ipv6']
        : wildcard.map(({ family }) => family),
    );
    const particular = asked?.filter(({ value }) => value !== 0 && value !== 0n) ?? [];
    if (asked !== null && wildcard.length === 0) return { values: this.#distinct(particular, scope), isKnown: true };
    // a scope that filters are given for by name has the addresses that they have
    const named = scope === HOST_SCOPE ? [] : this.#layers.filter(({ layer }) => layer.scope === scope);
    const own =
      network && named.length === 0
        ? this.#ownAddresses(network.interfaces, scope)
        : this.#samples(named.length > 0 ? named : this.#layers, scope);
    const known = own.filter(({ family }) => families.has(family));
    if ((network && named.length === 0) || known.length > 0)
      return { values: this.#distinct([...particular, ...known], scope), isKnown: true };
    const layers = this.#layers.filter(({ layer }) => this.#isFor(layer, scope) && layer.addresses === null);
    const unknown = [...families].map((family): AddressClass => {
      return { family, address: null, set: null, isLocal: true, isLoopback: false, layers };
    });
    return { values: [...unknown, ...this.#distinct(particular, scope)], isKnown: true };
  }

  /** Addresses of machines as their filters have them: a network ACL stands in front of a whole subnet instead. */
  #samples(layers: readonly CompiledLayer[], scope: string): Address[] {
    const placed = layers.filter(({ layer }) => this.#isFor(layer, scope) && layer.addresses && !layer.isRest);
    const machines = placed.filter(({ layer }) => layer.kind !== 'network-acl');
    return (machines.length > 0 ? machines : placed).flatMap(({ layer }) =>
      layer.addresses ? someOf(layer.addresses) : [],
    );
  }

  /** Says whether a layer stands in front of a scope. An address of a pod that is asked about names the pod. */
  #isFor(layer: Layer, scope: string, asked?: Address): boolean {
    if (layer.scope === null || layer.scope === scope || scope === 'any') return true;
    if (layer.scope === ANY_POD) return scope.startsWith('pod:') && !this.#scopes.has(scope);
    return scope === HOST_SCOPE && asked !== undefined && layer.addresses !== null && has(layer.addresses, asked);
  }

  /**
   * Addresses of a host that others can reach it by. Where a cloud filters some of them, those of its bridges for
   * containers are left out: from elsewhere they are reached through the filtered ones.
   */
  #ownAddresses(devices: HostNetwork['interfaces'], scope: string): Address[] {
    const isFiltered = (address: Address) =>
      this.#layers.some(
        ({ layer }) => !layer.isRest && this.#isFor(layer, scope) && layer.addresses && has(layer.addresses, address),
      );
    const outer = devices.filter((device) => !device.loopback);
    const all = outer.flatMap((device) => device.addresses.map(({ address }) => address));
    if (!all.some(isFiltered)) return all;
    return outer
      .filter(({ name }) => !CONTAINER_BRIDGE.test(name))
      .flatMap((device) => device.addresses.map(({ address }) => address));
  }

  #distinct(addresses: readonly Address[], scope: string): AddressClass[] {
    const classes = new Map<string, AddressClass>();
    for (const asked of addresses) {
      const address = this.#published.get(formatAddress(asked)) ?? asked;
      const set = setOf([address]);
      const isLoopback = bindScopeOf(formatAddress(address)) === 'loopback';
      // without the outputs of `ip` an address that is asked about is taken for the host's own
      const isLocal = this.#ruleset.network === null ? true : this.#routes.isLocal(set);
      const layers = this.#layers.filter(
        ({ layer }) => this.#isFor(layer, scope, asked) && (layer.addresses === null || has(layer.addresses, asked)),
      );
      const key = `${address.family} ${this.#place(address)} ${isLocal} ${isLoopback} ${layers.map((l) => l.layer.id).join(' ')}`;
      if (!classes.has(key)) classes.set(key, { family: address.family, address, set, isLocal, isLoopback, layers });
    }
    return [...classes.values()];
  }

  #place(address: Address): number {
    let low = 0;
    let high = address.family === 'ipv4' ? this.#edges4.length : this.#edges6.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const edge = address.family === 'ipv4' ? (this.#edges4[middle] as number) : (this.#edges6[middle] as bigint);
      if (edge <= address.value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Classes of the interfaces that packets come in by, loopback excluded. */
  interfaces(asked: string | null, isLoopback: boolean): Choice<string | null> {
    if (asked !== null) return { values: [asked], isKnown: true };
    if (isLoopback) return { values: ['lo'], isKnown: true };
    const linux = this.#layers.filter(({ layer }) => layer.kind === 'linux');
    const patterns = linux.flatMap((layer) => layer.interfaces);
    const { network } = this.#ruleset;
    // of interfaces that fare alike the one with addresses stands for all: packets are likely to come in there
    const given = (network?.interfaces.filter((device) => !device.loopback) ?? []).toSorted(
      (a, b) => Number(b.addresses.length > 0) - Number(a.addresses.length > 0),
    );
    if (given.length > 0) {
      const isRedirected = linux.some((layer) => layer.translations.some((step) => step.redirect));
      const isApart = isRedirected || linux.some((layer) => layer.usesInterfaceTypes);
      const classes = new Map<string, string>();
      for (const { name } of given) {
        const key = isApart ? name : patterns.map((p) => (matches(name, p) ? '1' : '0')).join('');
        if (!classes.has(key)) classes.set(key, name);
      }
      return { values: [...classes.values()], isKnown: true };
    }
    // names that rules speak of may exist; and there may be others
    const names = patterns.filter(({ name, prefix }) => prefix || (name !== 'lo' && name !== ''));
    const distinct = new Map<string, string>([['', '\u0000']]);
    for (const { name, prefix } of names) distinct.set(`${prefix} ${name}`, prefix ? `${name}\u0000` : name);
    return { values: [...distinct.values()], isKnown: distinct.size === 1 };
  }

  /** Ranges of the client's port that rules may tell apart. */
  clientPorts(layers: readonly CompiledLayer[]): readonly NumberRange[] {
    const edges = new Set<number>([0]);
    for (const layer of layers) for (const edge of layer.clientPorts) if (edge > 0 && edge <= 65535) edges.add(edge);
    const from = [...edges].sort((a, b) => a - b);
    return from.map((first, i) => ({ from: first, to: (from[i + 1] ?? 65536) - 1 }));
  }
}

function matches(name: string, pattern: { readonly name: string; readonly prefix: boolean }): boolean {
  return pattern.prefix ? name.startsWith(pattern.name) : name === pattern.name;
}

/** The first address of every interval of a set: enough to ask about a layer that has it. */
function someOf(set: AddressSet): Address[] {
  const some: Address[] = [];
  for (let i = 0; i < Math.min(set.ipv4.length, 512); i += 2)
    some.push({ family: 'ipv4', value: set.ipv4[i] as number });
  for (let i = 0; i < Math.min(set.ipv6.length, 512); i += 2)
    some.push({ family: 'ipv6', value: set.ipv6[i] as bigint });
  return some;
}

/** A set of one family. */
export function familyPart(set: AddressSet, family: AddressFamily): AddressSet {
  return family === 'ipv4' ? { ipv4: set.ipv4, ipv6: [] } : { ipv4: [], ipv6: set.ipv6 };
}
