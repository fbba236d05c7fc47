import { formatAddress } from '../model/address.ts';
import { type AddressSet, difference, EMPTY, equals, isEmpty, union } from '../model/address-set.ts';
import type {
  AddressBounds,
  Admission,
  AdmissionPath,
  DecidingVerdict,
  RuleReference,
  Witness,
} from '../model/admission.ts';
import { describeSources } from '../model/describe-sources.ts';
import type { Zone } from '../model/register.ts';
import type { Ruleset, StatementCounts } from '../model/ruleset.ts';
import { count } from '../util/words.ts';
import { printable } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { paint, type Style, wrap } from './text-table.ts';

/** An answer about one port, with what it rests on. */
export interface AdmissionAnswer {
  /** What was asked: `web-1:443/tcp`, `tcp/22`. */
  readonly title: string;
  /** Lines before the answer: label and text. */
  readonly before?: ReadonlyArray<readonly [label: string, style: Style, text: string]>;
  /** Where it came from and when: `packet filters of web-1, taken 2026-11-21 ...`; empty: nothing to say. */
  readonly basis: string;
  readonly admission: Admission;
  readonly ruleset: Pick<Ruleset, 'statements' | 'notes' | 'files'>;
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
  /** Chains that a packet meets, in order; absent: not told. */
  readonly hooks?: readonly string[];
  readonly zones: readonly Zone[];
}

const LABEL = 14;
const WIDEST = 140;
const MOST_LINES = 8;

