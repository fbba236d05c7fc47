import { formatPosition } from '../model/errors.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { ApprovalState, Register, RegisterEntry, RegisterProblem } from '../model/register.ts';
import { type ReviewStanding, reviewDue, reviewStanding } from '../model/review.ts';
import { count } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { annotation, placeIn } from './github.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable, wrap } from './text-table.ts';
import { formatDate, isoTime } from './time.ts';
import { approvalWords, mayWords, shortDigest } from './words.ts';

type Approvals = ReadonlyMap<string, ApprovalState>;
const UNKNOWN: ApprovalState = { kind: 'unknown', reason: 'it was not looked at' };

/** Returns the entries of a register at `now` (UTC milliseconds) as `table`, `json` or `csv`. Throws Error on another format. */
export function renderRegister(
  register: Register,
  approvals: Approvals,
  now: number,
  format: string,
  options: RenderOptions,
): string {
  switch (format) {
    case 'table':
      return tableOf(register, approvals, options);
    case 'json': {
      const entries = register.entries.map((e) => ({
        ...entryJson(e, approvals.get(e.id) ?? UNKNOWN),
        reviewDue: isoTime(reviewDue(e, approvals.get(e.id) ?? UNKNOWN, register.policy, now)),
      }));
      return `${printableJson({ schemaVersion: 1, register: { name: register.name, digest: register.digest }, entries, problems: register.problems }, 2)}\n`;
    }
    case 'csv':
      return csvFile(
        CSV_HEAD,
        register.entries.map((e) => {
          const state = approvals.get(e.id) ?? UNKNOWN;
          return csvRow(e, state, reviewStanding(e, state, register.policy, now));
        }),
      );
    default:
      throw new Error(`a register list has no format ${format}`);
  }
}

function entryJson(e: RegisterEntry, state: ApprovalState) {
  const { approval, review, expires, ...rest } = e;
  return {
    ...rest,
    approval: approval === null ? null : { ...approval, at: isoTime(approval.at) },
    review: review === null ? null : { ...review, last: isoTime(review.last) },
    expires: isoTime(expires),
    approvalState: state,
  };
}

const COLUMNS: readonly Column[] = [
  { title: 'id', min: 12 },
  { title: 'service', min: 7 },
  { title: 'owner', min: 8 },
  { title: 'hosts', min: 8 },
  { title: 'ports', min: 8 },
  { title: 'may', min: 9 },
  { title: 'approval', style: (text) => (text === 'proven' ? 'green' : 'yellow') },
  { title: 'expires' },
];

function tableOf(register: Register, approvals: Approvals, options: RenderOptions): string {
  const rows = register.entries.map((e) => tableRow(e, approvals.get(e.id) ?? UNKNOWN));
  const proven = register.entries.filter((e) => approvals.get(e.id)?.kind === 'proven').length;
  const title = `${printable(register.name)}, register ${shortDigest(register.digest)}: ${count(rows.length, 'entry', 'entries')}, ${proven} with a proven approval`;
  const problems =
    register.problems.length === 0
      ? []
      : ['', `${count(register.problems.length, 'problem')} in the files (quietdoor register lint)`];
  return `${[paint('bold', title, options.color), ...(rows.length === 0 ? [] : ['', ...renderTable(COLUMNS, rows, options)]), ...problems].join('\n')}\n`;
}

function tableRow(e: RegisterEntry, state: ApprovalState): Cell[] {
  const sources = e.sources?.length ?? 0;
  return [
    e.id,
    e.service ?? '-',
    e.owner ?? '-',
    e.hosts.length > 1
      ? [e.hosts.join(', '), `${e.hosts[0]} +${e.hosts.length - 1}`, count(e.hosts.length, 'host')]
      : (e.hosts[0] ?? '-'),
    `${formatPorts(e.ports)}/${e.transport}`,
    sources > 0
      ? [mayWords(e), `${e.sources?.[0]}${sources > 1 ? ` +${sources - 1}` : ''}`, count(sources, 'source')]
      : e.sources === null
        ? 'not said'
        : [mayWords(e), 'this host'],
    state.kind,
    e.expires === null ? '-' : formatDate(e.expires),
  ];
}

const CSV_HEAD = [
  ...[
    'id',
    'service',
    'purpose',
    'workflow',
    'owner',
    'hosts',
    'scope',
    'ports',
    'transport',
    'bind',
    'sources',
    'data',
    'encryption',
  ],
  ...[
    'auth',
    'change',
    'risk',
    'approval_state',
    'approval',
    'approved_by',
    'approved_at',
    'review_every_days',
    'last_review',
    'review_due',
    'expires',
  ],
  ...['digest', 'file', 'line'],
];

function csvRow(e: RegisterEntry, state: ApprovalState, review: ReviewStanding) {
  return [
    ...[
      e.id,
      e.service,
      e.purpose,
      e.workflow,
      e.owner,
      e.hosts.join(' '),
      e.scope,
      formatPorts(e.ports),
      e.transport,
      e.bind,
    ],
    ...[
      e.sources === null ? null : e.sources.join(' ') || 'nobody',
      e.data.join(' '),
      e.encryption,
      e.auth,
      e.change,
      e.risk,
    ],
    ...[
      state.kind,
      approvalWords(state, e),
      e.approval?.by,
      isoTime(e.approval?.at),
      review.everyDays,
      isoTime(review.reviewed),
      isoTime(review.due),
    ],
    ...[isoTime(e.expires), e.digest, e.at.file, e.at.line],
  ];
}

/** Returns what is wrong in the files as `table`, `json` or `github` annotations. Throws Error on another format. */
export function renderProblems(problems: readonly RegisterProblem[], format: string, options: RenderOptions): string {
  const errors = problems.filter((p) => p.severity === 'error').length;
  const total = `${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}`;
  switch (format) {
    case 'table':
      return `${[...problems.flatMap((p) => problemLines(p, options)), problems.length === 0 ? 'Nothing to complain about.' : total].join('\n')}\n`;
    case 'json':
      return `${printableJson({ schemaVersion: 1, errors, warnings: problems.length - errors, problems }, 2)}\n`;
    case 'github':
      return `${[...problems.map((p) => annotation(p.severity, p.code, [p.message, ...(p.hint ? [p.hint] : [])], placeIn(p.at, options.folder ?? ''))), total].join('\n')}\n`;
    default:
      throw new Error(`problems have no format ${format}`);
  }
}

/** One problem for a terminal: place, severity, slug; the sentence; what was expected. */
export function problemLines(p: RegisterProblem, { width, color }: RenderOptions): string[] {
  const head = `${printable(formatPosition(p.at))}  ${paint(p.severity === 'error' ? 'red' : 'yellow', p.severity, color)} ${paint('bold', printable(p.code), color)}`;
  const hint = p.hint === undefined ? [] : wrap(p.hint, width - 4).map((line, i) => (i === 0 ? '  → ' : '    ') + line);
  return [
    head,
    ...wrap(p.message, width - 2).map((line) => `  ${line}`),
    ...hint.map((line) => paint('cyan', line, color)),
  ];
}
