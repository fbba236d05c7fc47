import type { RegisterEntry, Zone } from '../model/register.ts';
import { canonicalJson } from '../util/canonical-json.ts';
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
  const { id, service, purpose, workflow, owner, hosts, scope, workload, transport, bind, sources, data } = entry;
  const { encryption, auth, change, risk, expires } = entry;
  const meaning = {
    ...{ id, service, purpose, workflow, owner, hosts, scope, workload, transport, bind, sources, data },
    ...{ encryption, auth, change, risk, expires },
    ports: entry.ports.map(({ from, to }) => ({ from, to })),
    process: { ...entry.process },
    review: { everyDays: entry.review?.everyDays ?? null },
    zones: named,
    // Names what is hashed, so that a later rule can never give the same digest for another meaning.
    version: 1,
  };
  return `sha256:${sha256(canonicalJson(meaning))}`;
}
