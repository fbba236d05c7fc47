import { addressBits } from '../model/address.ts';
import {
  type AddressSet,
  ALL,
  difference,
  EMPTY,
  intersection,
  isEmpty,
  toRanges,
  union,
} from '../model/address-set.ts';
import { fromCidrs, toText } from '../model/address-set-text.ts';
import { blockOf, formatCidr } from '../model/cidr.ts';
import { HOST_SCOPE } from '../model/endpoint.ts';
import { ALWAYS, type Condition, type Layer, type RulePlace } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { setOf, unionOf } from './aws-addresses.ts';
import type { AwsAcl, AwsGroup, AwsInterface, AwsInventory } from './aws-inventory.ts';
import { createPeers } from './aws-peers.ts';
import { trafficCondition } from './aws-traffic.ts';
import { type CloudRule, cloudLayer, repliesPass } from './cloud-layer.ts';
import type { DialectContext } from './dialect.ts';
import { claimedTwice } from './overlapping.ts';

export interface AwsLayers {
  readonly layers: readonly Layer[];
  readonly assumptions: readonly string[];
}

/**
 * Turns security groups and network ACLs into layers: one per set of groups that interfaces carry, one per subnet with a
 * network ACL. What has no known address can be asked about by its scope: `sg:NAME`, `instance:NAME`, `subnet:NAME`.
 * `at`: for rules that no file has, the first one.
 */
export function awsLayers(inventory: AwsInventory, network: DialectContext['network'], at: RulePlace): AwsLayers {
  const build = builder(inventory, at);
  const layers: Layer[] = [];
  const interfaces = [...inventory.interfaces.values()].sort((a, b) => compareText(a.key, b.key));
  const vpcOf = (one: AwsInterface) => one.vpc ?? inventory.subnets.get(one.subnet ?? '')?.vpc ?? 'no VPC';
  const machines = interfaces.map((one) => ({ owner: vpcOf(one), addresses: one.addresses }));
  const subnets = [...inventory.subnets.values()].map((one) => ({
    owner: one.vpc ?? 'no VPC',
    addresses: one.addresses,
  }));
  // Where every interface is given, an address that one of them has is in the VPC of that one.
  const isWhole = inventory.given.interfaces && inventory.interfacesPartial === null;
  const taken = isWhole ? unionOf(interfaces.map(({ addresses }) => addresses)) : EMPTY;
  const ambiguous = union(claimedTwice(machines), difference(claimedTwice([...machines, ...subnets]), taken));
  layers.push(...build.groupLayers(interfaces, ambiguous), ...build.aclLayers(interfaces, ambiguous, taken));
  const hasGroups = inventory.given.groups || interfaces.length > 0;
  const placed = unionOf([
    ...interfaces.map(allAddresses),
    ...(hasGroups ? [] : [...inventory.subnets.values()].map(({ addresses }) => addresses)),
  ]);
  if (hasGroups || inventory.given.acls) addAll(layers, unplaced(placed, ambiguous, network, at));
  return { layers, assumptions: assumptions(inventory) };
}

function allAddresses(one: AwsInterface): AddressSet {
  return unionOf([one.addresses, ...one.published.map(({ seenAs }) => setOf(seenAs))]);
}

/** Public addresses with the local ones that they stand for. */
function publishedBy(one: AwsInterface): NonNullable<Layer['publishes']> {
  return one.published.flatMap(({ seenAs, local }) => (local === null ? [] : [{ seenAs, local }]));
}

/** `web-1, eni-0a1`, or the first two of many. */
function titles(interfaces: readonly AwsInterface[]): string {
  const first = interfaces.slice(0, 2).map(({ title }) => title);
  return interfaces.length > 2 ? `${first.join('; ')} and ${interfaces.length - 2} more` : first.join('; ');
}

