import type { Address } from '../model/address.ts';
import { union } from '../model/address-set.ts';
import { addressOfText, blocksOfTexts } from './aws-addresses.ts';
import type { AwsInventory } from './aws-inventory.ts';
import { nameTag } from './aws-json-reading.ts';
import { listOf, mapOf, textOf, type Values } from './untrusted.ts';

/** An interface, of `describe-network-interfaces` or of an instance of `describe-instances`. */
export function readInterface(values: Values, instance: Values | null, inventory: AwsInventory): void {
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
