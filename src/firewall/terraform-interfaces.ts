import { isEmpty } from '../model/address-set.ts';
import { addressOfText, blocksOfTexts, setOf } from './aws-addresses.ts';
import type { AwsInterface } from './aws-inventory.ts';
import { UNKNOWN_VALUE } from './aws-traffic.ts';
import { LATER, type TerraformReader } from './terraform-reader.ts';
import { attributeOf, type TerraformResource, textsOf } from './terraform-resources.ts';
import { textOf } from './untrusted.ts';

export function readNetworkInterface(r: TerraformReader, resource: TerraformResource): void {
  const { values, unknown, address } = resource;
  const own = ['private_ips', 'ipv6_addresses', 'ipv4_prefixes', 'ipv6_prefixes'].flatMap((key) => {
    const texts = textsOf(values, unknown, key);
    return texts === UNKNOWN_VALUE ? [] : texts;
  });
  own.push(...[textOf(attributeOf(values, unknown, 'private_ip'))].filter((text) => text !== null));
  addInterface(r, resource, address, own, r.keysOf(resource, 'security_groups', r.groupOfId), []);
}

export function readInstance(r: TerraformReader, resource: TerraformResource): void {
  const { values, unknown, address } = resource;
  const primary = r.keyOf(resource, 'primary_network_interface_id', new Map());
  // Its interface is a resource of its own.
  if (primary !== null && r.separateInterfaces.has(primary)) return;
  const own: unknown[] = [attributeOf(values, unknown, 'private_ip')];
  for (const key of ['secondary_private_ips', 'ipv6_addresses']) {
    const texts = textsOf(values, unknown, key);
    if (texts !== UNKNOWN_VALUE) own.push(...texts);
  }
  const seenAs = addressOfText(attributeOf(values, unknown, 'public_ip'));
  const local = addressOfText(attributeOf(values, unknown, 'private_ip'));
  const published = seenAs === null ? [] : [{ seenAs, local }];
  addInterface(r, resource, address, own, r.keysOf(resource, 'vpc_security_group_ids', r.groupOfId), published);
}

function addInterface(
  r: TerraformReader,
  resource: TerraformResource,
  key: string,
  own: readonly unknown[],
  groups: readonly string[] | null,
  published: AwsInterface['published'],
): void {
  const { values, unknown } = resource;
  const subnet = r.keyOf(resource, 'subnet_id', r.subnetOfId);
  const one: AwsInterface = {
    key,
    title: key,
    machine: key,
    vpc: (subnet === null ? undefined : r.inventory.subnets.get(subnet))?.vpc ?? null,
    subnet,
    groups: new Set(groups ?? []),
    groupsDoubt: groups === null ? `the groups of ${key}: ${LATER}` : null,
    addresses: blocksOfTexts(own),
    published: [...published],
  };
  r.inventory.interfaces.set(key, one);
  const id = textOf(attributeOf(values, unknown, 'id'));
  r.interfaceOf.set(key, one);
  if (id !== null) r.interfaceOf.set(id, one);
}

export function attachGroup(r: TerraformReader, resource: TerraformResource): void {
  const group = r.keyOf(resource, 'security_group_id', r.groupOfId);
  const key = r.keyOf(resource, 'network_interface_id', new Map());
  const one = key === null ? undefined : r.interfaceOf.get(key);
  if (one && group !== null) {
    one.groups.add(group);
    r.count('modelled');
    return;
  }
  const reason = 'which interface gets which group is not known';
  for (const other of r.inventory.interfaces.values()) other.groupsDoubt ??= `${resource.address}: ${reason}`;
  r.note('unsupported', resource.address, reason);
}

export function readElasticAddress(r: TerraformReader, resource: TerraformResource): void {
  const { values, unknown } = resource;
  r.count('irrelevant');
  const seenAs = addressOfText(attributeOf(values, unknown, 'public_ip'));
  if (seenAs === null) return;
  const target = ['network_interface_id', 'network_interface', 'instance_id', 'instance']
    .map((argument) => r.keyOf(resource, argument, new Map()))
    .find((key) => key !== null && r.interfaceOf.has(key));
  const one = r.interfaceOf.get(target ?? '');
  if (!one) return;
  const local = addressOfText(
    attributeOf(values, unknown, 'private_ip') ?? attributeOf(values, unknown, 'private_ip_address'),
  );
  if (!one.published.some((other) => other.seenAs.value === seenAs.value)) one.published.push({ seenAs, local });
  if (local !== null && isEmpty(one.addresses)) one.addresses = setOf(local);
}