function builder(inventory: AwsInventory, at: RulePlace) {
  const peers = createPeers(inventory);
  const groupRules = new Map<string, CloudRule[]>();
  /** A name that two groups share (in two VPCs, say) is no name to ask by. */
  const names = new Map<string, number>();
  for (const { name } of inventory.groups.values()) names.set(name, (names.get(name) ?? 0) + 1);

  function rulesOfGroup(group: AwsGroup, direction: 'ingress' | 'egress'): CloudRule[] {
    return getOrMake(groupRules, `${direction} ${group.key}`, () => {
      const rules: CloudRule[] = [];
      for (const permission of group.permissions) {
        if (permission.direction !== direction) continue;
        const side = direction === 'ingress' ? 'source' : 'destination';
        const of: Condition[] = [trafficCondition(permission), peers.condition(permission.peer, side)];
        if (permission.doubt !== null) of.push({ kind: 'unknown', reason: permission.doubt });
        const { text, comment } = permission;
        rules.push({ text, comment, when: { kind: 'all', of }, verdict: { kind: 'accept' }, at: permission.at });
      }
      const more = group.more[direction];
      if (more !== null) rules.push(perhapsAccept(`${group.key}: perhaps more permissions`, more, group.at));
      return rules;
    });
  }

  function groupLayer(id: string, title: string, keys: readonly string[], doubt: string | null) {
    const rules = (direction: 'ingress' | 'egress') => {
      const all = [repliesPass('security groups', at)];
      for (const key of keys) {
        const group = inventory.groups.get(key);
        if (group) addAll(all, rulesOfGroup(group, direction));
        else all.push(perhapsAccept(`${key}: not given`, `security group ${key} is not among the files`, at));
      }
      if (keys.length === 0)
        all.push(perhapsAccept('no security group', 'the interface carries no security group', at));
      if (doubt !== null) all.push(perhapsAccept('perhaps further security groups', doubt, at));
      return all;
    };
    const label = (key: string) => inventory.groups.get(key)?.name ?? key;
    return (addresses: AddressSet | null, scope: string | null, members: readonly AwsInterface[] = []): Layer =>
      cloudLayer({
        id,
        kind: 'security-group',
        title,
        addresses,
        scope,
        publishes: members.flatMap(publishedBy),
        table: keys.map(label).join(', '),
        input: rules('ingress'),
        output: rules('egress'),
        policy: { input: 'drop', output: 'drop' },
        names: ['ingress', 'egress'],
        at: inventory.groups.get(keys[0] ?? '')?.at ?? at,
      });
  }

  function groupLayers(interfaces: readonly AwsInterface[], ambiguous: AddressSet): Layer[] {
    const layers: Layer[] = [];
    const sets = new Map<string, AwsInterface[]>();
    const carried = new Set<string>();
    for (const one of interfaces) {
      const keys = [...one.groups].sort(compareText);
      const addresses = difference(allAddresses(one), ambiguous);
      const label = keys.map((key) => inventory.groups.get(key)?.name ?? key).join(', ');
      if (isEmpty(allAddresses(one))) {
        const title = `security groups ${label} of ${one.title}`;
        layers.push(groupLayer(`sg ${one.key}`, title, keys, one.groupsDoubt)(null, `instance:${one.machine}`));
        continue;
      }
      for (const key of keys) carried.add(key);
      if (isEmpty(addresses)) continue;
      if (one.groupsDoubt !== null) {
        const title = `security groups ${label} of ${one.title}`;
        layers.push(groupLayer(`sg ${one.key}`, title, keys, one.groupsDoubt)(addresses, null, [one]));
      } else getOrMake(sets, keys.join('+'), () => [] as AwsInterface[]).push(one);
    }
    for (const [id, members] of sets) {
      const keys = id === '' ? [] : id.split('+');
      const label = keys.map((key) => inventory.groups.get(key)?.name ?? key).join(', ');
      const title = `security group${keys.length === 1 ? '' : 's'} ${label || '(none)'} of ${titles(members)}`;
      const addresses = difference(unionOf(members.map(allAddresses)), ambiguous);
      layers.push(groupLayer(`sg ${id}`, title, keys, null)(addresses, null, members));
    }
    for (const group of [...inventory.groups.values()].sort((a, b) => compareText(a.key, b.key))) {
      if (carried.has(group.key)) continue;
      const name = names.get(group.name) === 1 ? group.name : group.key;
      const title = `security group ${group.name}, carried by no known address`;
      layers.push(groupLayer(`sg ${group.key}`, title, [group.key], null)(null, `sg:${name}`));
    }
    return layers;
  }

  function aclLayers(interfaces: readonly AwsInterface[], ambiguous: AddressSet, taken: AddressSet): Layer[] {
    if (!inventory.given.acls) return [];
    const bySubnet = new Map<string, AwsInterface[]>();
    for (const one of interfaces)
      getOrMake(bySubnet, one.subnet ?? 'of an interface without subnet', () => [] as AwsInterface[]).push(one);
    const aclOf = new Map<string, AwsAcl>();
    const defaults = new Map<string, AwsAcl>();
    for (const acl of inventory.acls.values()) {
      for (const subnet of acl.subnets) aclOf.set(subnet, acl);
      if (acl.isDefault && acl.vpc !== null) defaults.set(acl.vpc, acl);
    }
    const layers: Layer[] = [];
    const used = new Set<string>();
    const subnets = new Set([...bySubnet.keys(), ...inventory.subnets.keys(), ...aclOf.keys()]);
    for (const key of [...subnets].sort(compareText)) {
      const members = bySubnet.get(key) ?? [];
      const subnet = inventory.subnets.get(key);
      const vpc = subnet?.vpc ?? members.find((one) => one.vpc !== null)?.vpc ?? null;
      const named = aclOf.get(key);
      const acl = named ?? (inventory.aclsPartial === null && vpc !== null ? defaults.get(vpc) : undefined);
      if (acl) used.add(acl.key);
      const inside = subnet?.addresses ?? EMPTY;
      const all = unionOf([difference(inside, taken), ...members.map(allAddresses)]);
      const addresses = difference(all, ambiguous);
      if (!isEmpty(all) && isEmpty(addresses)) continue;
      const scope = isEmpty(all) ? `subnet:${key}` : null;
      layers.push(aclLayer(acl, key, sameSubnet(inside, members), isEmpty(all) ? null : addresses, scope));
    }
    for (const acl of inventory.acls.values())
      if (!used.has(acl.key)) layers.push(aclLayer(acl, null, null, null, `nacl:${acl.key}`));
    return layers;
  }

  function aclLayer(
    acl: AwsAcl | undefined,
    subnet: string | null,
    inside: { readonly surely: AddressSet; readonly perhaps: AddressSet } | null,
    addresses: AddressSet | null,
    scope: string | null,
  ): Layer {
    const place = acl?.at ?? at;
    const rules = (egress: boolean): CloudRule[] => {
      const list: CloudRule[] = [];
      const side = egress ? 'destination' : 'source';
      if (inside !== null) addAll(list, insideRules(inside, side, place));
      const doubt = acl ? acl.doubt : `which network ACL subnet ${subnet} has is not in the files`;
      if (doubt !== null)
        list.push({ text: 'entries not known', when: ALWAYS, verdict: { kind: 'unknown', reason: doubt }, at: place });
      const entries = (acl?.entries ?? []).filter((entry) => entry.egress === egress);
      entries.sort((a, b) => a.number - b.number);
      for (const entry of entries) {
        const where: Condition = 'kind' in entry.addresses ? entry.addresses : { kind: side, set: entry.addresses };
        const when: Condition = { kind: 'all', of: [trafficCondition(entry), where] };
        list.push({ text: entry.text, when, verdict: { kind: entry.allow ? 'accept' : 'drop' }, at: entry.at });
      }
      return list;
    };
    const name = acl === undefined ? 'unknown' : acl.name === acl.key ? acl.key : `${acl.name} (${acl.key})`;
    return cloudLayer({
      id: subnet === null ? `nacl ${acl?.key}` : `nacl ${acl?.key ?? 'unknown'} ${subnet}`,
      kind: 'network-acl',
      title: subnet === null ? `network ACL ${name}` : `network ACL ${name} of ${subnet}`,
      addresses,
      scope,
      table: acl?.name ?? 'unknown',
      input: rules(false),
      output: rules(true),
      policy: { input: 'drop', output: 'drop' },
      names: ['inbound', 'outbound'],
      at: place,
    });
  }

  return { groupLayers, aclLayers };
}

