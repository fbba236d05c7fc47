import { listWords } from '../util/words.ts';
import { SEVERITIES, type Severity } from './finding.ts';
import type { Cause } from './incident.ts';
import type { Place } from './incident-place.ts';

/** Classes that are open to everybody anyway: they make nothing worse. */
const HARMLESS = ['public', 'internal', 'none'];
/** -ln of a probability: from here on nothing but a cause explains it (10^-20); below, chance may (10^-4). */
const CERTAIN = 46;
const PERHAPS_CHANCE = 9.2;

export interface Judged {
  readonly severity: Severity;
  /** Sentences, the one that decides first. */
  readonly reasons: readonly string[];
}

/**
 * How bad an incident is. A finding has been judged by the register already and keeps its severity. Of traffic and events
 * only the surprise is known: the register and the filters make them worse or milder, by two steps at most. The worst
 * cause decides.
 */
export function judgeIncident(causes: readonly Cause[], place: (cause: Cause) => Place): Judged {
  let worst: Judged = { severity: 'low', reasons: [] };
  let rank = -1;
  for (const cause of causes) {
    const judged = judgeCause(cause, place(cause));
    if (SEVERITIES.indexOf(judged.severity) > rank) {
      worst = judged;
      rank = SEVERITIES.indexOf(judged.severity);
    }
  }
  return worst;
}

function judgeCause(cause: Cause, place: Place): Judged {
  const base = SEVERITIES.indexOf(cause.severity);
  const told = `${cause.severity} by itself: ${cause.kind}`;
  if (cause.from === 'finding') return { severity: cause.severity, reasons: [told, ...context(place)] };
  const worse: string[] = [];
  const milder: string[] = [];
  const classes = place.data.filter((name) => !HARMLESS.includes(name));
  if (classes.length > 0) worse.push(`the port serves ${listWords(classes)} data`);
  if (place.registered === false) worse.push('no register entry approves the port');
  if (place.exposure === 'everybody') worse.push('the packet filters let everybody connect');
  if (place.exposure === 'nobody') milder.push('nobody can connect from outside the host');
  if (cause.surprise !== null && cause.surprise >= CERTAIN) worse.push('so much is no chance');
  if (cause.surprise !== null && cause.surprise < PERHAPS_CHANCE) milder.push('chance may explain it');
  const steps = Math.max(-1, Math.min(2, worse.length) - milder.length);
  // Never so mild that nobody is told, and critical only what is bad by itself.
  const most = base >= SEVERITIES.indexOf('high') ? SEVERITIES.length - 1 : SEVERITIES.indexOf('high');
  const rank = Math.max(Math.min(base + steps, Math.max(most, base)), SEVERITIES.indexOf('low'));
  return {
    severity: SEVERITIES[rank] as Severity,
    reasons: [told, ...worse.map((why) => `worse: ${why}`), ...milder.map((why) => `milder: ${why}`)],
  };
}

/** What a person wants to know beside the severity of a finding. */
function context({ data, exposure }: Place): string[] {
  const said: string[] = [];
  if (data.length > 0) said.push(`the port serves ${listWords(data)} data`);
  if (exposure === 'everybody') said.push('the packet filters let everybody connect');
  return said;
}
