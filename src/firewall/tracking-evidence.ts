import type { AddressFamily } from '../model/listener.ts';
import type { Condition, Step } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';
import type { CompiledLayer } from './compile.ts';

const known = new WeakMap<CompiledLayer, Map<AddressFamily, boolean>>();

/**
 * Says whether connections of a family are surely tracked: the kernel begins with the first rule that needs it
 * (nf_ct_netns_get), and without it the chains of NAT are not called at all. Where they hold no rules, nothing hangs on it.
 */
export function isSurelyTracked(layer: CompiledLayer, family: AddressFamily): boolean {
  let families = known.get(layer);
  if (!families) {
    families = new Map();
    known.set(layer, families);
  }
  let answer = families.get(family);
  if (answer === undefined) {
    answer = work(layer, family);
    families.set(family, answer);
  }
  return answer;
}

function work(layer: CompiledLayer, family: AddressFamily): boolean {
  let natRules = false;
  for (const { chain } of layer.chains.values()) {
    if (!chain.families.includes(family)) continue;
    natRules ||= chain.base?.type === 'nat' && (chain.rules.length > 0 || chain.base.policy === 'drop');
    for (const { steps } of chain.rules) for (const step of steps) if (needsTracking(step)) return true;
  }
  return !natRules;
}

function needsTracking(step: Step): boolean {
  switch (step.kind) {
    case 'match':
      return asksTracking(step.condition);
    case 'verdict-map':
      return step.branches.some(({ when }) => asksTracking(when));
    case 'set-mark':
    case 'unknown-mark':
      return step.of === 'connection';
    case 'copy-mark':
    case 'zone':
    case 'destination-nat':
    case 'source-nat':
      return true;
    default:
      return false;
  }
}

/** Iterative: conditions of outside texts may be deep. */
function asksTracking(condition: Condition): boolean {
  const open = [condition];
  for (let c = open.pop(); c !== undefined; c = open.pop()) {
    if (c.kind === 'all' || c.kind === 'any') addAll(open, c.of);
    else if (c.kind === 'not') open.push(c.of);
    else if (c.kind.startsWith('connection-') || c.kind.startsWith('original-')) return true;
  }
  return false;
}