/** Security groups only ever allow: what is not known of one can only let more in. */
function perhapsAccept(text: string, reason: string, at: RulePlace): CloudRule {
  return { text, when: { kind: 'unknown', reason }, verdict: { kind: 'accept' }, at };
}

/** Smallest and largest block that a subnet can be (EC2 API, CreateSubnet): /16 to /28, /44 to /64. */
const SUBNET = { ipv4: { largest: 16, smallest: 28 }, ipv6: { largest: 44, smallest: 64 } } as const;

/**
 * Addresses of a subnet, whose packets to each other pass no network ACL. Where the block of the subnet is not known, an
 * address in it still bounds it from both sides.
 */
function sameSubnet(block: AddressSet, members: readonly AwsInterface[]) {
  const surely: string[] = [];
  const perhaps: string[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    if (block[family].length > 0) continue;
    for (const { first } of members.flatMap((one) => toRanges(one.addresses))) {
      if (first.family !== family) continue;
      surely.push(formatCidr(blockOf(first, SUBNET[family].smallest)));
      perhaps.push(formatCidr(blockOf(first, SUBNET[family].largest)));
    }
  }
  const certain = union(block, fromCidrs([...new Set(surely)]));
  return { surely: certain, perhaps: difference(fromCidrs([...new Set(perhaps)]), certain) };
}

