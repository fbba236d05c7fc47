import { aclEntry } from './aws-acl-entry.ts';
import { blockOfText } from './aws-addresses.ts';
import type { AwsAclEntry, AwsInventory, AwsReading } from './aws-inventory.ts';
import { count, nameTag, note } from './aws-json-reading.ts';
import { readTraffic } from './aws-traffic.ts';
import type { RulesetFile } from './dialect.ts';
import { listOf, mapOf, numberOf, shown, textOf, type Values } from './untrusted.ts';

/** A network ACL of `describe-network-acls`. */
export function readAcl(values: Values, file: RulesetFile, inventory: AwsInventory, reading: AwsReading): void {
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
