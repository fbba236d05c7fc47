import { endpointKey } from '../model/endpoint.ts';
import type { Cause } from '../model/incident.ts';
import type { IncidentRecord } from '../model/incident-record.ts';
import { endOf, type MaintenanceWindow } from '../model/maintenance.ts';
import { count, duration } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable, type Style, wrap } from './text-table.ts';
import { formatTime, isoTime } from './time.ts';

/** An incident with the window that keeps it from being told; null: none does. */
export interface IncidentRow {
  readonly record: IncidentRecord;
  readonly maintenance: MaintenanceWindow | null;
}

/** What was sent of an incident, or could not be. */
export interface IncidentDelivery {
  readonly id: string;
  readonly channel: string;
  readonly owner: string | null;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly createdAt: number;
  readonly nextAttempt: number;
  readonly settledAt: number | null;
  readonly error: string | null;
  readonly incidents: readonly string[];
}

export interface IncidentListing {
  readonly alerts: readonly IncidentRow[];
  /** In all, and how many of those are open. */
  readonly total: number;
  readonly open: number;
  readonly isCut: boolean;
  readonly dead: readonly IncidentDelivery[];
  readonly neverRan: boolean;
}

const SEVERITY_STYLE: Readonly<Record<string, Style>> = { critical: 'red', high: 'red', medium: 'yellow' };

const COLUMNS: readonly Column[] = [
  { title: 'alert' },
  { title: 'severity', style: (text) => SEVERITY_STYLE[text.trim()] },
  { title: 'state', min: 8 },
  { title: 'where', min: 12 },
  { title: 'owner', min: 6, optional: true },
  { title: 'last seen', optional: true },
  { title: 'what', min: 24 },
];

/** Returns incidents as `table`, `json`, `jsonl` or `csv`, in the order given. `now`: UTC milliseconds. */
export function renderIncidents(list: IncidentListing, now: number, format: string, options: RenderOptions): string {
  switch (format) {
    case 'table':
      return tableOf(list, now, options);
    case 'json': {
      const alerts = list.alerts.map(incidentJson);
      return `${printableJson({ schemaVersion: 1, alerts, total: list.total, undelivered: list.dead.length }, 2)}\n`;
    }
    case 'jsonl':
      return list.alerts.map((row) => `${printableJson(incidentJson(row))}\n`).join('');
    case 'csv':
      return csvFile(
        [
          'id',
          'severity',
          'state',
          'endpoint',
          'service',
          'owner',
          'first_seen',
          'last_seen',
          'causes',
          'title',
          'by',
          'note',
        ],
        list.alerts.map(({ record: r }) => [
          ...[r.id, r.severity, r.state, r.endpoint && endpointKey(r.endpoint), r.service, r.owner],
          ...[isoTime(r.firstSeen), isoTime(r.lastSeen), r.causeCount, r.title, r.by, r.note],
        ]),
      );
    default:
      throw new Error(`incidents have no format ${format}`);
  }
}

function tableOf(
  { alerts, total, open, isCut, dead, neverRan }: IncidentListing,
  now: number,
  options: RenderOptions,
): string {
  const shown = isCut ? `, the newest ${alerts.length} shown` : '';
  const lines = [paint('bold', `${count(total, 'alert')}, ${open === 0 ? 'none' : open} open${shown}`, options.color)];
  if (neverRan) lines.push('Nobody looked yet: quietdoor alerts run');
  if (alerts.length > 0)
    lines.push(
      '',
      ...renderTable(
        COLUMNS,
        alerts.map((row) => cells(row, now)),
        options,
      ),
    );
  if (isCut) lines.push('', 'There are more: --limit');
  const channels = new Set(dead.map((delivery) => delivery.channel));
  if (dead.length > 0)
    lines.push(
      '',
      `${count(dead.length, 'message')} could not be delivered (${[...channels].map(printable).join(', ')}): quietdoor alerts dead`,
    );
  return `${lines.join('\n')}\n`;
}

function cells({ record, maintenance }: IncidentRow, now: number): Cell[] {
  const state =
    record.state === 'snoozed' && record.snoozedUntil !== null
      ? [`snoozed until ${formatTime(record.snoozedUntil)}`, 'snoozed']
      : record.state === 'open' && maintenance
        ? [`open, ${maintenance.id}`, 'open']
        : record.state;
  return [
    ...[record.id, record.severity, state],
    record.endpoint ? endpointKey(record.endpoint) : record.key.replace(/ .*/, ''),
    record.owner ?? '-',
    now - record.lastSeen < 60_000 ? 'now' : `${duration(now - record.lastSeen)} ago`,
    record.title,
  ];
}

