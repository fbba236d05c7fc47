import { DEFAULT_FLOW_RETENTION, type FlowRetention } from '../model/flow-retention.ts';
import type { ConfigReader } from './config-reader.ts';
import { configSchema } from './config-schema.ts';
import type { Issue } from './issues.ts';
import { take } from './issues.ts';
import { readDays, writeDays } from './times.ts';

/** How long flows are kept, as far as a config says. */
export type RetentionLayer = Partial<FlowRetention>;

/** Reads `traffic`. What it does not say is left to the layer below. */
export function readTraffic(read: ConfigReader): RetentionLayer | undefined {
  const raw = read.raw('traffic');
  if (raw === undefined) return undefined;
  return read.value(['traffic'], raw, configSchema.shape.traffic.unwrap(), ({ keep = {} }, issues) => {
    const days = (key: 'fiveMinutes' | 'hours' | 'days'): number | undefined =>
      keep[key] === undefined ? undefined : take(readDays(keep[key]), ['keep', key], issues);
    const [fiveMinuteDays, hourDays, dayDays] = [days('fiveMinutes'), days('hours'), days('days')];
    const said = {
      ...(fiveMinuteDays !== undefined && { fiveMinuteDays }),
      ...(hourDays !== undefined && { hourDays }),
      ...(dayDays !== undefined && { dayDays }),
    };
    if (issues.length === 0) checkOrder({ ...DEFAULT_FLOW_RETENTION, ...said }, said, issues);
    return said;
  });
}

/** Coarser rows are kept at least as long as finer ones. What is said is at fault, not a default. */
function checkOrder(all: FlowRetention, said: RetentionLayer, issues: Issue[]): void {
  const steps = [
    ['fiveMinutes', 'fiveMinuteDays'],
    ['hours', 'hourDays'],
    ['days', 'dayDays'],
  ] as const;
  for (const [i, [coarser, longer]] of steps.entries()) {
    const [finer, shorter] = steps[i - 1] ?? [coarser, longer];
    if (all[longer] >= all[shorter]) continue;
    const isDefault = (key: keyof FlowRetention): string => (said[key] === undefined ? ', the default' : '');
    const at = said[longer] === undefined ? finer : coarser;
    issues.push({
      path: ['keep', at],
      code: 'bad-retention',
      message: `keep.${coarser}: ${writeDays(all[longer])}${isDefault(longer)}, is shorter than keep.${finer}: ${writeDays(all[shorter])}${isDefault(shorter)}`,
      hint: 'rows of five minutes become rows of hours, then of days, then they go: each step is later than the one before',
    });
  }
}

/** Lays what layers say over each other, the most general first; undefined where none says anything. */
export function mergeRetention(layers: readonly RetentionLayer[]): FlowRetention | undefined {
  if (layers.length === 0) return undefined;
  const merged: FlowRetention = Object.assign({ ...DEFAULT_FLOW_RETENTION }, ...layers);
  // Layers that are right by themselves may not be together: the longer time wins, so that nothing is lost by it.
  const hourDays = Math.max(merged.hourDays, merged.fiveMinuteDays);
  return { ...merged, hourDays, dayDays: Math.max(merged.dayDays, hourDays) };
}
