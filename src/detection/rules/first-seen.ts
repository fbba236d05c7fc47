import { ACTION, BUCKET_SECONDS } from '../../model/flow.ts';
import { count } from '../../util/words.ts';
import { numberWords } from '../number-words.ts';
import type { PortDay } from '../port-day.ts';
import type { Signal } from '../signal.ts';

/**
 * Sources that this port never saw, of a network (/24, /64) that it never saw: the first of each network on this day. Not
 * where new networks are usual, nor while the port is learned.
 */
export function firstSeen(day: PortDay): Signal[] {
  const { baseline, parameters, traffic, table } = day;
  if (baseline.rememberedDays < parameters.learningDays || baseline.newcomerDays > parameters.newcomerDays) return [];
  if (baseline.lastAccepted === null || !traffic.isDirected) return [];
  // Who comes to a port that is hardly used is not settled yet.
  if (baseline.visits < parameters.visitsLeast) return [];
  const { visits } = traffic;
  const today = new Set<number>();
  const found: Signal[] = [];
  const days = Math.floor(baseline.rememberedDays);
  const perDay = (baseline.newcomerDays + 0.5) / Math.max(1, baseline.rememberedDays - 7);
  for (let i = day.firstVisit; i < day.endVisit; i++) {
    if (visits.action[i] === ACTION.denied) continue;
    const source = visits.source[i] as number;
    if (baseline.knownSources.has(source)) continue;
    const network = table.network(source);
    if (baseline.knownNetworks.has(network) || today.has(network)) continue;
    today.add(network);
    const bucket = visits.bucket[i] as number;
    const connections = visits.connections[i] as number;
    found.push({
      ...{
        kind: 'first-seen-source',
        from: bucket,
        to: bucket + BUCKET_SECONDS,
        raised: bucket + BUCKET_SECONDS,
        seen: connections,
        low: 0,
        high: 0,
      },
      ...{ source, surprise: -Math.log(1 - Math.exp(-perDay / 288)) },
      expectedWords: `only the ${count(baseline.knownSources.size, 'source')} of ${count(baseline.knownNetworks.size, 'network')} seen in ${count(days, 'day')}`,
      seenWords: `${numberWords(connections)} ${connections === 1 ? 'connection' : 'connections'} from ${table.address(source)}, never seen here, nor anything of ${table.networkText(network)}`,
    });
  }
  return found;
}
