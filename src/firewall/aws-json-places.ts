import { EMPTY, union } from '../model/address-set.ts';
import { blockOfText, blocksOfTexts } from './aws-addresses.ts';
import type { AwsInventory, AwsReading } from './aws-inventory.ts';
import { count, note } from './aws-json-reading.ts';
import type { RulesetFile } from './dialect.ts';
import { listOf, mapOf, textOf, type Values } from './untrusted.ts';

/** A subnet of `describe-subnets`. */
export function readSubnet(values: Values, inventory: AwsInventory): void {
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
export function readPrefixList(values: Values, inventory: AwsInventory): void {
  const id = textOf(values.PrefixListId);
  if (id === null) return;
  const before = inventory.prefixLists.get(id);
  const entries = Array.isArray(values.Cidrs) ? blocksOfTexts(values.Cidrs) : (before?.entries ?? null);
  const name = textOf(values.PrefixListName) ?? before?.name ?? null;
  inventory.prefixLists.set(id, { name, entries, partial: before?.partial ?? null });
}

/** `get-managed-prefix-list-entries` does not say of which list: its id is expected in the name of the file. */
export function readPrefixListEntries(
  values: Values,
  file: RulesetFile,
  inventory: AwsInventory,
  reading: AwsReading,
): void {
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
