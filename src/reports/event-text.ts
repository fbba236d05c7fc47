import type { Event } from '../model/event.ts';
import type { Json } from '../util/canonical-json.ts';
import { listWords, utcTime } from '../util/words.ts';

/**
 * What happened, as a phrase. Bodies come from the ledger, which may hold records of another version: a field that is
 * missing or of another type is left out of the phrase.
 */
export function eventWords(e: Event): string {
  const { body } = e;
  const on = words(' on ', body.address);
  const facts = record(body.facts);
  switch (e.type) {
    case 'host.first-seen':
      return 'host seen for the first time';
    case 'listener.opened': {
      const verb = body.firstLook === true ? 'found open at a first look' : 'opened';
      return `${verb}${on}${words(' by ', facts.exe)}${words(', user ', facts.user)}${words(', unit ', facts.unit)}`;
    }
    case 'listener.closed':
      return `closed${on}${body.because === 'ephemeral' ? ': a client socket now' : ''}`;
    case 'listener.changed':
      return `changed${on}${changeWords(body.changes)}`;
    case 'observation.recorded':
      return `observed${words(': listeners ', body.listeners)}${words(', gaps ', body.gaps)}${words(', changes ', body.changes)}`;
    case 'observation.out-of-order':
      return 'an older observation arrived late; nothing was taken from it';
    case 'clock.stepped-back':
      return 'the clock of the host stepped back';
    case 'register.changed':
      return `register changed${words(', digest ', body.digest)}`;
    case 'entry.approved':
      return `${stampWords('approval', e)}${signatureWords(body.signed)}`;
    case 'entry.reviewed':
      return stampWords('review', e);
    case 'exception.added':
      return `exception added${words(' by ', body.by)}${words(' for ', body.rule)}`;
    case 'evidence.exported':
      return `evidence exported${words(' as ', body.format)}${recordsWords(body.first, body.last)}${words(', in ', body.folder)}`;
    case 'host.merged':
      return `known to be one host with ${texts(body.names)}${words(': ', body.because)}`;
    case 'host.split':
      return `no longer taken for one host with ${texts(body.gone)}`;
    case 'changes.imported':
      return body.removed === true ? 'change tickets dropped' : `change tickets imported${words(': ', body.items)}`;
    case 'assets.imported':
      return body.removed === true ? 'assets dropped' : `assets imported${words(': ', body.items)}`;
    case 'declarations.imported':
      return body.removed === true ? 'declared ports dropped' : `declared ports imported${words(': ', body.items)}`;
    case 'schedule.ran':
      return `scheduled run ended${words(' with exit code ', body.exit)}`;
    case 'firewall.recorded':
      return `packet filter recorded for the first time${words(': rules ', body.rules)}`;
    case 'firewall.changed':
      return body.removed === true ? 'packet filter forgotten' : `packet filter changed${words(': ', body.summary)}`;
    case 'firewall.applied':
      return `generated rules applied${words(' in mode ', body.mode)}${words(' by ', body.by)}, to be confirmed${words(' within minutes: ', body.minutes)}`;
    case 'firewall.confirmed':
      return `generated rules confirmed${words(' by ', body.by)}`;
    case 'firewall.rolled-back':
      return `generated rules taken back${words(': ', body.because)}`;
    case 'port.closed':
      return `what listens was stopped and disabled${words(': ', body.unit)}`;
    case 'port.reopened':
      return `what was stopped was put back${words(': ', body.unit)}`;
    case 'ledger.key-made':
      return `key of the ledger made${words(': ', body.fingerprint)}`;
    case 'ledger.key-rotated':
      return `key of the ledger replaced${words(': now ', body.fingerprint)}${words(', before ', body.previous)}`;
    case 'ledger.archived':
      return `records archived${words(': ', body.first)}${words(' to ', body.last)}${words(', in ', body.folder)}`;
    case 'watch.started':
      return `watching began${words(' by ', body.by)}${words(', with ', body.method)}`;
    case 'watch.stopped':
      return `watching ended${words(': ', body.because)}`;
    case 'watch.gap':
      return `nothing was watched${words(' for seconds: ', body.seconds)}${words(': ', body.because)}`;
    case 'flows.imported':
      return `flows imported${words(': records ', body.records)}${words(', problems ', body.problems)}`;
    case 'flows.gap':
      return `flows are missing${words(': ', body.because)}${words(', records lost: ', body.lost)}`;
    case 'flows.expired':
      return `flows beyond their retention removed${words(': rows ', body.rows)}${spanWords(body.from, body.until)}`;
    case 'setting.changed':
      return `setting changed${words(': ', body.setting)}${words(' from ', body.old)}${words(' to ', body.new)}`;
    case 'alert.raised':
      return `alert raised${words(' ', body.severity)}${words(': ', body.title)}`;
    case 'alert.acknowledged':
      return `alert acknowledged${told(body)}${personWords(e)}`;
    case 'alert.snoozed':
      return `alert snoozed${words(' until ', body.until)}${told(body)}${personWords(e)}`;
    case 'alert.resolved':
      return `alert resolved${told(body)}${personWords(e)}`;
    case 'alert.undelivered':
      return `alert could not be delivered${words(' by ', body.channel)}${words(': ', body.because)}`;
    case 'maintenance.announced':
      if (typeof body.ended === 'string') return `maintenance ended${words(': ', body.reason)}`;
      return `maintenance announced${words(' from ', body.from)}${words(' until ', body.until)}${words(': ', body.reason)}`;
    case 'log.reviewed':
      return `${stampWords('log review', e)}${recordsWords(body.firstRecord, body.lastRecord)}${decisionWords(body.decisions)}${signatureWords(body.signed)}`;
    default:
      return String(e.type);
  }
}

