import { type ClosePatch, type ComposePort, composeOverride, kubernetesPatch } from '../enforce/close-patches.ts';
import type { Declaration, DeclarationList } from '../model/declaration.ts';
import { declarationsFor } from '../model/declaration-match.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { ProcessFacts } from '../model/listener.ts';

/**
 * Patches for what declares a port: Compose files and Kubernetes manifests that were imported. A port that is published
 * on the host is looked for under the host too, wherever the socket lives.
 */
export function closePatches(
  lists: readonly DeclarationList[],
  endpoint: Endpoint,
  holders: readonly ProcessFacts[],
): readonly ClosePatch[] {
  const all = lists.flatMap((list) => list.items);
  const found = declarationsFor(lists, [])?.(endpoint) ?? [];
  const patches: ClosePatch[] = [];
  for (const declaration of found) {
    if (declaration.format === 'compose' && declaration.reach === 'host')
      patches.push(composePatch(declaration, all, endpoint.port));
    if (declaration.format === 'kubernetes') patches.push(...kubernetesPatches(declaration, all));
  }
  const isPublished = holders.some((holder) => holder.name === 'docker-proxy' || holder.exe?.endsWith('/docker-proxy'));
  if (patches.length === 0 && isPublished)
    patches.push({
      kind: 'compose',
      title: 'The Compose file that publishes it is not known: quietdoor import compose.yaml, then again',
      text: `# In the service that publishes port ${endpoint.port}, take its line under ports: away, then: docker compose up -d\n`,
    });
  const distinct = new Map(patches.map((patch) => [`${patch.title}\n${patch.text}`, patch]));
  return [...distinct.values()];
}

function isSame(a: Declaration, b: Declaration): boolean {
  return a.source === b.source && a.what === b.what && a.workload === b.workload;
}

/** What one line declares: the port on the host, and the one inside. */
function insideOf(published: Declaration, all: readonly Declaration[]): Declaration | undefined {
  return all.find((d) => isSame(d, published) && d.line === published.line && d.reach === 'workload');
}

function composePatch(declaration: Declaration, all: readonly Declaration[], port: number): ClosePatch {
  const keep = all
    .filter((d) => isSame(d, declaration) && d.reach === 'host' && d !== declaration)
    .flatMap((d): ComposePort[] => {
      const inside = insideOf(d, all);
      if (!inside || (d.line === declaration.line && d.ports === declaration.ports)) return [];
      return [
        {
          published: d.ports,
          target: inside.ports,
          transport: d.transport ?? 'tcp',
          ...(d.address === undefined ? {} : { address: d.address }),
        },
      ];
    });
  return composeOverride(declaration.what.replace(/^service /, ''), port, keep);
}

function kubernetesPatches(declaration: Declaration, all: readonly Declaration[]): ClosePatch[] {
  const [, kind = '', namespace = '', name = '', container] =
    /^(\w+) ([^/\s]+)\/([^,\s]+)(?:, container (.+))?$/.exec(declaration.what) ?? [];
  // A Service names its own port, which a declaration of its target does not.
  if (name === '' || container === undefined) return [];
  const inside = declaration.reach === 'host' ? (insideOf(declaration, all) ?? declaration) : declaration;
  return inside.ports.slice(0, 1).map(({ from }) =>
    kubernetesPatch({
      ...{ namespace, kind, name, container, port: from },
      ...{ transport: declaration.transport ?? 'tcp', reach: declaration.reach },
    }),
  );
}
