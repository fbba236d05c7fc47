import { type AddressSet, EMPTY, isEmpty } from '../model/address-set.ts';
import { type Condition, NEVER, type Unknown } from '../model/ruleset.ts';
import { unionOf } from './aws-addresses.ts';
import type { AwsInventory, AwsPeer } from './aws-inventory.ts';

export interface AwsPeers {
  /** Who the other side of a rule is; `source` in rules for what comes in, `destination` in those for what goes out. */
  condition(peer: AwsPeer, side: 'source' | 'destination'): Condition;
  /** Why that is not certain; null: it is. */
  openReason(peer: AwsPeer): string | null;
}

/** Works out who the other sides of rules are, from everything that was given. */
export function createPeers(inventory: AwsInventory): AwsPeers {
  const members = new Map<string, AddressSet[]>();
  const doubtful: AddressSet[] = [];
  for (const { addresses, groups, groupsDoubt } of inventory.interfaces.values()) {
    if (groupsDoubt !== null) doubtful.push(addresses);
    for (const group of groups) {
      const list = members.get(group);
      if (list === undefined) members.set(group, [addresses]);
      else list.push(addresses);
    }
  }
  const perhapsAny = unionOf(doubtful);
  const known = new Map<string, AddressSet>();

  function membersOf(key: string): AddressSet {
    let set = known.get(key);
    if (set === undefined) {
      set = unionOf(members.get(key) ?? []);
      known.set(key, set);
    }
    return set;
  }

  /** Only interfaces that surely carry the group are certain. */
  function group(key: string, foreign: string | null): { set: AddressSet; more: Unknown | null } {
    const set = membersOf(key);
    const name = inventory.groups.get(key)?.name ?? key;
    const because = foreign ?? inventory.interfacesPartial ?? (inventory.given.interfaces ? null : NOT_GIVEN);
    if (because !== null)
      return { set, more: { kind: 'unknown', reason: `not every interface with group ${name} is known: ${because}` } };
    if (isEmpty(perhapsAny)) return { set, more: null };
    return { set: EMPTY, more: { kind: 'unknown', reason: `which interfaces carry group ${name} is not certain` } };
  }

  function resolve(peer: AwsPeer): { set: AddressSet; more: Unknown | null } {
    if (peer.kind === 'unknown') return { set: EMPTY, more: peer };
    if (peer.kind === 'addresses') return { set: peer.set, more: null };
    return peer.kind === 'group' ? group(peer.key, peer.foreign) : prefixList(peer.id);
  }

  function condition(peer: AwsPeer, side: 'source' | 'destination'): Condition {
    const { set, more } = resolve(peer);
    if (more === null) return isEmpty(set) ? NEVER : { kind: side, set };
    return isEmpty(set) ? more : { kind: 'any', of: [{ kind: side, set }, more] };
  }

  return { condition, openReason: (peer) => resolve(peer).more?.reason ?? null };

  function prefixList(id: string): { set: AddressSet; more: Unknown | null } {
    const list = inventory.prefixLists.get(id);
    const name = list?.name ? `${id} (${list.name})` : id;
    if (list === undefined || list.entries === null)
      return { set: EMPTY, more: { kind: 'unknown', reason: `the entries of prefix list ${name} are not given` } };
    if (list.partial === null) return { set: list.entries, more: null };
    return { set: list.entries, more: { kind: 'unknown', reason: `prefix list ${name}: ${list.partial}` } };
  }
}

const NOT_GIVEN = 'describe-network-interfaces is not among the files';
