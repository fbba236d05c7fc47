import { blockOfText } from './aws-addresses.ts';
import type { AwsGroup, AwsPeer } from './aws-inventory.ts';
import { readTraffic, trafficText, UNKNOWN_VALUE } from './aws-traffic.ts';
import { DIRECTIONS, type Direction, LATER, type TerraformReader } from './terraform-reader.ts';
import { attributeOf, blocksOf, type TerraformResource, textsOf } from './terraform-resources.ts';
import { listOf, mapOf, shown, textOf, type Values } from './untrusted.ts';

/** Rules in the blocks of the group itself. */
export function readInlineRules(r: TerraformReader, resource: TerraformResource): void {
  const group = r.inventory.groups.get(resource.address);
  if (!group) return;
  for (const direction of DIRECTIONS) {
    const blocks = blocksOf(resource.values, resource.unknown, direction);
    const written = resource.expressions?.[direction];
    // Without such blocks in the configuration the attribute only mirrors what the group was seen to have.
    const isMirror = resource.expressions !== null && written === undefined;
    if (blocks === UNKNOWN_VALUE) {
      if (isMirror) continue;
      group.more[direction] = `${direction} of ${group.key}: ${LATER}`;
      r.note('unsupported', `${group.key} ${direction}`, LATER);
      continue;
    }
    const doubt =
      isMirror && blocks.length > 0 && r.file.isPlan
        ? 'the permission is in the state, not in the configuration'
        : null;
    for (const block of blocks) {
      const peers = inlinePeers(r, resource, group, block.values, block.unknown, written);
      addPermissions(r, group, direction, block.values, block.unknown, 'protocol', peers, doubt);
    }
  }
}

function* inlinePeers(
  r: TerraformReader,
  resource: TerraformResource,
  group: AwsGroup,
  values: Values,
  unknown: unknown,
  written: unknown,
): Iterable<{ peer: AwsPeer; name: string }> {
  yield* listPeers(values, unknown);
  const groups = textsOf(values, unknown, 'security_groups');
  if (groups === UNKNOWN_VALUE) yield* referredGroups(r, resource, values, written);
  else for (const id of groups) yield groupPeer(r.groupOfId.get(id) ?? id);
  if (attributeOf(values, unknown, 'self') === true) yield groupPeer(group.key);
}

/** Groups whose ids are not known yet: those that the block of the configuration with these ports refers to. */
function* referredGroups(r: TerraformReader, resource: TerraformResource, values: Values, written: unknown) {
  const same = listOf(written)
    .map(mapOf)
    .filter((block) =>
      ['from_port', 'to_port', 'protocol'].every((key) => {
        const constant = mapOf(block[key]).constant_value;
        return constant === undefined ? false : String(constant) === String(values[key]);
      }),
    );
  const [block, ...others] = same;
  const references = others.length === 0 ? mapOf(block?.security_groups).references : undefined;
  const found = r.file.resolve(resource.module, references);
  if (found === null) yield { peer: unknownPeer(LATER), name: 'groups known after apply' };
  else for (const { address } of found) yield groupPeer(address);
}

function* listPeers(values: Values, unknown: unknown): Iterable<{ peer: AwsPeer; name: string }> {
  for (const key of ['cidr_blocks', 'ipv6_cidr_blocks'] as const) {
    const blocks = textsOf(values, unknown, key);
    if (blocks === UNKNOWN_VALUE) yield { peer: unknownPeer(LATER), name: `${key} known after apply` };
    else for (const text of blocks) yield blockPeer(text);
  }
  const lists = textsOf(values, unknown, 'prefix_list_ids');
  if (lists === UNKNOWN_VALUE) yield { peer: unknownPeer(LATER), name: 'prefix lists known after apply' };
  else for (const id of lists) yield { peer: { kind: 'prefix-list', id }, name: id };
}

export function readSeparateRule(
  r: TerraformReader,
  resource: TerraformResource,
  direction: Direction,
  protocolKey: string,
): void {
  const { values, unknown, address } = resource;
  if (direction !== 'ingress' && direction !== 'egress') {
    r.note('unrecognised', address, 'its type is neither ingress nor egress');
    return;
  }
  const key = r.keyOf(resource, 'security_group_id', r.groupOfId);
  const group = key === null ? undefined : r.inventory.groups.get(key);
  if (group === undefined) {
    const reason = key === null ? 'which security group it is of is known after apply only' : null;
    // A group that Terraform does not manage is in nothing that is asked here.
    if (reason === null) {
      r.count('irrelevant');
      return;
    }
    for (const one of r.inventory.groups.values()) one.more[direction] ??= `${address}: ${reason}`;
    r.note('unsupported', address, reason);
    return;
  }
  addPermissions(r, group, direction, values, unknown, protocolKey, separatePeers(r, resource, group), null);
}

