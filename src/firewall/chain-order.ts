import type { Step } from '../model/ruleset.ts';
import { addFlow, type Flow } from './chain-walk.ts';
import type { CompiledChain, CompiledLayer } from './compile.ts';

/** Chains of one priority whose every order is tried: beyond that, whatever some order may bring. */
const MAX_ORDERED = 3;

/**
 * Runs chains by their priority. Of chains with the same one the kernel runs that first which was registered last
 * (nf_hook_entries_grow), and no listing tells when that was: where it matters, every order may be the right one.
 */
export function runByPriority(
  chains: readonly CompiledChain[],
  flows: readonly Flow[],
  size: number,
  run: (chain: CompiledChain, flows: readonly Flow[]) => Flow[],
  orderMatters: (chains: readonly CompiledChain[]) => boolean,
): Flow[] {
  let on = [...flows];
  for (let from = 0; from < chains.length; ) {
    let to = from + 1;
    while (to < chains.length && priorityOf(chains[to]) === priorityOf(chains[from])) to++;
    const group = chains.slice(from, to);
    const busy = group.filter(({ rules, chain }) => rules.length > 0 || chain.base?.policy === 'drop');
    if (busy.length < 2 || !orderMatters(group)) for (const chain of group) on = run(chain, on);
    else {
      for (const chain of group) if (!busy.includes(chain)) on = run(chain, on);
      on = busy.length <= MAX_ORDERED ? inEveryOrder(busy, on, size, run) : inAnyOrder(busy, on, size, run);
    }
    from = to;
  }
  return on;
}

function priorityOf(chain: CompiledChain | undefined): number {
  return chain?.chain.base?.priority ?? 0;
}

function inEveryOrder(
  chains: readonly CompiledChain[],
  flows: readonly Flow[],
  size: number,
  run: (chain: CompiledChain, flows: readonly Flow[]) => Flow[],
): Flow[] {
  if (chains.length === 0) return [...flows];
  const all: Flow[] = [];
  for (const first of chains) {
    const rest = chains.filter((chain) => chain !== first);
    for (const { env, peers } of inEveryOrder(rest, run(first, flows), size, run)) addFlow(all, env, peers, size);
  }
  return all;
}

/** More than any order can bring: every chain may have run, or not yet, as often as there are chains. */
function inAnyOrder(
  chains: readonly CompiledChain[],
  flows: readonly Flow[],
  size: number,
  run: (chain: CompiledChain, flows: readonly Flow[]) => Flow[],
): Flow[] {
  const all = [...flows];
  for (let round = 0; round < chains.length; round++)
    for (const chain of chains) for (const { env, peers } of run(chain, [...all])) addFlow(all, env, peers, size);
  return all;
}

const WRITES: ReadonlySet<Step['kind']> = new Set(['set-mark', 'copy-mark', 'unknown-mark', 'notrack', 'zone']);
const writers = new WeakMap<CompiledLayer, Map<string, boolean>>();

/** Says whether a rule that the chain may come to writes what other chains read. */
export function mayWrite(layer: CompiledLayer, chain: CompiledChain): boolean {
  let known = writers.get(layer);
  if (!known) {
    known = new Map();
    writers.set(layer, known);
  }
  const before = known.get(chain.chain.id);
  if (before !== undefined) return before;
  const seen = new Set<string>();
  const open = [chain.chain.id];
  let found = false;
  for (let id = open.pop(); id !== undefined && !found; id = open.pop()) {
    if (seen.has(id)) continue;
    seen.add(id);
    for (const { rule } of layer.chains.get(id)?.rules ?? [])
      for (const step of rule.steps) {
        found ||= WRITES.has(step.kind);
        const verdicts =
          step.kind === 'verdict'
            ? [step.verdict]
            : step.kind === 'verdict-map'
              ? step.branches.map((b) => b.verdict)
              : [];
        for (const verdict of verdicts)
          if (verdict.kind === 'jump' || verdict.kind === 'goto') open.push(verdict.chain);
      }
  }
  known.set(chain.chain.id, found);
  return found;
}