/** One incident as JSON; times as ISO 8601 in UTC. */
export function incidentJson({ record, maintenance }: IncidentRow) {
  const { id, key, state, severity, severityReasons, title, endpoint, service, owner, data, zones, kinds } = record;
  return {
    ...{ id, key, state, severity, severityReasons, title, endpoint, service, owner, data, zones, kinds },
    ...{ causes: record.causeCount, firstSeen: isoTime(record.firstSeen), lastSeen: isoTime(record.lastSeen) },
    ...{ openedAt: isoTime(record.openedAt), resolvedAt: isoTime(record.resolvedAt), reopened: record.reopened },
    ...{ snoozedUntil: isoTime(record.snoozedUntil), by: record.by, note: record.note },
    ...{ told: record.told, toldAt: isoTime(record.toldAt), maintenance: maintenance?.id ?? null },
  };
}

/** Causes that a person is shown; JSON has all. */
const SHOWN_CAUSES = 12;
const SHOWN_DELIVERIES = 8;

/** Returns one incident with its causes and what was sent of it, as `table` or `json`. */
export function renderIncident(
  row: IncidentRow & { readonly causes: readonly Cause[]; readonly deliveries: readonly IncidentDelivery[] },
  format: string,
  options: RenderOptions,
): string {
  const { record, causes, deliveries, maintenance } = row;
  if (format === 'json') {
    const shown = {
      ...incidentJson(row),
      causes: causes.map((cause) => ({
        ...cause,
        firstSeen: isoTime(cause.firstSeen),
        lastSeen: isoTime(cause.lastSeen),
      })),
      deliveries: deliveries.map(deliveryJson),
    };
    return `${printableJson({ schemaVersion: 1, alert: shown }, 2)}\n`;
  }
  if (format !== 'table') throw new Error(`an incident has no format ${format}`);
  const at = record.endpoint ? endpointKey(record.endpoint) : record.key;
  const lines = [
    paint(
      'bold',
      printable(`${record.id}  ${record.severity}  ${at}  ${record.service ?? ''}`.trimEnd()),
      options.color,
    ),
    ...wrap(record.title, options.width),
    '',
    ...fact('state', [stateWords(record), record.by, record.note], options),
    ...fact('severity', [record.severity, ...record.severityReasons], options),
    ...fact('owner', [record.owner ?? 'nobody is named in the register'], options),
    ...fact('seen', [`${formatTime(record.firstSeen)} to ${formatTime(record.lastSeen)}`], options),
    ...(record.reopened > 0 ? fact('came back', [count(record.reopened, 'time')], options) : []),
    ...(maintenance
      ? fact('maintenance', [maintenance.id, maintenance.reason, `until ${formatTime(endOf(maintenance))}`], options)
      : []),
    '',
    paint('bold', count(record.causeCount, 'cause'), options.color),
  ];
  for (const cause of causes.slice(0, SHOWN_CAUSES)) {
    lines.push(...indent([`${cause.severity}  ${cause.kind}  ${formatTime(cause.lastSeen)}`], '  '));
    lines.push(...indent(wrap(cause.message, options.width - 4), '    '));
    if (cause.remediation !== null) lines.push(...indent(wrap(`→ ${cause.remediation}`, options.width - 4), '    '));
  }
  if (causes.length > SHOWN_CAUSES)
    lines.push(`  and ${count(causes.length - SHOWN_CAUSES, 'more cause')} (--format json)`);
  lines.push('', paint('bold', `${count(deliveries.length, 'message')}`, options.color));
  for (const delivery of deliveries.slice(0, SHOWN_DELIVERIES))
    lines.push(...indent(wrap(deliveryWords(delivery), options.width - 2), '  '));
  return `${lines.join('\n')}\n`;
}

function fact(name: string, parts: readonly (string | null)[], { width }: RenderOptions): string[] {
  const text = parts.filter((part) => part !== null).join('; ');
  const [first = '', ...rest] = wrap(text, width - 13);
  return [`${name.padEnd(13)}${first}`, ...indent(rest, ' '.repeat(13))];
}

function indent(lines: readonly string[], by: string): string[] {
  return lines.map((line) => `${by}${printable(line)}`);
}

function stateWords({ state, snoozedUntil, resolvedAt }: IncidentRecord): string {
  if (state === 'snoozed') return `snoozed until ${formatTime(snoozedUntil)}`;
  return state === 'resolved' ? `resolved ${formatTime(resolvedAt)}` : state;
}

