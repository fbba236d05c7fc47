import type { Address } from '../model/address.ts';
import { EMPTY, union } from '../model/address-set.ts';
import { NO_STATEMENTS } from '../model/ruleset.ts';
import { aclEntry } from './aws-acl-entry.ts';
import { addressOfText, blockOfText, blocksOfTexts } from './aws-addresses.ts';
import type { AwsAclEntry, AwsInventory, AwsPeer, AwsPermission, AwsReading } from './aws-inventory.ts';
import { readTraffic, trafficText } from './aws-traffic.ts';
import type { RulesetFile } from './dialect.ts';
import { listOf, mapOf, numberOf, shown, textOf, type Values } from './untrusted.ts';

/** Larger listings are refused: they are pages of one account, and a page holds at most 1,000 items. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** Reads one output of `aws ec2 describe-*` into the inventory. */
export function readAwsFile(file: RulesetFile, inventory: AwsInventory): AwsReading {
  const reading: AwsReading = { statements: NO_STATEMENTS, notes: [], incomplete: null };
  const document = parseJson(file.text, reading);
  if (document === null) {
    note(reading, file, 'unrecognised', file.text.slice(0, 80), reading.incomplete ?? 'no JSON');
    return reading;
  }
  for (const item of listOf(document.SecurityGroups)) readGroup(mapOf(item), file, inventory, reading);
  for (const item of listOf(document.NetworkAcls)) readAcl(mapOf(item), file, inventory, reading);
  for (const item of listOf(document.NetworkInterfaces)) readInterface(mapOf(item), null, inventory);
  for (const item of listOf(document.Reservations))
    for (const instance of listOf(mapOf(item).Instances)) {
      const values = mapOf(instance);
      for (const one of listOf(values.NetworkInterfaces)) readInterface(mapOf(one), values, inventory);
    }
  for (const item of listOf(document.Subnets)) readSubnet(mapOf(item), inventory);
  for (const item of listOf(document.PrefixLists)) readPrefixList(mapOf(item), inventory);
  if (Array.isArray(document.Entries)) readPrefixListEntries(document, file, inventory, reading);
  const cut = textOf(document.NextToken) !== null;
  if (cut) note(reading, file, 'unsupported', 'NextToken', 'the listing is one page of several; give all of them');
  if ('SecurityGroups' in document) inventory.given.groups = true;
  if ('NetworkAcls' in document) {
    inventory.given.acls = true;
    if (cut) inventory.aclsPartial = 'describe-network-acls is one page of several';
  }
  if ('NetworkInterfaces' in document) {
    inventory.given.interfaces = true;
    if (cut) inventory.interfacesPartial = 'describe-network-interfaces is one page of several';
  }
  return reading;
}

function parseJson(text: string, reading: AwsReading): Values | null {
  if (text.length > MAX_CHARACTERS) {
    reading.incomplete = `it is ${text.length} characters long; at most ${MAX_CHARACTERS} are read`;
    return null;
  }
  try {
    return mapOf(JSON.parse(text));
  } catch (error) {
    reading.incomplete = `it is no whole JSON: ${(error as Error).message}`;
    return null;
  }
}

function count(reading: AwsReading, status: keyof AwsReading['statements']): void {
  reading.statements = { ...reading.statements, [status]: reading.statements[status] + 1 };
}

function note(
  reading: AwsReading,
  file: RulesetFile,
  status: 'unsupported' | 'unrecognised',
  text: string,
  reason: string,
): void {
  count(reading, status);
  reading.notes.push({ status, text, reason, at: { file: file.name }, rule: null });
}

function nameTag(values: Values): string | null {
  for (const tag of listOf(values.Tags ?? values.TagSet)) {
    const { Key, Value } = mapOf(tag);
    if (Key === 'Name') return textOf(Value);
  }
  return null;
}

