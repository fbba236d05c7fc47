import type { ProcessRule, RegisterEntry, Zone } from '../model/register.ts';
import { canonicalJson, type Json } from '../util/canonical-json.ts';
import { compareText } from '../util/compare.ts';
import { sha256 } from '../util/sha256.ts';

/** What an approval covers: the entry without stamps, evidence and place. */
type Meaning = Omit<RegisterEntry, 'digest' | 'at' | 'inheritedFrom' | 'approval' | 'evidence'>;

/**
 * Returns `sha256:<hex>` over the canonical JSON (RFC 8785) of a normalised entry's meaning and the contents of the
 * zones that it names. The review interval counts, the stamps do not; host selectors count by their text.
 * Any change of meaning gives another digest, any other spelling of the same meaning does not.
 */
export function digestOf(entry: Meaning, zones: readonly Zone[]): string {
  const named: Record<string, readonly string[] | null> = {};
  for (const source of entry.sources ?? [])
    if (source.startsWith('zone:')) {
      const name = source.slice('zone:'.length);
      named[name] = zones.find((zone) => zone.name === name)?.cidrs ?? null;
    }
  const { auth, bind, change, data, encryption, expires, hosts, id, owner, purpose, risk, scope, service } = entry;
  const { sources, transport, workflow, workload } = entry;
  // Keys in canonical order: their text is made several times faster (src/util/canonical-json.ts).
  const meaning = {
    ...{ auth, bind, change, data, encryption, expires, hosts, id, owner },
    ports: entry.ports.map(({ from, to }) => ({ from, to })),
    process: inOrder(entry.process),
    purpose,
    review: { everyDays: entry.review?.everyDays ?? null },
    ...{ risk, scope, service, sources, transport },
    // Names what is hashed, so that a later rule can never give the same digest for another meaning.
    version: 1,
    ...{ workflow, workload: inOrder(workload) },
    zones: named,
  };
  return `sha256:${sha256(canonicalJson(meaning))}`;
}

function inOrder(map: ProcessRule | RegisterEntry['workload']): Json {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => compareText(a, b)));
}
