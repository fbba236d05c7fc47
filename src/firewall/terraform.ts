import type { RulePlace } from '../model/ruleset.ts';
import { countOpenPeers } from './aws-counts.ts';
import { emptyInventory } from './aws-inventory.ts';
import { awsLayers } from './aws-layers.ts';
import type { Dialect, DialectContext, DialectResult, RulesetFile } from './dialect.ts';
import { readTerraformFile } from './terraform-inventory.ts';
import { mapOf, textOf } from './untrusted.ts';

const MAX_CHARACTERS = 64 * 1024 * 1024;

/** `terraform show -json` of a state or a plan: the security groups, network ACLs and interfaces that it manages. */
export const terraform: Dialect = {
  id: 'terraform',
  title: 'terraform show -json (state or plan)',
  detect: (text) => /^\s*\{\s*"format_version"\s*:\s*"/.test(text),
  read(file: RulesetFile, context: DialectContext): DialectResult {
    const nothing = (text: string, reason: string): DialectResult => ({
      layers: [],
      statements: { modelled: 0, irrelevant: 0, unsupported: 0, unrecognised: 1 },
      notes: [{ status: 'unrecognised', text, reason, at: { file: file.name }, rule: null }],
      incomplete: reason,
    });
    if (file.text.length > MAX_CHARACTERS)
      return nothing('', `it is ${file.text.length} characters long; at most ${MAX_CHARACTERS} are read`);
    let value: unknown;
    try {
      value = JSON.parse(file.text);
    } catch (error) {
      return nothing(file.text.slice(0, 80), `it is no whole JSON: ${(error as Error).message}`);
    }
    const document = mapOf(value);
    const version = textOf(document.format_version) ?? '';
    if (!/^[01]\./.test(version))
      return nothing('format_version', `format ${version} is newer than this program knows`);
    const inventory = emptyInventory();
    const reading = readTerraformFile(file.name, document, inventory);
    countOpenPeers(inventory, () => reading);
    const at: RulePlace = { file: file.name };
    const { layers, assumptions } = awsLayers(inventory, context.network, at);
    const isPlan = document.planned_values !== undefined;
    const sentence = isPlan
      ? `${file.name} is a plan: it says what will be after apply, as far as Terraform manages it.`
      : `${file.name} is a state of Terraform: what was changed beside it is not seen.`;
    const { statements, notes, incomplete } = reading;
    return {
      layers: layers.map((layer) => ({ ...layer, id: `terraform ${layer.id}` })),
      statements,
      notes,
      incomplete,
      assumptions: layers.length > 0 ? [sentence, ...assumptions] : [],
    };
  },
};
