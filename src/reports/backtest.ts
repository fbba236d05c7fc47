import { ANOMALY_KINDS, type Anomaly } from '../model/anomaly.ts';
import { count, utcDay } from '../util/words.ts';
import { renderAnomalies } from './anomalies.ts';
import type { RenderOptions } from './report-format.ts';
import { renderTable } from './text-table.ts';

/** What a backtest found. Times are UTC seconds. */
export interface BacktestResult {
  readonly from: number;
  readonly until: number;
  readonly learnedDays: number;
  readonly ports: number;
  readonly anomalies: readonly Anomaly[];
}

/** Returns a backtest: as `table` how many cards a day and of which kinds, else the cards as `flows anomalies` has them. */
export function renderBacktest(result: BacktestResult, format: string, options: RenderOptions): string {
  if (format !== 'table') return renderAnomalies(result.anomalies, format, options);
  const days = Math.max(1, (result.until - result.from) / 86_400);
  const perDay = (cards: number) => (cards / days).toFixed(2);
  const perThousand = (cards: number) =>
    result.ports === 0 ? '-' : ((cards / days / result.ports) * 1_000).toFixed(2);
  const byKind = ANOMALY_KINDS.map((kind) => [kind, result.anomalies.filter((a) => a.kind === kind).length] as const);
  const rows = [...byKind.filter(([, cards]) => cards > 0), ['all', result.anomalies.length] as const];
  const lines = [
    `${utcDay(result.from * 1_000)} to ${utcDay(result.until * 1_000 - 1)}: ${count(result.ports, 'port')}, judged by up to 28 days before each day.`,
    ...(result.learnedDays < 14
      ? [
          `Only ${count(result.learnedDays, 'day')} of flows before the first one: most is still learned, and told as low.`,
        ]
      : []),
    '',
    ...renderTable(
      [
        { title: 'kind' },
        { title: 'cards', align: 'right' },
        { title: 'a day', align: 'right' },
        { title: 'a day per 1,000 ports', align: 'right' },
      ],
      rows.map(([kind, cards]) => [kind, String(cards), perDay(cards), perThousand(cards)]),
      options,
    ),
  ];
  const cards = result.anomalies.length === 0 ? '' : `\n${renderAnomalies(result.anomalies, 'table', options)}`;
  return `${lines.join('\n')}\n${cards}`;
}
