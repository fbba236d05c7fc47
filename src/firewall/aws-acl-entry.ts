import type { AddressSet } from '../model/address-set.ts';
import type { RulePlace } from '../model/ruleset.ts';
import type { AwsAclEntry, AwsTraffic } from './aws-inventory.ts';
import { trafficText } from './aws-traffic.ts';

/** Puts an entry together with its text: `acl-12 inbound 100 allow tcp/443 from 0.0.0.0/0`. */
export function aclEntry(
  key: string,
  number: number,
  egress: boolean,
  allow: boolean,
  traffic: AwsTraffic,
  block: { readonly set: AddressSet; readonly text: string },
  at: RulePlace,
): AwsAclEntry {
  const what = `${allow ? 'allow' : 'deny'} ${trafficText(traffic)} ${egress ? 'to' : 'from'} ${block.text}`;
  // 32767 and 32768 are what the console prints as `*`: what no other entry speaks of.
  const text = `${key} ${egress ? 'outbound' : 'inbound'} ${number >= 32767 ? '*' : number} ${what}`;
  return { ...traffic, number, egress, allow, addresses: block.set, text, at };
}
