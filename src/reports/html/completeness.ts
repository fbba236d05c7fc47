import { expectedMachines, observeWithinHours } from '../../model/asset-match.ts';
import type { EstateFacts } from '../../model/facts.ts';
import { count, duration, listWords } from '../../util/words.ts';
import { formatNumber, neverSeen } from '../words.ts';
import { type Child, html } from './escape.ts';
import { rowsAddress } from './format.ts';

/** How many of those that should be observed were; never a share without what it is a share of. */
interface Share {
  readonly observed: number;
  readonly all: number;
}

/** What was observed beside what should be, by those who say what should be. */
export interface Completeness {
  /** Hosts that quietdoor.yaml declares; null: it declares none. */
  readonly declared: Share | null;
  /** Machines in use by the inventories, observed as lately as the policy asks; null: no inventory was imported. */
  readonly inventory: (Share & { readonly withinMs: number; readonly sources: readonly string[] }) | null;
}

const HOUR_MS = 3_600_000;

export function completenessOf(estate: EstateFacts): Completeness {
  const { assets = [], hosts, now, register } = estate;
  const all = register.hosts.length;
  const withinMs = observeWithinHours(register.policy) * HOUR_MS;
  const machines = expectedMachines(assets, hosts);
  const observed = machines.filter(
    ({ lastObserved }) => lastObserved !== null && now - lastObserved <= withinMs,
  ).length;
  return {
    declared: all === 0 ? null : { observed: all - neverSeen(estate).length, all },
    inventory:
      assets.length === 0
        ? null
        : { observed, all: machines.length, withinMs, sources: assets.map((list) => list.source) },
  };
}

/** For the scope on the cover; goes on after the number of hosts observed. */
export function scopeWords({ declared, inventory }: Completeness): string {
  const parts = [
    ...(inventory
      ? [`${shareOf(inventory)} machines of the inventory observed within ${duration(inventory.withinMs)}`]
      : []),
    ...(declared ? [`${shareOf(declared)} declared in the register`] : []),
  ];
  return parts.length === 0 ? 'no inventory and no list of hosts to compare with' : parts.join('; ');
}

/** Sentences for the coverage section. */
export function completenessText({ declared, inventory }: Completeness): Child {
  if (!declared && !inventory)
    return 'No inventory was imported and the register declares no list of hosts, so there is nothing to measure completeness by.';
  return html`${
    inventory &&
    html`${shareOf(inventory)} machines that the ${inventory.sources.length === 1 ? 'inventory' : 'inventories'} (${listWords(inventory.sources)}) ${inventory.sources.length === 1 ? 'lists' : 'list'} as in use were observed within the last ${duration(inventory.withinMs)}${missing(inventory)}.`
  }${inventory && declared && ' '}${declared && `${shareOf(declared)} declared hosts observed.`}`;
}

function missing({ observed, all }: Share): Child {
  if (observed === all) return null;
  return html`, <a href="${rowsAddress('findings', { rule: ['uncovered-asset'] })}">${count(all - observed, 'was', 'were')} not</a>`;
}

function shareOf({ observed, all }: Share): string {
  return `${formatNumber(observed)} of ${formatNumber(all)}`;
}
