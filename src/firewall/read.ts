import {
  addStatements,
  type Chain,
  type Layer,
  NO_STATEMENTS,
  type Ruleset,
  type RulesetFileFacts,
  type StatementNote,
} from '../model/ruleset.ts';
import type { DialectContext, RulesetFile } from './dialect.ts';
import { dialects } from './index.ts';

/**
 * Reads the files of one host's packet filters: any dialects, detected, several together; outputs of `ip -j` among them.
 * Never throws for what they hold: see `files[].incomplete` and `notes`.
 */
export function readRuleset(files: readonly RulesetFile[]): Ruleset {
  const context: DialectContext = { ipsets: null, network: null, files };
  const facts: RulesetFileFacts[] = [];
  const linux: Chain[] = [];
  const layers: Layer[] = [];
  const notes: StatementNote[] = [];
  const assumptions: string[] = [];
  for (const file of files) {
    const dialect = dialects.find((d) => d.detect(file.text));
    if (dialect === undefined) {
      const incomplete = 'its dialect is not known, so what it holds is not either';
      notes.push({
        status: 'unrecognised',
        text: file.text.slice(0, 80),
        reason: incomplete,
        at: { file: file.name },
        rule: null,
      });
      facts.push({
        name: file.name,
        dialect: 'unknown',
        statements: { ...NO_STATEMENTS, unrecognised: 1 },
        incomplete,
      });
      continue;
    }
    const result = dialect.read(file, context);
    facts.push({
      name: file.name,
      dialect: dialect.id,
      statements: result.statements,
      incomplete: result.incomplete,
    });
    notes.push(...result.notes);
    assumptions.push(...(result.assumptions ?? []));
    for (const layer of result.layers) {
      if (layer.kind === 'linux') linux.push(...layer.chains);
      else layers.push(layer);
    }
  }
  if (linux.length > 0)
    layers.unshift({
      id: 'linux',
      kind: 'linux',
      title: 'nftables and iptables of the host',
      addresses: null,
      scope: null,
      chains: linux,
    });
  return {
    files: facts,
    layers,
    statements: facts.reduce((sum, f) => addStatements(sum, f.statements), NO_STATEMENTS),
    notes,
    network: null,
    assumptions: [...new Set(assumptions)],
  };
}
