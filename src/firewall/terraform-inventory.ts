import { EMPTY, union } from '../model/address-set.ts';
import { blockOfText, blocksOfTexts } from './aws-addresses.ts';
import type { AwsAcl, AwsGroup, AwsInventory, AwsReading } from './aws-inventory.ts';
import { UNKNOWN_VALUE } from './aws-traffic.ts';
import { readAcl, readAclAssociation, readAclRule } from './terraform-acls.ts';
import { readInlineRules, readSeparateRule } from './terraform-groups.ts';
import { attachGroup, readElasticAddress, readInstance, readNetworkInterface } from './terraform-interfaces.ts';
import { type Direction, LATER, TerraformReader } from './terraform-reader.ts';
import { attributeOf, blocksOf, readTerraform, type TerraformResource } from './terraform-resources.ts';
import { textOf, type Values } from './untrusted.ts';

/** A VPC goes by its id or, where that is known after apply only, by the address of its resource. */
const NO_IDS: ReadonlyMap<string, string> = new Map();

/** Reads one file of `terraform show -json` into the inventory. */
export function readTerraformFile(name: string, document: Values, inventory: AwsInventory): AwsReading {
  const file = readTerraform(document);
  const reader = new TerraformReader(name, file, inventory);
  // What others refer to comes first, then what holds rules and groups, then what adds to those.
  for (const resource of file.resources) readFirst(reader, resource);
  for (const resource of file.resources) readSecond(reader, resource);
  for (const resource of file.resources) readThird(reader, resource);
  inventory.interfacesPartial ??= `${file.isPlan ? 'the plan' : 'the state'} of Terraform knows only what it manages`;
  return reader.reading;
}

function readFirst(r: TerraformReader, resource: TerraformResource): void {
  const { type, address, values, unknown } = resource;
  const id = textOf(attributeOf(values, unknown, 'id'));
  const idText = id ?? '';
  if (type === 'aws_security_group' || type === 'aws_default_security_group') {
    r.inventory.given.groups = true;
    if (id !== null) r.groupOfId.set(idText, address);
    const group: AwsGroup = {
      key: address,
      name: address,
      vpc: r.keyOf(resource, 'vpc_id', NO_IDS),
      owner: textOf(attributeOf(values, unknown, 'owner_id')),
      permissions: [],
      more: { ingress: null, egress: null },
      at: r.at,
    };
    r.inventory.groups.set(address, group);
  } else if (type === 'aws_network_acl' || type === 'aws_default_network_acl') {
    r.inventory.given.acls = true;
    r.inventory.aclsPartial ??= 'Terraform knows only the network ACLs that it manages';
    if (id !== null) r.aclOfId.set(idText, address);
    const acl: AwsAcl = {
      key: address,
      name: address,
      vpc: r.keyOf(resource, 'vpc_id', NO_IDS),
      isDefault: type === 'aws_default_network_acl',
      subnets: new Set(),
      entries: [],
      doubt: null,
      at: r.at,
    };
    r.inventory.acls.set(address, acl);
  } else if (type === 'aws_subnet' || type === 'aws_default_subnet') {
    if (id !== null) r.subnetOfId.set(idText, address);
    const blocks = ['cidr_block', 'ipv6_cidr_block'].map((key) => attributeOf(values, unknown, key));
    const vpc = r.keyOf(resource, 'vpc_id', NO_IDS);
    r.inventory.subnets.set(address, { key: address, vpc, addresses: blocksOfTexts(blocks) });
  } else if (type === 'aws_network_interface') {
    r.separateInterfaces.add(address);
    if (id !== null) r.separateInterfaces.add(id);
  } else if (type === 'aws_ec2_managed_prefix_list') {
    const entries = blocksOf(values, unknown, 'entry');
    const cidrs = entries === UNKNOWN_VALUE ? [] : entries.map((entry) => entry.values.cidr);
    const partial = entries === UNKNOWN_VALUE ? LATER : null;
    const list = { name: textOf(values.name), entries: blocksOfTexts(cidrs), partial };
    r.inventory.prefixLists.set(address, list);
    if (id !== null) r.inventory.prefixLists.set(idText, list);
  }
}

function readSecond(r: TerraformReader, resource: TerraformResource): void {
  switch (resource.type) {
    case 'aws_security_group':
    case 'aws_default_security_group':
      readInlineRules(r, resource);
      return;
    case 'aws_network_acl':
    case 'aws_default_network_acl':
      readAcl(r, resource);
      return;
    case 'aws_network_interface':
      readNetworkInterface(r, resource);
      return;
    case 'aws_instance':
    case 'aws_spot_instance_request':
      readInstance(r, resource);
      return;
  }
}

/** What adds to others. */
function readThird(r: TerraformReader, resource: TerraformResource): void {
  switch (resource.type) {
    case 'aws_security_group':
    case 'aws_default_security_group':
    case 'aws_network_acl':
    case 'aws_default_network_acl':
      return;
    case 'aws_security_group_rule':
      readSeparateRule(r, resource, attributeOf(resource.values, resource.unknown, 'type') as Direction, 'protocol');
      return;
    case 'aws_vpc_security_group_ingress_rule':
      readSeparateRule(r, resource, 'ingress', 'ip_protocol');
      return;
    case 'aws_vpc_security_group_egress_rule':
      readSeparateRule(r, resource, 'egress', 'ip_protocol');
      return;
    case 'aws_network_acl_rule':
      readAclRule(r, resource);
      return;
    case 'aws_network_acl_association':
      readAclAssociation(r, resource);
      return;
    case 'aws_network_interface_sg_attachment':
      attachGroup(r, resource);
      return;
    case 'aws_eip':
    case 'aws_eip_association':
      readElasticAddress(r, resource);
      return;
    case 'aws_ec2_managed_prefix_list_entry':
      readPrefixListEntry(r, resource);
      return;
    default:
      r.count('irrelevant');
      return;
  }
}

function readPrefixListEntry(r: TerraformReader, resource: TerraformResource): void {
  const key = r.keyOf(resource, 'prefix_list_id', new Map());
  const list = key === null ? undefined : r.inventory.prefixLists.get(key);
  const block = blockOfText(attributeOf(resource.values, resource.unknown, 'cidr'));
  if (!list || block === null) {
    r.note('unsupported', resource.address, 'its prefix list or block is not known');
    return;
  }
  list.entries = union(list.entries ?? EMPTY, block.set);
  r.count('modelled');
}
