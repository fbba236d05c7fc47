import { addStatements, NO_STATEMENTS, type RulePlace, type StatementCounts } from '../model/ruleset.ts';
import type { AwsInterface, AwsInventory, AwsReading } from './aws-inventory.ts';
import { UNKNOWN_VALUE } from './aws-traffic.ts';
import { attributeOf, type TerraformFile, type TerraformResource, textsOf } from './terraform-resources.ts';
import { mapOf, textOf } from './untrusted.ts';

/** Why a value of a plan is open. */
export const LATER = 'this is known after apply only';
export const DIRECTIONS = ['ingress', 'egress'] as const;
export type Direction = (typeof DIRECTIONS)[number];

type Keys = ReadonlyMap<string, string>;

/** What the resources of one file are read into. */
export class TerraformReader {
  readonly at: RulePlace;
  readonly file: TerraformFile;
  readonly inventory: AwsInventory;
  readonly reading: AwsReading = { statements: NO_STATEMENTS, notes: [], incomplete: null };
  /** Keys by id: resources are known by their address, and refer to each other by id once that is known. */
  readonly groupOfId = new Map<string, string>();
  readonly aclOfId = new Map<string, string>();
  readonly subnetOfId = new Map<string, string>();
  readonly interfaceOf = new Map<string, AwsInterface>();
  /** Interfaces that are resources of their own: an instance only mirrors them. */
  readonly separateInterfaces = new Set<string>();

  constructor(name: string, file: TerraformFile, inventory: AwsInventory) {
    this.at = { file: name };
    this.file = file;
    this.inventory = inventory;
  }

  count(status: keyof StatementCounts): void {
    this.reading.statements = addStatements(this.reading.statements, { ...NO_STATEMENTS, [status]: 1 });
  }

  note(status: 'unsupported' | 'unrecognised', text: string, reason: string): void {
    this.count(status);
    this.reading.notes.push({ status, text, reason, at: this.at, rule: null });
  }

  /** Key of the one resource that an argument means: by its id, or by the reference in the configuration. */
  keyOf(resource: TerraformResource, argument: string, ids: Keys): string | null {
    const id = attributeOf(resource.values, resource.unknown, argument);
    const text = id === UNKNOWN_VALUE ? null : textOf(id);
    if (text !== null) return ids.get(text) ?? text;
    const references = mapOf(resource.expressions?.[argument]).references;
    const [found, ...others] = this.file.resolve(resource.module, references) ?? [];
    return found && others.length === 0 ? found.address : null;
  }

  /** Keys of all resources that an argument lists; null: not certain. */
  keysOf(resource: TerraformResource, argument: string, ids: Keys): string[] | null {
    const values = textsOf(resource.values, resource.unknown, argument);
    if (values !== UNKNOWN_VALUE) return values.map((id) => ids.get(id) ?? id);
    const references = mapOf(resource.expressions?.[argument]).references;
    return this.file.resolve(resource.module, references)?.map(({ address }) => address) ?? null;
  }
}
