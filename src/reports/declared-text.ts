import type { Declaration } from '../model/declaration.ts';
import type { EndpointFacts } from '../model/facts.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { Line } from './text-table.ts';

const MOST = 5;

const REACH_WORDS: Readonly<Record<Declaration['reach'], string>> = {
  host: 'published on the host',
  workload: 'inside its own network',
  unknown: 'how far is not said',
};

/** `compose.yaml:12`; the file alone where the format has no lines. */
export function declarationPlace({ source, line }: Declaration): string {
  return line === undefined ? source : `${source}:${line}`;
}

/** What deployment files and plans say of an endpoint: where, who, which port, how far. */
export function declaredLines({ declared = [] }: EndpointFacts): Line[] {
  const lines: Line[] = declared
    .slice(0, MOST)
    .map((d) => [
      declarationPlace(d),
      d.what,
      `port ${formatPorts(d.ports)}${d.transport === null ? ', transport not said' : `/${d.transport}`}`,
      ...(d.address === undefined ? [] : [`on ${d.address}`]),
      REACH_WORDS[d.reach],
      ...(d.service === undefined ? [] : [`as ${d.service}`]),
    ]);
  return declared.length > MOST ? [...lines, `… and ${declared.length - MOST} more (--format json)`] : lines;
}