/** Whoever runs the program names the person: what is recorded is that it was written, not that the person did it. */
function stampWords(what: string, { body, actor }: Event): string {
  return `${what}${words(' in the name of ', body.by)} written by ${actor}`;
}

/** What was noted, and of which alert. The note comes first: narrow tables cut the end, and name the port elsewhere. */
function told({ note, title }: Event['body']): string {
  return typeof note === 'string' ? `: ${note}${words('; ', title)}` : words(': ', title);
}

/** As with approvals: the name is what was typed. Nothing where the program did it. */
function personWords({ body, actor }: Event): string {
  return typeof body.by === 'string' ? `; in the name of ${body.by}, written by ${actor}` : '';
}

function recordsWords(first: Json | undefined, last: Json | undefined): string {
  if (typeof first !== 'number' || typeof last !== 'number') return '';
  return first === last ? `: record ${first}` : `: records ${first} to ${last}`;
}

/** UTC seconds, as flows have them. */
function spanWords(from: Json | undefined, until: Json | undefined): string {
  if (typeof from !== 'number' || typeof until !== 'number') return '';
  return `, of ${utcTime(from * 1_000)} to ${utcTime(until * 1_000)}`;
}

function decisionWords(decisions: Json | undefined): string {
  const counts = Object.entries(record(decisions)).filter(([, n]) => typeof n === 'number' && n > 0);
  return counts.length === 0 ? '' : `; ${counts.map(([decision, n]) => `${n} ${decision}`).join(', ')}`;
}

function signatureWords(signed: Json | undefined): string {
  if (typeof signed !== 'boolean') return '';
  return signed ? ', signed by an SSH key' : ', not signed';
}

function changeWords(changes: Json | undefined): string {
  if (!Array.isArray(changes)) return '';
  const list = changes.map((change) => {
    const { attribute, old, new: current } = record(change);
    return `${words('', attribute)} ${words('', old)} → ${words('', current)}`;
  });
  return list.length === 0 ? '' : `: ${list.join('; ')}`;
}

function texts(value: Json | undefined): string {
  return listWords(Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []);
}

function words(before: string, value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? `${before}${value}` : '';
}

function record(value: Json | undefined): { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json | undefined })
    : {};
}