function* separatePeers(
  r: TerraformReader,
  resource: TerraformResource,
  group: AwsGroup,
): Iterable<{ peer: AwsPeer; name: string }> {
  const { values, unknown } = resource;
  yield* listPeers(values, unknown);
  for (const key of ['cidr_ipv4', 'cidr_ipv6'] as const) {
    const block = attributeOf(values, unknown, key);
    if (block === UNKNOWN_VALUE) yield { peer: unknownPeer(LATER), name: `${key} known after apply` };
    else if (textOf(block) !== null) yield blockPeer(block);
  }
  const list = attributeOf(values, unknown, 'prefix_list_id');
  if (list === UNKNOWN_VALUE) {
    const key = r.keyOf(resource, 'prefix_list_id', new Map());
    const isListed = key !== null && r.inventory.prefixLists.has(key);
    const peer: AwsPeer = isListed ? { kind: 'prefix-list', id: key } : unknownPeer(LATER);
    yield { peer, name: key ?? 'a prefix list known after apply' };
  } else if (textOf(list) !== null) {
    const id = textOf(list) ?? '';
    yield { peer: { kind: 'prefix-list', id }, name: id };
  }
  if (attributeOf(values, unknown, 'self') === true) yield groupPeer(group.key);
  for (const argument of ['source_security_group_id', 'referenced_security_group_id'] as const) {
    const value = attributeOf(values, unknown, argument);
    if (value === null || value === undefined) continue;
    // Set by AWS itself where the rule names a block instead.
    if (value === UNKNOWN_VALUE && resource.expressions !== null && !(argument in resource.expressions)) continue;
    const key = r.keyOf(resource, argument, r.groupOfId);
    if (key === null) yield { peer: unknownPeer(LATER), name: 'a group known after apply' };
    else yield groupPeer(key);
  }
}

function groupPeer(key: string): { peer: AwsPeer; name: string } {
  // `account/sg-1` is how a group of a peered VPC is written.
  const foreign = key.includes('/') ? `it belongs to account ${key.split('/')[0]}` : null;
  return { peer: { kind: 'group', key, foreign }, name: key };
}

function blockPeer(value: unknown): { peer: AwsPeer; name: string } {
  const block = blockOfText(value);
  if (block) return { peer: { kind: 'addresses', set: block.set }, name: block.text };
  return { peer: unknownPeer(`${shown(value)} is not a CIDR`), name: shown(value) };
}

function addPermissions(
  r: TerraformReader,
  group: AwsGroup,
  direction: Direction,
  values: Values,
  unknown: unknown,
  protocolKey: string,
  peers: Iterable<{ peer: AwsPeer; name: string }>,
  doubt: string | null,
): void {
  const from = attributeOf(values, unknown, 'from_port');
  const to = attributeOf(values, unknown, 'to_port');
  const traffic = readTraffic(attributeOf(values, unknown, protocolKey), from, to);
  if (typeof traffic === 'string') {
    group.more[direction] = `a permission of ${group.key} is not understood: ${traffic}`;
    r.note('unrecognised', `${group.key} ${direction}`, traffic);
    return;
  }
  let counted = false;
  for (const { peer, name: peerName } of peers) {
    counted = true;
    const word = direction === 'ingress' ? 'from' : 'to';
    const text = `${group.key} ${direction} ${trafficText(traffic)} ${word} ${peerName}`;
    const comment = textOf(values.description);
    group.permissions.push({ ...traffic, direction, peer, text, comment, at: r.at, doubt });
    const later = [traffic.protocol, traffic.ports].some(
      (part) => part !== null && typeof part === 'object' && 'kind' in part,
    );
    if (peer.kind === 'unknown') r.note('unsupported', text, peer.reason);
    else if (later) r.note('unsupported', text, `its protocol or ports: ${LATER}`);
    else if (doubt !== null) r.note('unsupported', text, doubt);
    else r.count(traffic.icmpType ? 'irrelevant' : 'modelled');
  }
  // A permission without any source lets nobody in.
  if (!counted) r.count('modelled');
}

function unknownPeer(reason: string): AwsPeer {
  return { kind: 'unknown', reason };
}