function deliveryWords({
  kind,
  channel,
  owner,
  state,
  createdAt,
  nextAttempt,
  settledAt,
  attempts,
  error,
}: IncidentDelivery): string {
  const to = owner === null ? channel : `${channel} for ${owner}`;
  const when =
    state === 'sent'
      ? `sent ${formatTime(settledAt)}`
      : state === 'dead'
        ? `given up after ${count(attempts, 'attempt')}: ${error ?? 'no reason is known'}`
        : `waits, next attempt ${formatTime(nextAttempt)}${error === null ? '' : `: ${error}`}`;
  return `${kind} by ${to}, made ${formatTime(createdAt)}, ${when}`;
}

function deliveryJson(delivery: IncidentDelivery) {
  const { id, channel, owner, kind, state, attempts, error, incidents } = delivery;
  return {
    ...{ id, channel, owner, kind, state, attempts, error, incidents, createdAt: isoTime(delivery.createdAt) },
    ...{
      nextAttempt: state === 'waiting' ? isoTime(delivery.nextAttempt) : null,
      settledAt: isoTime(delivery.settledAt),
    },
  };
}

const DEAD_COLUMNS: readonly Column[] = [
  { title: 'channel' },
  { title: 'kind' },
  { title: 'made (UTC)' },
  { title: 'tries', align: 'right' },
  { title: 'alerts', min: 8 },
  { title: 'why', min: 16 },
];

/** Returns messages that were given up, as `table`, `json`, `jsonl` or `csv`. */
export function renderDead(dead: readonly IncidentDelivery[], format: string, options: RenderOptions): string {
  switch (format) {
    case 'table': {
      if (dead.length === 0) return 'No message was given up.\n';
      const rows = dead.map((delivery) => [
        ...[
          delivery.channel,
          delivery.kind,
          formatTime(delivery.createdAt).replace(/ UTC$/, ''),
          String(delivery.attempts),
        ],
        ...[delivery.incidents.join(' '), delivery.error ?? '-'],
      ]);
      const tail = `${count(dead.length, 'message')} given up. Send again: quietdoor alerts dead --retry`;
      return `${[...renderTable(DEAD_COLUMNS, rows, options), '', tail].join('\n')}\n`;
    }
    case 'json':
      return `${printableJson({ schemaVersion: 1, undelivered: dead.map(deliveryJson) }, 2)}\n`;
    case 'jsonl':
      return dead.map((delivery) => `${printableJson(deliveryJson(delivery))}\n`).join('');
    case 'csv':
      return csvFile(
        ['id', 'channel', 'owner', 'kind', 'created_at', 'attempts', 'alerts', 'error'],
        dead.map((d) => [
          d.id,
          d.channel,
          d.owner,
          d.kind,
          isoTime(d.createdAt),
          d.attempts,
          d.incidents.join(' '),
          d.error,
        ]),
      );
    default:
      throw new Error(`messages have no format ${format}`);
  }
}

const WINDOW_COLUMNS: readonly Column[] = [
  { title: 'window' },
  { title: 'now' },
  { title: 'from (UTC)' },
  { title: 'until (UTC)' },
  { title: 'where', min: 12 },
  { title: 'reason', min: 12 },
  { title: 'by', optional: true },
];

/** Returns maintenance windows as `table`, `json`, `jsonl` or `csv`. `now`: UTC milliseconds. */
export function renderWindows(
  windows: readonly MaintenanceWindow[],
  now: number,
  format: string,
  options: RenderOptions,
): string {
  const phase = (window: MaintenanceWindow) =>
    now >= endOf(window) ? 'over' : now >= window.from ? 'runs' : 'to come';
  const json = (window: MaintenanceWindow) => {
    const { id, where, reason, by } = window;
    return { id, where, from: isoTime(window.from), until: isoTime(endOf(window)), reason, by, phase: phase(window) };
  };
  switch (format) {
    case 'table': {
      if (windows.length === 0) return 'No maintenance is announced.\n';
      const time = (ms: number) => formatTime(ms).replace(/:\d\d UTC$/, '');
      const rows = windows.map((w) => [
        ...[w.id, phase(w), time(w.from), time(endOf(w)), w.where.join(' '), w.reason, w.by],
      ]);
      return `${renderTable(WINDOW_COLUMNS, rows, options).join('\n')}\n`;
    }
    case 'json':
      return `${printableJson({ schemaVersion: 1, windows: windows.map(json) }, 2)}\n`;
    case 'jsonl':
      return windows.map((window) => `${printableJson(json(window))}\n`).join('');
    case 'csv':
      return csvFile(
        ['id', 'phase', 'from', 'until', 'where', 'reason', 'by'],
        windows.map((w) => [w.id, phase(w), isoTime(w.from), isoTime(endOf(w)), w.where.join(' '), w.reason, w.by]),
      );
    default:
      throw new Error(`maintenance windows have no format ${format}`);
  }
}
