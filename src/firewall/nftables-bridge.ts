import type { Chain, Rule } from '../model/ruleset.ts';
import type { NftObject } from './nftables-json.ts';
import { nftKey } from './nftables-sets.ts';
import { listOf, mapOf, printable } from './untrusted.ts';

/** Hooks of a bridge that packets for the host itself pass. */
const TO_HOST = new Set(['prerouting', 'input']);

/**
 * Chains of bridges come before everything else for packets that arrive over a bridge. What they ask is not followed: a
 * chain that can drop may drop anything.
 */
export function bridgeChains(objects: readonly NftObject[], file: string): Chain[] {
  const dropping = new Set<string>();
  for (const { kind, body } of objects)
    if (kind === 'rule' && body.family === 'bridge' && listOf(body.expr).some(mayDrop))
      dropping.add(nftKey('bridge', body.table));
  return objects
    .filter(({ kind, body }) => kind === 'chain' && body.family === 'bridge' && TO_HOST.has(String(body.hook)))
    .filter(({ body }) => body.policy === 'drop' || dropping.has(nftKey('bridge', body.table)))
    .map(({ body, line }) => {
      const name = printable(String(body.name), 60);
      const table = printable(String(body.table), 60);
      const id = `nft bridge ${table} ${name}`;
      const at = line === null ? { file } : { file, line };
      const reason = 'packets that arrive over a bridge pass filters that are not followed';
      const rule: Rule = {
        id: `${id} rules`,
        ...{
          text: `rules of chain ${name}`,
          at,
          position: 1,
          handle: null,
          comment: null,
          origin: null,
          counter: null,
        },
        steps: [
          { kind: 'match', condition: { kind: 'unknown', reason } },
          { kind: 'verdict', verdict: { kind: 'drop' } },
        ],
      };
      const base = { hook: 'ingress', priority: -(2 ** 31), type: 'filter', policy: 'accept', devices: null } as const;
      return { id, table: `bridge ${table}`, name, families: ['ipv4', 'ipv6'], base, rules: [rule], at };
    });
}

/** Anything but what surely lets through: drops, and what is not known. */
function mayDrop(statement: unknown): boolean {
  const [key] = Object.keys(mapOf(statement));
  if (key === 'vmap') return true;
  return key === undefined || !HARMLESS.has(key);
}

const HARMLESS = new Set(['match', 'accept', 'return', 'continue', 'counter', 'log', 'limit', 'jump', 'goto']);
