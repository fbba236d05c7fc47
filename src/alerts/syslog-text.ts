import type { Severity } from '../model/finding.ts';
import type { Incident } from '../model/incident.ts';
import type { AlertMessage } from './channel.ts';
import { causesOf, headline, oneLine } from './message-text.ts';

/** RFC 5424, 6.2.1: log audit and local use. */
export const FACILITIES = {
  daemon: 3,
  auth: 4,
  authpriv: 10,
  audit: 13,
  alert: 14,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

/** RFC 5424, 6.2.1: Critical, Error, Warning, Notice, Informational. */
const SEVERITY: Record<Severity, number> = { critical: 2, high: 3, medium: 4, low: 5, info: 6 };

/** Enterprise number for examples (RFC 5612): Quietdoor has none of its own. */
const ELEMENT = 'quietdoor@32473';
/** UTF-8, RFC 5424, 6.4. */
const BOM = '\ufeff';

/** RFC 5424, 6: visible ASCII only, no blanks; `-` where nothing is left. */
function name(text: string, max: number): string {
  const clean = text.replace(/[^\x21-\x7e]/g, '').slice(0, max);
  return clean === '' ? '-' : clean;
}

/** RFC 5424, 6.3.3: `"`, `\` and `]` are escaped. */
function value(text: string): string {
  return oneLine(text).replace(/["\\\]]/g, '\\$&');
}

function element(pairs: readonly (readonly [string, string | null])[]): string {
  const given = pairs.flatMap(([key, text]) => (text === null ? [] : [` ${key}="${value(text)}"`]));
  return `[${ELEMENT}${given.join('')}]`;
}

/** One RFC 5424 message per incident, one for a message without any. `host`: name of this machine. */
export function syslogMessages(
  message: AlertMessage,
  host: string,
  facility: keyof typeof FACILITIES,
): readonly string[] {
  const head = (severity: Severity, incident: Incident | null) =>
    [
      `<${FACILITIES[facility] * 8 + SEVERITY[severity]}>1`,
      new Date(message.at).toISOString(),
      name(host, 255),
      'quietdoor',
      '-',
      name(message.kind, 32),
      element([
        ['message', message.id],
        ['workspace', message.workspace],
        ['incident', incident?.id ?? null],
        ['state', incident?.state ?? null],
        ['severity', incident?.severity ?? null],
        ['host', incident?.endpoint?.host ?? null],
        ['scope', incident?.endpoint?.scope ?? null],
        ['transport', incident?.endpoint?.transport ?? null],
        ['port', incident?.endpoint === null || incident === null ? null : String(incident.endpoint.port)],
        ['service', incident?.service ?? null],
        ['owner', incident?.owner ?? null],
        ['causes', incident === null ? null : [...new Set(incident.causes.map((c) => c.kind))].sort().join(',')],
      ]),
    ].join(' ');
  if (message.incidents.length === 0) return [`${head('info', null)} ${BOM}${headline(message)}`];
  return message.incidents.map(
    (incident) =>
      `${head(incident.severity, incident)} ${BOM}${oneLine([incident.title, ...causesOf(incident)].join(' '), 4_000)}`,
  );
}

/** Cuts a message to a number of bytes, at a character. */
export function cutTo(text: string, bytes: number): Buffer {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return whole;
  let end = bytes;
  while (end > 0 && ((whole[end] as number) & 0xc0) === 0x80) end--;
  return whole.subarray(0, end);
}
