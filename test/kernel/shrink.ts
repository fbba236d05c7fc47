import type { KernelCase, Line } from './kernel-case.ts';
import { Refused } from './observe.ts';

const PARTS = ['nft', 'iptables', 'ip6tables', 'ipset'] as const;
const MOST_TRIES = 150;

/** Returns the smallest ruleset found that still shows the disagreement: rules are left out, many at a time at first. */
export async function shrink(one: KernelCase, shows: (smaller: KernelCase) => Promise<boolean>): Promise<KernelCase> {
  let best = one;
  let tries = 0;
  const count = () => PARTS.reduce((sum, part) => sum + best[part].filter((line) => line.removable).length, 0);
  for (let size = Math.ceil(count() / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < count() && tries < MOST_TRIES; ) {
      tries++;
      const smaller = without(best, from, from + size);
      if (await holds(smaller, shows)) best = smaller;
      else from += size;
    }
  }
  return best;
}

async function holds(smaller: KernelCase, shows: (smaller: KernelCase) => Promise<boolean>): Promise<boolean> {
  try {
    return await shows(smaller);
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** The case without some of its removable lines, counted through all its files. */
function without(one: KernelCase, from: number, to: number): KernelCase {
  let number = 0;
  const rest = (lines: readonly Line[]) =>
    lines.filter((line) => {
      if (!line.removable) return true;
      const here = number++;
      return here < from || here >= to;
    });
  const parts = Object.fromEntries(PARTS.map((part) => [part, rest(one[part])]));
  return { ...one, ...parts };
}
