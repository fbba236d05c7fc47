import type { Admission } from '../model/admission.ts';
import type { Chain, Hook, Ruleset } from '../model/ruleset.ts';
import { count } from '../util/words.ts';

/**
 * Chains that a packet meets on its way in, in the order in which the kernel calls them, a line each: hook, priority, chain,
 * policy, rules. By the routing decision: to a socket here (input), or sent on (forward, postrouting).
 */
export function hooksOf({ layers }: Ruleset, { paths }: Pick<Admission, 'paths'>): string[] {
  const isDelivered = paths.length === 0 || paths.some((path) => path.deliveredTo.local);
  const isSentOn = paths.some((path) => !path.deliveredTo.local);
  const hooks: readonly Hook[] = [
    'ingress',
    'prerouting',
    ...(isDelivered ? (['input'] as const) : []),
    ...(isSentOn ? (['forward', 'postrouting'] as const) : []),
  ];
  const lines: string[] = [];
  for (const layer of layers) {
    for (const hook of hooks)
      for (const chain of chainsAt(layer.chains, hook)) lines.push(chainLine(hook, chain, layer.kind === 'linux'));
  }
  return lines;
}

function chainsAt(chains: readonly Chain[], hook: Hook): Chain[] {
  return chains.filter((c) => c.base?.hook === hook).sort((a, b) => (a.base?.priority ?? 0) - (b.base?.priority ?? 0));
}

function chainLine(hook: Hook, { id, base, rules }: Chain, hasPriority: boolean): string {
  const priority = hasPriority ? ` ${base?.priority ?? 0}` : '';
  const policy = base?.type === 'nat' ? 'nat' : `policy ${base?.policy ?? 'accept'}`;
  return `${hook}${priority}: ${id} (${policy}, ${count(rules.length, 'rule')})`;
}
