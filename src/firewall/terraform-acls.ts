import { aclEntry } from './aws-acl-entry.ts';
import { blockOfText } from './aws-addresses.ts';
import type { AwsAcl } from './aws-inventory.ts';
import { readTraffic, UNKNOWN_VALUE } from './aws-traffic.ts';
import { DIRECTIONS, LATER, type TerraformReader } from './terraform-reader.ts';
import { attributeOf, blocksOf, type TerraformResource } from './terraform-resources.ts';
import { numberOf, shown, textOf } from './untrusted.ts';

export function readAcl(r: TerraformReader, resource: TerraformResource): void {
  const { values, unknown, expressions, address } = resource;
  const found = r.inventory.acls.get(address);
  if (!found) return;
  const subnets = r.keysOf(resource, 'subnet_ids', r.subnetOfId);
  if (subnets !== null) for (const subnet of subnets) found.subnets.add(subnet);
  else if (expressions === null || 'subnet_ids' in expressions)
    r.note('unsupported', `${address} subnet_ids`, 'which subnets have it is known after apply only');
  for (const direction of DIRECTIONS) {
    const blocks = blocksOf(values, unknown, direction);
    if (blocks === UNKNOWN_VALUE) {
      if (expressions !== null && !(direction in expressions)) continue;
      found.doubt = `${direction} of ${address}: ${LATER}`;
      r.note('unsupported', `${address} ${direction}`, LATER);
      continue;
    }
    for (const block of blocks) {
      const v = (key: string) => attributeOf(block.values, block.unknown, key);
      addEntry(r, found, direction === 'egress', v('rule_no'), v('action'), v);
    }
  }
}

export function readAclRule(r: TerraformReader, resource: TerraformResource): void {
  const key = r.keyOf(resource, 'network_acl_id', r.aclOfId);
  const found = key === null ? undefined : r.inventory.acls.get(key);
  if (!found) {
    if (key !== null) {
      r.count('irrelevant');
      return;
    }
    const reason = 'which network ACL it is of is known after apply only';
    for (const one of r.inventory.acls.values()) one.doubt ??= `${resource.address}: ${reason}`;
    r.note('unsupported', resource.address, reason);
    return;
  }
  const v = (name: string) => attributeOf(resource.values, resource.unknown, name);
  addEntry(r, found, v('egress') === true, v('rule_number'), v('rule_action'), v);
}

function addEntry(
  r: TerraformReader,
  found: AwsAcl,
  egress: boolean,
  number: unknown,
  action: unknown,
  value: (argument: string) => unknown,
): void {
  const rule = numberOf(number, 1, 32768);
  const isIcmp = ['1', '58', 'icmp', 'icmpv6'].includes(textOf(value('protocol'))?.toLowerCase() ?? '');
  const [from, to] = isIcmp ? ['icmp_type', 'icmp_type'] : ['from_port', 'to_port'];
  const traffic = readTraffic(value('protocol'), value(from as string), value(to as string));
  const [ipv4, ipv6] = [value('cidr_block'), value('ipv6_cidr_block')];
  const verb = textOf(action)?.toLowerCase();
  const written = textOf(ipv4) !== null ? ipv4 : ipv6;
  const block = written === UNKNOWN_VALUE || ipv4 === UNKNOWN_VALUE ? null : blockOfText(written);
  if (rule === null || typeof traffic === 'string' || block === null || (verb !== 'allow' && verb !== 'deny')) {
    const isLater = [number, action, ipv4, ipv6].includes(UNKNOWN_VALUE);
    const reason = isLater ? LATER : typeof traffic === 'string' ? traffic : 'its number, action or block is none';
    found.doubt = `an entry of ${found.key}: ${reason}`;
    r.note(
      isLater ? 'unsupported' : 'unrecognised',
      `${found.key} entry ${shown(typeof number === 'symbol' ? '?' : number)}`,
      reason,
    );
    return;
  }
  const entry = aclEntry(found.key, rule, egress, verb === 'allow', traffic, block, r.at);
  // The same entry in the state of the ACL and as a resource of its own.
  if (found.entries.some((other) => other.text === entry.text)) {
    r.count('irrelevant');
    return;
  }
  found.entries.push(entry);
  r.count(traffic.icmpType ? 'irrelevant' : 'modelled');
}

export function readAclAssociation(r: TerraformReader, resource: TerraformResource): void {
  const key = r.keyOf(resource, 'network_acl_id', r.aclOfId);
  const subnet = r.keyOf(resource, 'subnet_id', r.subnetOfId);
  const found = key === null ? undefined : r.inventory.acls.get(key);
  if (found && subnet !== null) {
    found.subnets.add(subnet);
    r.count('modelled');
    return;
  }
  r.note('unsupported', resource.address, 'which network ACL and subnet it joins is not known');
}
