import { NO_STATEMENTS } from '../model/ruleset.ts';
import type { AwsInventory, AwsReading } from './aws-inventory.ts';
import { readAcl } from './aws-json-acls.ts';
import { readGroup } from './aws-json-groups.ts';
import { readInterface } from './aws-json-interfaces.ts';
import { readPrefixList, readPrefixListEntries, readSubnet } from './aws-json-places.ts';
import { note } from './aws-json-reading.ts';
import type { RulesetFile } from './dialect.ts';
import { listOf, mapOf, textOf, type Values } from './untrusted.ts';

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
