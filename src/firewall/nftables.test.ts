import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertGolden } from '../../test/golden.ts';
import { rulesetNotation } from '../../test/ruleset-notation.ts';
import type { DialectResult, RulesetFile } from './dialect.ts';
import { nftables } from './nftables.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'firewall', 'nftables');

function fixture(name: string): RulesetFile {
  return { name, text: readFileSync(join(FIXTURES, name), 'utf8') };
}

function read(...files: readonly RulesetFile[]): DialectResult {
  return nftables.read(files[0] as RulesetFile, { ipsets: null, network: null, files });
}

test('every statement of nftables is understood as listed', () => {
  const result = read(fixture('statements.json'));
  assert.equal(result.incomplete, 'a rule rewrites addresses or ports of packets (tcp dport set 80)');
  assertGolden(
    'firewall/nftables/statements.golden.txt',
    rulesetNotation({ ...result, assumptions: result.assumptions ?? [] }),
  );
});
