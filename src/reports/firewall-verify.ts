import type { AddressSet } from '../model/address-set.ts';
import type { Admission } from '../model/admission.ts';
import type { AdmissionStanding } from '../model/admission-compare.ts';
import { describeSources } from '../model/describe-sources.ts';
import { type Endpoint, endpointKey } from '../model/endpoint.ts';
import type { Zone } from '../model/register.ts';
import type { StatementCounts } from '../model/ruleset.ts';
import { compareText } from '../util/compare.ts';
import { count, listWords } from '../util/words.ts';
import { boundsWords, statementsText } from './firewall-admission.ts';
import { boundsJson, setJson } from './firewall-json.ts';
import { STANDING_WORDS, type StandingWord, standingWords, unapprovedWords } from './firewall-standing.ts';
import { printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable, type Style, wrap } from './text-table.ts';
import { isoTime } from './time.ts';

/** One endpoint that listens. */
export interface VerifyRow {
  readonly endpoint: Endpoint;
  readonly standing: AdmissionStanding;
  /** null: no filter says who reaches it. */
  readonly admission: Admission | null;
  readonly word: StandingWord;
  /** A part of the register that could not be read may be about it. */
  readonly mayBeInBrokenPart: boolean;
}

/** A whole host: who may and who can connect to everything that listens. */
export interface VerifyAnswer {
  readonly host: string;
  /** UTC milliseconds. */
  readonly now: number;
  /** UTC milliseconds; null: not known. */
  readonly takenAt: number | null;
  /** What the answer rests on, for people. */
  readonly basis: string;
  readonly source: string;
  readonly problems: readonly string[];
  readonly statements: StatementCounts;
  readonly zones: readonly Zone[];
  readonly hasRegister: boolean;
  /** Worst first. */
  readonly rows: readonly VerifyRow[];
}

const MOST_BLOCKS = 3;
const MOST_ENTRIES = 5;

/** Returns the answer as `table` or `json`. Throws Error on another format. */
export function renderVerify(answer: VerifyAnswer, format: string, options: RenderOptions): string {
  if (format === 'json') return `${printableJson(verifyJson(answer), 2)}\n`;
  if (format !== 'table') throw new Error(`a verification has no format ${format}`);
  const { problems, rows } = answer;
  const basis = `${answer.basis}; ${statementsText(answer.statements)}`;
  const lines = [
    paint('bold', summaryText(answer), options.color),
    ...wrap(basis, options.width).map((line) => paint('dim', line, options.color)),
    ...problems.flatMap((problem) => wrap(`not known: ${problem}`, options.width)),
    ...notApproved(answer).flatMap((text) => wrap(text, options.width)),
  ];
  if (rows.length > 0)
    lines.push(
      '',
      ...renderTable(
        COLUMNS,
        rows.map((row) => cellsOf(row, answer)),
        options,
      ),
    );
  return `${lines.join('\n')}\n`;
}

const STYLES: Readonly<Record<StandingWord, Style>> = {
  wider: 'red',
  'not filtered': 'red',
  undecided: 'magenta',
  blocked: 'yellow',
  'not compared': 'dim',
  conforms: 'green',
};

const COLUMNS: readonly Column[] = [
  { title: 'verdict', style: (text) => STYLES[text.trim() as StandingWord] },
  { title: 'endpoint', min: 16 },
  { title: 'approved', min: 12 },
  { title: 'admitted', min: 16 },
];

/** Entries that nobody stands behind: who may connect by them is only written down. */
function notApproved({ rows, now }: VerifyAnswer): string[] {
  const said = new Map<string, string>();
  for (const { standing } of rows)
    if ('entry' in standing) {
      const why = unapprovedWords(standing.entry, now);
      if (why !== null) said.set(standing.entry.id, `${standing.entry.id} (${why})`);
    }
  const known = listWords([...said.values()].sort(compareText), MOST_ENTRIES);
  return said.size === 0 ? [] : [`not approved, and compared as if it were: ${known}; see quietdoor check`];
}

function cellsOf(
  { endpoint, standing, admission, word, mayBeInBrokenPart }: VerifyRow,
  { zones, hasRegister }: VerifyAnswer,
): Cell[] {
  const words = (set: AddressSet) => describeSources(set, zones, MOST_BLOCKS);
  const inside = standing.kind === 'inside';
  return [
    word,
    endpointKey(endpoint),
    standing.kind === 'compared' && !mayBeInBrokenPart
      ? words(standing.approved)
      : inside
        ? 'loopback only'
        : (standingWords(standing, { hasRegister, mayBeInBrokenPart }, words) ?? 'no workspace'),
    inside ? 'only this host itself' : admission === null ? 'not known' : boundsWords(admission.admitted, zones),
  ];
}

function summaryText({ host, rows }: VerifyAnswer): string {
  if (rows.length === 0) return `${host}: nothing listens`;
  const counts = STANDING_WORDS.flatMap((word) => {
    const n = rows.filter((row) => row.word === word).length;
    return n === 0 ? [] : [`${n} ${word}`];
  });
  return `${host}: ${count(rows.length, 'listening endpoint')}, ${counts.join(', ')}`;
}

function verifyJson({ host, now, takenAt, source, problems, statements, rows }: VerifyAnswer) {
  return {
    schemaVersion: 1,
    host,
    takenAt: isoTime(takenAt),
    source,
    summary: Object.fromEntries(STANDING_WORDS.map((word) => [word, rows.filter((row) => row.word === word).length])),
    problems,
    statements,
    endpoints: rows.map(({ endpoint, standing, admission, word, mayBeInBrokenPart }) => ({
      endpoint,
      verdict: word,
      entry: 'entry' in standing ? standing.entry.id : null,
      notApproved: 'entry' in standing ? unapprovedWords(standing.entry, now) : null,
      mayBeInBrokenPart,
      approved: standing.kind === 'compared' ? setJson(standing.approved) : null,
      admitted: admission && boundsJson(admission.admitted),
      completes: admission && boundsJson(admission.completes),
      tooMany: standing.kind === 'compared' ? setJson(standing.tooMany) : null,
      blocked: standing.kind === 'compared' ? setJson(standing.blocked) : null,
    })),
  };
}
