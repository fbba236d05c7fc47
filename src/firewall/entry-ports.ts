import type { NumberRange } from '../model/ruleset.ts';
import type { CompiledLayer, Entrance } from './compile.ts';

/** Entry ports that are tried one by one. */
const MAX_ENTRY_PORTS = 512;

/** Ports that packets to a socket may be sent to, one for each range that rules treat alike. */
export interface EntryPorts {
  readonly ports: readonly number[];
  /** A rule that leads here from more ports than are tried; null: all are. */
  readonly beyond: Entrance | null;
}

/** Finds the ports, but the socket's own, that some translation may lead to the socket's port from. */
export function entryPorts(layers: readonly CompiledLayer[], port: number): EntryPorts {
  const ports = new Set<number>();
  for (const { entrances, sentPorts } of layers) {
    const leading = entrances.filter(({ step }) => step.ports !== null && isIn(port, step.ports));
    if (leading.length === 0) continue;
    for (const [i, first] of sentPorts.entries()) {
      if (first < 1 || first > 65_535) continue;
      const end = Math.min(sentPorts[i + 1] ?? 65_536, 65_536);
      const one = first === port ? first + 1 : first;
      if (one >= end) continue;
      const entrance = leading.find((lead) => lead.ports.every((ranges) => ranges.some((range) => isIn(one, range))));
      if (entrance === undefined) continue;
      if (ports.size >= MAX_ENTRY_PORTS) return { ports: [...ports], beyond: entrance };
      ports.add(one);
    }
  }
  return { ports: [...ports], beyond: null };
}

function isIn(port: number, { from, to }: NumberRange): boolean {
  return port >= from && port <= to;
}