/** Who can connect to one port, who decides, and what the answer rests on. */
export function renderAdmission(answer: AdmissionAnswer, options: RenderOptions): string {
  const width = Math.min(options.width, WIDEST);
  const { admission: a, ruleset, zones } = answer;
  const section = (label: string, style: Style, lines: readonly string[]) =>
    sectionLines(label, style, lines, width, options.color);
  const parts = [
    [
      paint('bold', printable(answer.title), options.color),
      ...(answer.basis === '' ? [] : wrap(answer.basis, width).map((line) => paint('dim', line, options.color))),
    ],
    [
      ...(answer.before ?? []).flatMap(([label, style, text]) => section(label, style, [text])),
      ...section('ADMITTED', 'yellow', [boundsWords(a.admitted, zones)]),
      ...section('COMPLETES', 'yellow', completesLines(a, zones)),
      ...section('HOOKS', 'cyan', answer.hooks ?? []),
      ...section(
        'PATH',
        'cyan',
        a.paths.filter(isWorthShowing).map((path) => pathText(path, zones)),
      ),
      ...section(
        'LAYERS',
        'cyan',
        a.layers.length < 2 ? [] : a.layers.map((l) => `${l.title}: ${boundsWords(l.admitted, zones)}`),
      ),
      ...section('DECIDED BY', 'bold', bounded(decidingLines(a, zones), 'rule')),
      ...section('UNDECIDED', 'magenta', bounded(undecidedLines(a, zones), 'reason')),
      ...section('WITNESSES', 'bold', bounded(a.witnesses.map(witnessText), 'packet')),
    ],
    [
      ...section('NOT KNOWN', 'red', answer.problems),
      ...section('STATEMENTS', 'bold', [
        statementsText(ruleset.statements),
        ...bounded(noteLines(ruleset), 'statement'),
      ]),
      ...section('ASSUMES', 'bold', a.assumptions),
    ],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** What lets in comes first: that is what was asked. */
const VERDICTS: readonly DecidingVerdict[] = ['accept', 'unknown', 'reject', 'drop'];

function decidingLines({ deciding }: Admission, zones: readonly Zone[]): string[] {
  return deciding
    .toSorted((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict))
    .map((d) => `${d.verdict} ${sourcesWords(d.sources, zones)} ← ${ruleText(d.rule)}`);
}

/** One line for each reason: many rules may wait for the same. */
function undecidedLines({ undecided }: Admission, zones: readonly Zone[]): string[] {
  return [...Map.groupBy(undecided, (part) => part.reason)].map(([reason, parts]) => {
    const sources = parts.reduce((all, part) => union(all, part.sources), EMPTY);
    const rules = [...new Set(parts.map((part) => ruleText(part.rule)))];
    const more = rules.length > 1 ? ` and ${count(rules.length - 1, 'further rule')}` : '';
    return `${sourcesWords(sources, zones)}: ${reason} ← ${rules[0]}${more}`;
  });
}

function noteLines({ notes }: Pick<Ruleset, 'notes'>): string[] {
  return notes.map(({ at, status, text, reason }) => {
    const where = at.line === undefined ? at.file : `${at.file}:${at.line}`;
    return `${where}: ${status}: ${text} (${reason})`;
  });
}

const MOST_BLOCKS = 5;

export function sourcesWords(set: AddressSet, zones: readonly Zone[] = []): string {
  return describeSources(set, zones, MOST_BLOCKS);
}

/** What is certain, and what is only possible. */
export function boundsWords({ lower, upper }: AddressBounds, zones: readonly Zone[] = []): string {
  const perhaps = difference(upper, lower);
  if (isEmpty(perhaps)) return sourcesWords(lower, zones);
  const open = `undecided for ${sourcesWords(perhaps, zones)}`;
  return isEmpty(lower) ? open : `${sourcesWords(lower, zones)}; ${open}`;
}

/** A rule where it stands: `nft inet filter input rule 4 (handle 9): tcp dport 22 accept`. */
export function ruleText({ chain, position, handle, text, at, origin }: RuleReference): string {
  const place = position === 0 ? '' : ` rule ${position}`;
  const where = at.line === undefined ? '' : `, ${at.file}:${at.line}`;
  const whose = origin === null ? '' : ` [${origin.userRule ?? origin.frontEnd}]`;
  return `${chain}${place}${handle === null ? '' : ` (handle ${handle})`}${where}: ${text}${whose}`;
}

export function statementsText(s: StatementCounts): string {
  const total = s.modelled + s.irrelevant + s.unsupported + s.unrecognised;
  return `${count(total, 'statement')}: ${s.modelled} modelled, ${s.irrelevant} irrelevant, ${s.unsupported} unsupported, ${s.unrecognised} unrecognised`;
}

function completesLines(a: Admission, zones: readonly Zone[]): string[] {
  const same = equals(a.completes.lower, a.admitted.lower) && equals(a.completes.upper, a.admitted.upper);
  return [same ? 'the same' : boundsWords(a.completes, zones)];
}

/** Delivered as it was sent: nothing to tell. */
function isWorthShowing(path: AdmissionPath): boolean {
  return path.by !== null || !path.deliveredTo.local || path.deliveredTo.port !== path.port;
}

function pathText({ address, port, deliveredTo, by, admitted }: AdmissionPath, zones: readonly Zone[]): string {
  const from = address === null ? `port ${port}` : addressPort(formatAddress(address), port);
  const to =
    deliveredTo.address === null
      ? `port ${deliveredTo.port}`
      : addressPort(formatAddress(deliveredTo.address), deliveredTo.port);
  const how = deliveredTo.local ? 'delivered here' : 'sent on';
  return `${from} → ${to} (${how}): ${boundsWords(admitted, zones)}${by === null ? '' : ` ← ${ruleText(by)}`}`;
}

function witnessText({ source, sourcePort, destination, destinationPort, iif, verdict }: Witness): string {
  const to =
    destination === null ? `port ${destinationPort}` : addressPort(formatAddress(destination), destinationPort);
  return `${verdict}: ${addressPort(formatAddress(source), sourcePort)} to ${to}${iif === null ? '' : ` in by ${iif}`}`;
}

export function addressPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function bounded(lines: readonly string[], noun: string, most = MOST_LINES): string[] {
  if (lines.length <= most) return [...lines];
  return [
    ...lines.slice(0, most),
    `… and ${count(lines.length - most, `further ${noun}`)} (all of them: --format json)`,
  ];
}

function sectionLines(label: string, style: Style, lines: readonly string[], width: number, color: boolean): string[] {
  return lines.flatMap((text, i) =>
    wrap(text, width - LABEL - 2).map((line, j) => {
      const head = i === 0 && j === 0 ? label : '';
      return `  ${paint(style, head.padEnd(LABEL - 2), color)}${j === 0 ? '' : '  '}${line}`;
    }),
  );
}
