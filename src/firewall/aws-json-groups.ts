import { blockOfText } from './aws-addresses.ts';
import type { AwsInventory, AwsPeer, AwsPermission, AwsReading } from './aws-inventory.ts';
import { count, note } from './aws-json-reading.ts';
import { readTraffic, trafficText } from './aws-traffic.ts';
import type { RulesetFile } from './dialect.ts';
import { listOf, mapOf, shown, textOf, type Values } from './untrusted.ts';

/** A security group of `describe-security-groups`. */
export function readGroup(values: Values, file: RulesetFile, inventory: AwsInventory, reading: AwsReading): void {
  const key = textOf(values.GroupId);
  if (key === null) {
    note(reading, file, 'unrecognised', 'a security group', 'it has no GroupId');
    return;
  }
  const before = inventory.groups.get(key);
  if (before !== undefined) {
    // Two listings that overlap: which of them is newer is not known.
    const reason = 'the group is listed more than once; permissions of both listings are possible';
    before.more.ingress = reason;
    before.more.egress = reason;
    for (const permission of before.permissions.splice(0)) before.permissions.push({ ...permission, doubt: reason });
    note(reading, file, 'unsupported', `security group ${key}`, reason);
    return;
  }
  const group = {
    key,
    name: textOf(values.GroupName) ?? key,
    vpc: textOf(values.VpcId),
    owner: textOf(values.OwnerId),
    permissions: [] as AwsPermission[],
    more: { ingress: null as string | null, egress: null as string | null },
    at: { file: file.name },
  };
  inventory.groups.set(key, group);
  for (const direction of ['ingress', 'egress'] as const) {
    const list = direction === 'ingress' ? values.IpPermissions : values.IpPermissionsEgress;
    if (!Array.isArray(list)) {
      group.more[direction] = `${direction} permissions of ${key} are not in the listing`;
      note(reading, file, 'unrecognised', `security group ${key}`, group.more[direction]);
    }
    for (const item of listOf(list)) {
      const permission = mapOf(item);
      const traffic = readTraffic(permission.IpProtocol, permission.FromPort, permission.ToPort);
      const peers = [...peersOf(permission, { vpc: group.vpc, owner: group.owner })];
      if (typeof traffic === 'string') {
        group.more[direction] = `${traffic}: a permission of ${key} is not understood`;
        for (let i = 0; i < Math.max(1, peers.length); i++)
          note(reading, file, 'unrecognised', `${key} ${direction} ${shown(permission.IpProtocol)}`, traffic);
        continue;
      }
      for (const { peer, name, comment } of peers) {
        const word = direction === 'ingress' ? 'from' : 'to';
        const text = `${key} (${group.name}) ${direction} ${trafficText(traffic)} ${word} ${name}`;
        group.permissions.push({ ...traffic, direction, peer, text, comment, at: group.at, doubt: null });
        if (peer.kind === 'unknown') note(reading, file, 'unrecognised', text, peer.reason);
        else count(reading, traffic.icmpType ? 'irrelevant' : 'modelled');
      }
    }
  }
}

/** Every source or destination of a permission (EC2 API, IpPermission). */
function* peersOf(
  permission: Values,
  own: { readonly vpc: string | null; readonly owner: string | null },
): Iterable<{ peer: AwsPeer; name: string; comment: string | null }> {
  for (const [list, field] of [
    ['IpRanges', 'CidrIp'],
    ['Ipv6Ranges', 'CidrIpv6'],
  ] as const)
    for (const item of listOf(permission[list])) {
      const range = mapOf(item);
      const block = blockOfText(range[field]);
      const name = block?.text ?? shown(range[field]);
      const peer: AwsPeer = block
        ? { kind: 'addresses', set: block.set }
        : { kind: 'unknown', reason: `${name} is not a CIDR` };
      yield { peer, name, comment: textOf(range.Description) };
    }
  for (const item of listOf(permission.PrefixListIds)) {
    const range = mapOf(item);
    const id = textOf(range.PrefixListId);
    const peer: AwsPeer =
      id === null ? { kind: 'unknown', reason: 'it has no PrefixListId' } : { kind: 'prefix-list', id };
    yield { peer, name: id ?? 'a prefix list', comment: textOf(range.Description) };
  }
  for (const item of listOf(permission.UserIdGroupPairs)) {
    const pair = mapOf(item);
    const key = textOf(pair.GroupId);
    const comment = textOf(pair.Description);
    if (key === null) {
      const name = textOf(pair.GroupName) ?? 'a group';
      yield { peer: { kind: 'unknown', reason: `group ${name} has no id` }, name, comment };
      continue;
    }
    yield { peer: { kind: 'group', key, foreign: foreignReason(pair, own) }, name: key, comment };
  }
}

function foreignReason(pair: Values, own: { vpc: string | null; owner: string | null }): string | null {
  const vpc = textOf(pair.VpcId);
  const account = textOf(pair.UserId);
  if (textOf(pair.VpcPeeringConnectionId) !== null || (vpc !== null && own.vpc !== null && vpc !== own.vpc))
    return `it belongs to another VPC${vpc === null ? '' : `, ${vpc}`}`;
  if (account !== null && own.owner !== null && account !== own.owner) return `it belongs to account ${account}`;
  return null;
}
