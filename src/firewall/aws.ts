import type { RulePlace } from '../model/ruleset.ts';
import { countOpenPeers } from './aws-counts.ts';
import { type AwsReading, emptyInventory } from './aws-inventory.ts';
import { readAwsFile } from './aws-json.ts';
import { awsLayers } from './aws-layers.ts';
import type { Dialect, DialectContext, DialectResult, RulesetFile } from './dialect.ts';

const LISTS = 'SecurityGroups|NetworkAcls|NetworkInterfaces|Reservations|Subnets|PrefixLists';
const LISTING = new RegExp(`^\\s*\\{\\s*(?:"NextToken"\\s*:\\s*"[^"]*"\\s*,\\s*)?"(?:${LISTS})"\\s*:`);
const ENTRIES = /^\s*\{\s*"Entries"\s*:\s*\[\s*(?:\]|\{\s*"(?:Cidr|Description)"\s*:)/;

function isAws(text: string): boolean {
  return LISTING.test(text) || ENTRIES.test(text);
}

/** Outputs of `aws ec2 describe-*` (JSON). They speak of each other, so the first of them carries the layers of all. */
export const aws: Dialect = {
  id: 'aws',
  title: 'aws ec2 describe-security-groups, describe-network-acls, describe-network-interfaces...',
  detect: isAws,
  read(file: RulesetFile, context: DialectContext): DialectResult {
    const { readings, layers } = readAll(context, file);
    const reading = readings.get(file);
    return {
      layers: file === readings.keys().next().value ? layers.layers : [],
      statements: reading?.statements ?? { modelled: 0, irrelevant: 0, unsupported: 0, unrecognised: 0 },
      notes: reading?.notes ?? [],
      incomplete: reading?.incomplete ?? null,
      assumptions: layers.assumptions,
    };
  },
};

interface AwsFiles {
  readonly readings: ReadonlyMap<RulesetFile, AwsReading>;
  readonly layers: ReturnType<typeof awsLayers>;
}

/** Files are read together once, not once for each of them. */
const read = new WeakMap<DialectContext, AwsFiles>();

function readAll(context: DialectContext, asked: RulesetFile): AwsFiles {
  const before = read.get(context);
  if (before?.readings.has(asked)) return before;
  const inventory = emptyInventory();
  const readings = new Map<RulesetFile, AwsReading>();
  const files = context.files.filter(({ text }) => isAws(text));
  for (const file of files.includes(asked) ? files : [asked]) readings.set(file, readAwsFile(file, inventory));
  const byName = new Map([...readings].map(([file, reading]) => [file.name, reading] as const));
  countOpenPeers(inventory, (name) => byName.get(name));
  const at: RulePlace = { file: readings.keys().next().value?.name ?? asked.name };
  const result = { readings, layers: awsLayers(inventory, context.network, at) };
  read.set(context, result);
  return result;
}
