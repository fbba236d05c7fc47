import type { ScheduleState } from '../model/schedule.ts';
import { isDue } from '../model/schedule-state.ts';
import { count } from '../util/words.ts';
import { printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable } from './text-table.ts';
import { isoTime } from './time.ts';

/** Returns the items of a schedule with their last run and the next time, as `table` or `json`. */
export function renderSchedule(states: readonly ScheduleState[], format: string, options: RenderOptions): string {
  if (format === 'json') {
    const items = states.map((state) => ({
      ...{ name: state.item.name, cron: state.item.cron, timeZone: state.item.timeZone, run: state.item.run },
      ...{ graceSeconds: state.item.graceMs / 1000, isDue: isDue(state), lastRun: timeOf(state.lastRun) },
      ...{ lastExit: state.lastExit, lastDue: timeOf(state.lastDue), missed: state.missed },
      nextDue: timeOf(state.nextDue),
    }));
    return `${printableJson({ schemaVersion: 1, items }, 2)}\n`;
  }
  if (format !== 'table') throw new Error(`a schedule has no format ${format}`);
  const due = states.filter(isDue).length;
  const head = `${count(states.length, 'scheduled item')}, ${due === 0 ? 'none' : due} due`;
  const lines = [paint('bold', head, options.color)];
  if (states.length > 0) lines.push('', ...renderTable(COLUMNS, states.map(row), options));
  return `${lines.join('\n')}\n`;
}

const COLUMNS: readonly Column[] = [
  { title: 'item', min: 8 },
  { title: 'due' },
  { title: 'last run' },
  { title: 'next due' },
  { title: 'runs', min: 12, optional: true },
];

function row(state: ScheduleState): Cell[] {
  const { item, lastRun, lastExit, missed, nextDue } = state;
  const time = (ms: number | null, none: string) => timeOf(ms)?.replace(/:\d\d(\.\d+)?Z$/, 'Z') ?? none;
  return [
    item.name,
    isDue(state) ? (missed > 0 ? `now, missed ${missed}` : 'now') : '-',
    lastRun === null ? 'never' : `${time(lastRun, '')}, exit ${lastExit}`,
    time(nextDue, 'never'),
    item.run.join(' '),
  ];
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