function insideRules(
  inside: { readonly surely: AddressSet; readonly perhaps: AddressSet },
  side: 'source' | 'destination',
  at: RulePlace,
): CloudRule[] {
  const rules: CloudRule[] = [];
  if (!isEmpty(inside.surely)) {
    const text = `${side === 'source' ? 'from' : 'to'} the subnet itself: passes no network ACL`;
    rules.push({ text, when: { kind: side, set: inside.surely }, verdict: { kind: 'accept' }, at });
  }
  if (!isEmpty(inside.perhaps)) {
    const reason = 'the block of the subnet is not given (describe-subnets), so who is in it is not known';
    const of: Condition[] = [
      { kind: side, set: inside.perhaps },
      { kind: 'unknown', reason },
    ];
    const text = `${side === 'source' ? 'from' : 'to'} what may be the subnet itself`;
    rules.push({ text, when: { kind: 'all', of }, verdict: { kind: 'accept' }, at });
  }
  return rules;
}

/**
 * Addresses whose filters cannot be told: of no interface that is given, or of several in different VPCs. Without this, an
 * address that no layer stands in front of would seem to be open.
 */
function unplaced(
  placed: AddressSet,
  ambiguous: AddressSet,
  network: DialectContext['network'],
  at: RulePlace,
): Layer[] {
  const own = fromCidrs(
    (network?.interfaces ?? []).flatMap(({ addresses }) =>
      addresses.map(({ address }) => formatCidr({ network: address, prefix: addressBits(address.family) })),
    ),
  );
  // Of a host with an interface that is given, the other addresses (bridges of containers) are behind that interface.
  const isOurs = !isEmpty(intersection(own, placed));
  const known = unionOf([placed, LOOPBACK, isOurs ? own : EMPTY]);
  const layers: Layer[] = [];
  const add = (id: string, isRest: boolean, addresses: AddressSet | null, title: string, reason: string) => {
    if (addresses !== null && isEmpty(addresses)) return;
    const rule: CloudRule = { text: title, when: ALWAYS, verdict: { kind: 'unknown', reason }, at };
    layers.push(
      cloudLayer({
        id,
        kind: 'security-group',
        title,
        addresses,
        ...(isRest ? { scope: HOST_SCOPE, isRest } : { scope: null }),
        table: 'unknown',
        input: [repliesPass('security groups', at), rule],
        output: [repliesPass('security groups', at), rule],
        policy: { input: 'drop', output: 'drop' },
        names: ['ingress', 'egress'],
        at,
      }),
    );
  };
  add(
    'aws unplaced',
    true,
    isEmpty(placed) ? null : difference(ALL, union(known, ambiguous)),
    'filters of an address that is not among those given',
    'no interface with this address is given, so which filters it has is not known; give describe-network-interfaces, or ask by --scope sg:NAME',
  );
  add(
    'aws ambiguous',
    false,
    ambiguous,
    'filters of an address that several VPCs have',
    `several VPCs have ${toText(ambiguous).slice(0, 200)}; give the files of one VPC`,
  );
  return layers;
}

const LOOPBACK = fromCidrs(['127.0.0.0/8', '::1/128']);

function assumptions(inventory: AwsInventory): string[] {
  const said = [
    'Of the cloud only security groups and network ACLs are looked at: routes, gateways, load balancers, network firewalls and VPC block public access are not.',
  ];
  const { given } = inventory;
  if (given.groups && given.interfaces && inventory.interfacesPartial === null)
    said.push('The interfaces given are all there are: describe-network-interfaces was taken whole, without filters.');
  if (given.groups && !given.acls) said.push('Network ACLs are not given; they may refuse more.');
  if (given.acls && !given.groups) said.push('Security groups are not given; they may refuse more.');
  return said;
}
