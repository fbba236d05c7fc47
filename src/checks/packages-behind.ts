import type { EndpointFacts } from '../model/facts.ts';
import type { PackageFacts, ProcessFacts } from '../model/listener.ts';
import { holdersOf } from '../model/process-match.ts';
import { preferInside } from '../model/vantage.ts';
import { compareText } from '../util/compare.ts';
import { shellWord } from './remedy.ts';

/** A package that a process behind an endpoint comes from. */
export interface PackageBehind {
  readonly facts: PackageFacts;
  readonly processes: readonly ProcessFacts[];
}

/** Packages behind an endpoint, each once, by name. None for a client's socket, which is no service. */
export function packagesBehind(facts: EndpointFacts): readonly PackageBehind[] {
  const seen = preferInside(facts.listeners);
  if (facts.entries.length === 0 && seen.every(({ listener }) => listener.role === 'ephemeral')) return [];
  const found = new Map<string, { facts: PackageFacts; processes: ProcessFacts[] }>();
  for (const { listener } of seen)
    for (const process of holdersOf(listener)) {
      const { package: owner } = process;
      if (owner === undefined) continue;
      const { manager, ecosystem, name, version } = owner;
      const key = `${name}|${version}|${manager}|${ecosystem}`;
      const known = found.get(key);
      if (!known) found.set(key, { facts: owner, processes: [process] });
      else {
        known.processes.push(process);
        // one look may have read the lists of packages, and another not
        if (owner.candidate && !known.facts.candidate) known.facts = owner;
      }
    }
  return [...found].sort(([a], [b]) => compareText(a, b)).map(([, behind]) => behind);
}

/** The step of a remedy that brings a package up to date, where it runs; ends in the command, or in a full stop. */
export function upgradeStep({ facts: { manager, name, ecosystem = '' }, processes }: PackageBehind): string {
  if (processes.some((process) => process.container !== undefined))
    return `Rebuild the image of the container with the newer ${name}, and run it anew.`;
  const unit = processes.find((process) => process.unit !== undefined)?.unit;
  const package_ = shellWord(name);
  const command = {
    dpkg: `sudo apt-get update && sudo apt-get install --only-upgrade ${package_}`,
    rpm: ecosystem.includes('SUSE') ? `sudo zypper update ${package_}` : `sudo dnf upgrade ${package_}`,
    apk: `apk update && apk upgrade ${package_}`,
  }[manager];
  return unit === undefined
    ? `Upgrade it and restart the service: ${command}`
    : `Upgrade it and restart the service: ${command} && sudo systemctl restart ${shellWord(unit)}`;
}
