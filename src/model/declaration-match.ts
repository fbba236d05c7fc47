import { compareBy } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { matchesGlob } from '../util/glob.ts';
import type { Declaration, DeclarationList } from './declaration.ts';
import { type Endpoint, HOST_SCOPE, UNKNOWN_SCOPE } from './endpoint.ts';
import type { MatchHost } from './host-selector.ts';
import { nameKey } from './identity-nodes.ts';
import { addToPortTree, newPortTree, visitPort } from './port-tree.ts';

/**
 * Returns what gives the declarations that may be about an endpoint, by source and line; null where there are none at
 * all. Port, transport, host and scope must fit as far as the declaration says them; what it does not say fits any. A
 * port of a workload's own network is none of the host itself, and a port that is published on the host is none of
 * another network namespace.
 */
export function declarationsFor(
  lists: readonly DeclarationList[],
  known: readonly MatchHost[],
): ((endpoint: Endpoint) => readonly Declaration[]) | null {
  const tree = newPortTree<Declaration>();
  let some = false;
  for (const { items } of lists)
    for (const declaration of items)
      for (const range of declaration.ports) {
        addToPortTree(tree, range, declaration);
        some = true;
      }
  if (!some) return null;
  const keys = hostKeys(known);
  return (endpoint) => {
    const found = new Set<Declaration>();
    visitPort(tree, endpoint.port, (items) => {
      for (const item of items) if (isAbout(item, endpoint, keys)) found.add(item);
    });
    return [...found].sort(
      compareBy(
        (d) => d.source,
        (d) => d.line ?? 0,
        (d) => d.what,
      ),
    );
  };
}

/** Hosts by each of their names and addresses. */
function hostKeys(known: readonly MatchHost[]): ReadonlyMap<string, ReadonlySet<string>> {
  const keys = new Map<string, Set<string>>();
  for (const { name, names = [], addresses } of known)
    for (const text of [name, ...names, ...addresses])
      getOrMake(keys, nameKey(text), () => new Set()).add(nameKey(name));
  return keys;
}

function isAbout(
  { transport, host, scope, reach }: Declaration,
  endpoint: Endpoint,
  hosts: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  if (transport !== null && transport !== endpoint.transport) return false;
  if (host !== null && !hosts.get(nameKey(host))?.has(nameKey(endpoint.host))) return false;
  if (endpoint.scope === UNKNOWN_SCOPE) return true;
  if (scope !== undefined) return matchesGlob(scope, endpoint.scope);
  const isOfHost = endpoint.scope === HOST_SCOPE;
  return reach === 'unknown' || (reach === 'host') === isOfHost;
}
