import { stripVTControlCharacters } from 'node:util';
import { endpointKey } from '../model/endpoint.ts';
import type { Incident } from '../model/incident.ts';
import { count, utcTime } from '../util/words.ts';
import type { AlertMessage } from './channel.ts';

/** Characters of one line of a message; what an attacker chose (a process name, say) may be long. */
const MAX_LINE = 400;
/** Incidents that a message shows one by one, and causes of each. */
const MAX_INCIDENTS = 50;
const MAX_CAUSES = 5;

/** One line without control characters, bidirectional overrides and line breaks, cut to a length. */
export function oneLine(text: string, max = MAX_LINE): string {
  const clean = stripVTControlCharacters(text)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, ' ')
    .trim();
  return clean.length <= max ? clean : `${clean.slice(0, max - 1)}…`;
}

/** What a message says in one line: the subject of a mail, the first line of a chat message. */
export function headline(message: AlertMessage): string {
  const [first] = message.incidents;
  switch (message.kind) {
    case 'test':
      return oneLine(`Quietdoor test message from ${message.workspace}`);
    case 'digest':
      return oneLine(
        `Quietdoor digest: ${count(message.incidents.length + message.more, 'alert')} in ${message.workspace}`,
      );
    case 'summary':
      return oneLine(
        `Quietdoor: ${count(message.incidents.length + message.more, 'more alert')} in ${message.workspace}, not told one by one`,
      );
    default: {
      if (!first) return oneLine(`Quietdoor: ${message.workspace}`);
      const word = message.kind === 'raised' ? first.severity : `${message.kind}, ${first.severity}`;
      return oneLine(`[${word}] ${placeIn(first)}${first.title}`);
    }
  }
}

/** The port that an incident is of, where its title does not name the host: a subject alone has to say where it is. */
function placeIn({ endpoint, title }: Incident): string {
  return endpoint === null || title.toLowerCase().includes(endpoint.host.toLowerCase())
    ? ''
    : `${endpointKey(endpoint)}: `;
}

/** Name and value of what is known of an incident, in the order people ask for it. `links`: begin of links to incidents. */
export function factsOf(incident: Incident, links?: string): readonly (readonly [string, string])[] {
  const facts: [string, string | null][] = [
    ['Port', incident.endpoint === null ? null : endpointKey(incident.endpoint)],
    ['Service', incident.service],
    ['Owner', incident.owner ?? 'nobody is named in the register'],
    ['Severity', [incident.severity, ...incident.severityReasons].join('; ')],
    ['Seen', `${utcTime(incident.firstSeen)} to ${utcTime(incident.lastSeen)}`],
    ['State', incident.note === null ? incident.state : `${incident.state}: ${incident.note}`],
    ['Id', incident.id],
    ['Link', links === undefined ? null : `${links}/${incident.id}`],
  ];
  return facts.flatMap(([name, value]) => (value === null ? [] : [[name, oneLine(value)] as const]));
}

/** What to type to act on it. */
export function whatToDo(incident: Incident): readonly string[] {
  const remedies = new Set(incident.causes.flatMap((cause) => (cause.remediation === null ? [] : [cause.remediation])));
  const see = incident.endpoint === null ? [] : [`quietdoor explain ${endpointKey(incident.endpoint)}`];
  return [...[...remedies].slice(0, 3), ...see, `quietdoor alerts ack ${incident.id} --note "…"`].map((line) =>
    oneLine(line),
  );
}

/** Sentences of the causes, newest first. */
export function causesOf(incident: Incident): readonly string[] {
  const shown = incident.causes.slice(0, MAX_CAUSES).map((cause) => oneLine(cause.message));
  const more = incident.causeCount - shown.length;
  return more > 0 ? [...shown, `and ${count(more, 'more cause')}`] : shown;
}

/** Incidents that are shown, and how many are not. */
export function shown(message: AlertMessage): { readonly incidents: readonly Incident[]; readonly more: number } {
  const incidents = message.incidents.slice(0, MAX_INCIDENTS);
  return { incidents, more: message.more + message.incidents.length - incidents.length };
}

/** The whole message as plain text, for mail. */
export function plainText(message: AlertMessage): string {
  const lines = [headline(message), ''];
  const { incidents, more } = shown(message);
  if (message.kind === 'test') lines.push('If you can read this, the channel works. Nothing is wrong.', '');
  const isMany = incidents.length > 1;
  for (const incident of incidents) {
    if (isMany) lines.push(`[${incident.severity}] ${oneLine(incident.title)}`);
    for (const [name, value] of factsOf(incident, message.links)) lines.push(`  ${`${name}:`.padEnd(10)}${value}`);
    for (const cause of causesOf(incident)) lines.push(`  - ${cause}`);
    for (const step of whatToDo(incident)) lines.push(`  > ${step}`);
    lines.push('');
  }
  if (more > 0) lines.push(`${count(more, 'more alert')}: quietdoor alerts list`, '');
  lines.push(`Workspace ${oneLine(message.workspace)}, ${utcTime(message.at)}, message ${message.id}`);
  return `${lines.join('\n')}\n`;
}
