import { type Address, formatAddress } from '../model/address.ts';
import type { RuleReference, Witness } from '../model/admission.ts';
import { addressPort, ruleText } from './firewall-admission.ts';
import { ruleJson } from './firewall-json.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { paint, type Style, wrap } from './text-table.ts';
import { isoTime } from './time.ts';

/** A packet and what became of it. */
export interface TraceAnswer {
  readonly host: string;
  /** UTC milliseconds; null: not known. */
  readonly takenAt: number | null;
  /** What the answer rests on, for people. */
  readonly basis: string;
  readonly source: string;
  readonly packet: {
    readonly transport: string;
    readonly source: Address;
    readonly sourcePort: number;
    readonly destination: Address;
    readonly destinationPort: number;
    readonly iif: string | null;
    readonly scope: string;
  };
  readonly trace: {
    readonly verdict: Witness['verdict'];
    readonly completes: Witness['verdict'];
    readonly steps: ReadonlyArray<{
      readonly hook: string;
      readonly rule: RuleReference;
      readonly effect: string;
      readonly certain: boolean;
      readonly packet: 'first' | 'answer' | 'confirmation';
    }>;
    readonly assumptions: readonly string[];
  };
  readonly problems: readonly string[];
}

const STYLES: Readonly<Record<Witness['verdict'], Style>> = { admitted: 'green', refused: 'red', undecided: 'magenta' };

const PACKET_WORDS = {
  first: 'then the first packet',
  answer: 'then the answer to it',
  confirmation: "then the client's confirmation",
} as const;

/** Returns the answer as `table` or `json`. Throws Error on another format. */
export function renderTrace(answer: TraceAnswer, format: string, options: RenderOptions): string {
  const { packet, trace, problems } = answer;
  if (format === 'json') return `${printableJson(traceJson(answer), 2)}\n`;
  if (format !== 'table') throw new Error(`a trace has no format ${format}`);
  const from = addressPort(formatAddress(packet.source), packet.sourcePort);
  const to = addressPort(formatAddress(packet.destination), packet.destinationPort);
  const by = packet.iif === null ? '' : ` in by ${packet.iif}`;
  const connection =
    trace.completes === trace.verdict
      ? ''
      : `, and the connection ${trace.completes === 'admitted' ? 'completes' : trace.completes === 'refused' ? 'does not complete' : 'completes perhaps'}`;
  const lines = [
    `${paint('bold', printable(`${packet.transport} ${from} → ${to}${by}`), options.color)}: ${paint(STYLES[trace.verdict], trace.verdict, options.color)}${connection}`,
    ...wrap(answer.basis, options.width).map((line) => paint('dim', line, options.color)),
    '',
    ...trace.steps.flatMap(({ hook, rule, effect, certain, packet: which }, i) => [
      ...(which === (trace.steps[i - 1]?.packet ?? 'first') ? [] : [`  ${PACKET_WORDS[which]}`]),
      ...wrap(`${hook}: ${effect}${certain ? '' : ' (perhaps)'} ← ${ruleText(rule)}`, options.width - 4).map(
        (line, n) => `${n === 0 ? '  ' : '    '}${line}`,
      ),
    ]),
    ...(trace.steps.length === 0 ? ['  no rule concerns it'] : []),
    ...(problems.length + trace.assumptions.length > 0 ? [''] : []),
    ...problems.flatMap((problem) => wrap(`not known: ${problem}`, options.width)),
    ...trace.assumptions.flatMap((text) => wrap(`assumes: ${text}`, options.width)),
  ];
  return `${lines.join('\n')}\n`;
}

function traceJson({ host, takenAt, source, packet, trace, problems }: TraceAnswer) {
  return {
    schemaVersion: 1,
    host,
    takenAt: isoTime(takenAt),
    source,
    packet: { ...packet, source: formatAddress(packet.source), destination: formatAddress(packet.destination) },
    verdict: trace.verdict,
    completes: trace.completes,
    steps: trace.steps.map(({ rule, ...step }) => ({ ...step, rule: ruleJson(rule) })),
    problems,
    assumptions: trace.assumptions,
  };
}