function readGroup(values: Values, file: RulesetFile, inventory: AwsInventory, reading: AwsReading): void {
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

function readAcl(values: Values, file: RulesetFile, inventory: AwsInventory, reading: AwsReading): void {
  const key = textOf(values.NetworkAclId);
  if (key === null) {
    note(reading, file, 'unrecognised', 'a network ACL', 'it has no NetworkAclId');
    return;
  }
  const before = inventory.acls.get(key);
  if (before !== undefined) {
    before.doubt = 'the network ACL is listed more than once';
    note(reading, file, 'unsupported', `network ACL ${key}`, before.doubt);
    return;
  }
  const subnets = listOf(values.Associations).map((item) => textOf(mapOf(item).SubnetId));
  const acl = {
    key,
    name: nameTag(values) ?? key,
    vpc: textOf(values.VpcId),
    isDefault: values.IsDefault === true,
    subnets: new Set(subnets.filter((subnet) => subnet !== null)),
    entries: [] as AwsAclEntry[],
    doubt: Array.isArray(values.Entries) ? (null as string | null) : 'its entries are not in the listing',
    at: { file: file.name },
  };
  if (acl.doubt !== null) note(reading, file, 'unrecognised', `network ACL ${key}`, acl.doubt);
  for (const item of listOf(values.Entries)) {
    const entry = mapOf(item);
    const code = mapOf(entry.IcmpTypeCode);
    const range = mapOf(entry.PortRange);
    const isIcmp = ['1', '58'].includes(textOf(entry.Protocol) ?? '');
    const traffic = readTraffic(entry.Protocol, isIcmp ? code.Type : range.From, isIcmp ? code.Type : range.To);
    const number = numberOf(entry.RuleNumber, 0, 0x7fff_ffff);
    const block = blockOfText(entry.CidrBlock ?? entry.Ipv6CidrBlock);
    const action = textOf(entry.RuleAction);
    const wrong =
      typeof traffic === 'string'
        ? traffic
        : number === null
          ? `rule number ${shown(entry.RuleNumber)} is not one`
          : block === null
            ? `${shown(entry.CidrBlock ?? entry.Ipv6CidrBlock)} is not a CIDR`
            : action !== 'allow' && action !== 'deny'
              ? `action ${shown(entry.RuleAction)} is not one`
              : null;
    if (wrong !== null || typeof traffic === 'string' || number === null || block === null) {
      acl.doubt = `an entry of ${key} is not understood: ${wrong}`;
      note(reading, file, 'unrecognised', `${key} entry ${shown(entry.RuleNumber)}`, wrong ?? '');
      continue;
    }
    acl.entries.push(aclEntry(key, number, entry.Egress === true, action === 'allow', traffic, block, acl.at));
    count(reading, traffic.icmpType ? 'irrelevant' : 'modelled');
  }
  inventory.acls.set(key, acl);
}

/** An interface, of `describe-network-interfaces` or of an instance of `describe-instances`. */
function readInterface(values: Values, instance: Values | null, inventory: AwsInventory): void {
  const key = textOf(values.NetworkInterfaceId);
  if (key === null) return;
  const instanceId = textOf(instance ? instance.InstanceId : mapOf(values.Attachment).InstanceId);
  const name = instance ? nameTag(instance) : null;
  const before = inventory.interfaces.get(key);
  const machine = name ?? instanceId ?? textOf(values.Description) ?? key;
  const title = [instanceId !== null && machine !== instanceId ? `${machine} (${instanceId})` : machine, key]
    .filter((part, i, parts) => parts.indexOf(part) === i)
    .join(', ');
  const groups = Array.isArray(values.Groups)
    ? listOf(values.Groups).map((group) => textOf(mapOf(group).GroupId))
    : null;
  const own: unknown[] = [values.PrivateIpAddress];
  const published: Array<{ readonly seenAs: Address; readonly local: Address | null }> = [];
  const publish = (association: unknown, local: unknown) => {
    const { PublicIp, CarrierIp, CustomerOwnedIp } = mapOf(association);
    for (const text of [PublicIp, CarrierIp, CustomerOwnedIp]) {
      const seenAs = addressOfText(text);
      if (seenAs !== null) published.push({ seenAs, local: addressOfText(local) });
    }
  };
  for (const item of listOf(values.PrivateIpAddresses)) {
    const one = mapOf(item);
    own.push(one.PrivateIpAddress);
    publish(one.Association, one.PrivateIpAddress);
  }
  if (published.length === 0) publish(values.Association, values.PrivateIpAddress);
  for (const item of listOf(values.Ipv6Addresses)) own.push(mapOf(item).Ipv6Address);
  for (const item of listOf(values.Ipv4Prefixes)) own.push(mapOf(item).Ipv4Prefix);
  for (const item of listOf(values.Ipv6Prefixes)) own.push(mapOf(item).Ipv6Prefix);
  const addresses = blocksOfTexts(own);
  const listed = new Set((groups ?? []).filter((group) => group !== null));
  if (before === undefined) {
    inventory.interfaces.set(key, {
      key,
      title,
      machine,
      vpc: textOf(values.VpcId),
      subnet: textOf(values.SubnetId),
      groups: listed,
      groupsDoubt: groups === null ? `the groups of ${key} are not in the listing` : null,
      addresses,
      published,
    });
    return;
  }
  // Listed by both commands: the same interface, unless something changed between the two.
  const same = listed.size === before.groups.size && [...listed].every((group) => before.groups.has(group));
  if (groups !== null && !same) {
    before.groupsDoubt = `two listings give ${key} different groups`;
    for (const group of listed) before.groups.add(group);
  }
  before.addresses = union(before.addresses, addresses);
  for (const one of published)
    if (!before.published.some((other) => other.seenAs.value === one.seenAs.value)) before.published.push(one);
  if (name !== null) inventory.interfaces.set(key, { ...before, title, machine });
}

function readSubnet(values: Values, inventory: AwsInventory): void {
  const key = textOf(values.SubnetId);
  if (key === null) return;
  const blocks: unknown[] = [values.CidrBlock];
  for (const item of listOf(values.Ipv6CidrBlockAssociationSet)) {
    const { Ipv6CidrBlock, Ipv6CidrBlockState } = mapOf(item);
    const state = textOf(mapOf(Ipv6CidrBlockState).State);
    if (state === null || state === 'associated') blocks.push(Ipv6CidrBlock);
  }
  inventory.subnets.set(key, { key, vpc: textOf(values.VpcId), addresses: blocksOfTexts(blocks) });
}

/** `describe-prefix-lists` has the blocks (Cidrs); `describe-managed-prefix-lists` only the name. */
function readPrefixList(values: Values, inventory: AwsInventory): void {
  const id = textOf(values.PrefixListId);
  if (id === null) return;
  const before = inventory.prefixLists.get(id);
  const entries = Array.isArray(values.Cidrs) ? blocksOfTexts(values.Cidrs) : (before?.entries ?? null);
  const name = textOf(values.PrefixListName) ?? before?.name ?? null;
  inventory.prefixLists.set(id, { name, entries, partial: before?.partial ?? null });
}

/** `get-managed-prefix-list-entries` does not say of which list: its id is expected in the name of the file. */
function readPrefixListEntries(values: Values, file: RulesetFile, inventory: AwsInventory, reading: AwsReading): void {
  const [id] = /pl-[0-9a-f]{8,17}/.exec(file.name) ?? [];
  if (id === undefined) {
    const reason = 'the entries do not say of which prefix list they are: put its id into the name of the file';
    note(reading, file, 'unsupported', 'entries of a prefix list', reason);
    return;
  }
  const cidrs = listOf(values.Entries).map((item) => mapOf(item).Cidr);
  const before = inventory.prefixLists.get(id);
  const unread = cidrs.filter((cidr) => blockOfText(cidr) === null).length;
  inventory.prefixLists.set(id, {
    name: before?.name ?? null,
    entries: union(before?.entries ?? EMPTY, blocksOfTexts(cidrs)),
    partial:
      textOf(values.NextToken) !== null
        ? 'its entries are one page of several'
        : unread > 0
          ? `${unread} of its entries are no CIDR`
          : (before?.partial ?? null),
  });
  for (let i = 0; i < cidrs.length; i++) count(reading, 'modelled');
}
