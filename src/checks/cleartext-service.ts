import type { AnswerFacts } from '../model/answer.ts';
import { describePort } from '../model/describe.ts';
import type { EndpointFacts, EstateFacts } from '../model/facts.ts';
import type { FindingDraft, Severity } from '../model/finding.ts';
import type { RegisterEntry } from '../model/register.ts';
import type { ListenerState } from '../model/state.ts';
import { vantageWords } from '../model/vantage.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { candidates } from './prohibited-list.ts';
import { approveStep, placeOf } from './remedy.ts';

export const cleartextService: Check = {
  id: 'cleartext-service',
  title: 'Service without encryption',
  severity: 'high',
  rationale:
    'What a service sends in clear, passwords included, can be read and changed by whoever is on the way. An entry that ' +
    'demands encryption is kept only if the service refuses to talk without it, which only asking it shows.',
  remediation:
    'Switch encryption on in the service and have it refuse clients without it, or bind it to loopback behind a proxy that encrypts.',
  lacking: ({ endpoints }) =>
    endpoints.some((facts) => answering(facts, (a) => a.encryption !== undefined).length > 0)
      ? null
      : 'no service was asked how it talks',
  endpoint(facts, estate) {
    const entry = facts.entries[0]?.entry;
    const draft =
      entry && demandsEncryption(entry) ? againstEntry(facts, entry, estate) : unspoken(facts, entry, estate);
    return draft ? [draft] : [];
  },
};

/** Services whose clients send passwords or data that matter, and which can be encrypted. */
const CARRIES_SECRETS = new Set(
  (
    'ftp telnet pop3 imap ldap rfb vnc mysql postgresql ms-sql-s oracle redis memcache mongodb elasticsearch cassandra-cql ' +
    'amqp mqtt kafka nats zookeeper etcd-client docker kube-apiserver ms-wbt-server socks'
  ).split(' '),
);

function demandsEncryption({ encryption }: RegisterEntry): boolean {
  return encryption !== null && encryption !== 'none';
}

type Answered = ListenerState & { readonly listener: { readonly answer: AnswerFacts } };

function answering(facts: EndpointFacts, is: (answer: AnswerFacts) => boolean): readonly Answered[] {
  return facts.listeners.filter((s): s is Answered => s.listener.answer !== undefined && is(s.listener.answer));
}

/** The entry demands encryption, and the service talks without. */
function againstEntry(facts: EndpointFacts, entry: RegisterEntry, { register }: EstateFacts): FindingDraft | null {
  const port = `Port ${describePort(facts.endpoint)}`;
  const demand = `${entry.id} demands encryption: ${entry.encryption}`;
  const clear = answering(facts, (a) => a.encryption === 'none');
  if (clear.length > 0)
    return {
      ...common(facts, clear),
      entry: entry.id,
      severity: 'high',
      message: `${port} answers in clear${serviceWords(clear)} on ${addresses(clear)} and offers no encryption; ${demand}.`,
      remediation:
        `Have the service refuse clients without encryption, then scan the port again. If it may talk in clear, write encryption: none ` +
        `at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
      at: entry.at,
    };
  const offered = answering(facts, (a) => a.encryption === 'starttls' && a.requiresTls !== true);
  if (offered.length === 0 || entry.encryption === 'ssh') return null;
  const isOptional = offered.some((s) => s.listener.answer.requiresTls === false);
  return {
    ...common(facts, offered),
    entry: entry.id,
    severity: isOptional ? 'low' : 'info',
    message: isOptional
      ? `${port} offers TLS${serviceWords(offered)} on ${addresses(offered)} and lets clients go on without it; ${demand}.`
      : `${port} offers TLS${serviceWords(offered)} on ${addresses(offered)}; whether it insists on it was not found out. ${demand}.`,
    remediation:
      'Have the service refuse clients that do not begin TLS (hostssl in pg_hba.conf, require_secure_transport of MySQL, smtpd_tls_security_level = encrypt of Postfix), then scan the port again.',
    at: entry.at,
  };
}

/** Nobody said whether it may talk in clear. What prohibited-service reports for that very reason is left to it. */
function unspoken(facts: EndpointFacts, entry: RegisterEntry | undefined, estate: EstateFacts): FindingDraft | null {
  if (entry?.encryption === 'none') return null;
  const clear = answering(facts, (a) => a.encryption === 'none').filter((s) => s.listener.bind !== 'loopback');
  const severity = worst(clear);
  // An unregistered web page is a finding of its own already.
  if (severity === null || (severity === 'low' && !entry)) return null;
  const { allow } = estate.register.policy;
  if (candidates(facts).some((c) => !allow.some((a) => a.service === c.id))) return null;
  const who = entry ? `${entry.id} does not say whether it may` : 'no register entry says that it may';
  return {
    ...common(facts, clear),
    severity,
    message: `Port ${describePort(facts.endpoint)} answers in clear${serviceWords(clear)} on ${addresses(clear)} and offers no encryption; ${who}.`,
    remediation: entry
      ? `Switch encryption on in the service and write encryption: tls at ${placeOf(entry)}; or, if it may talk in clear, encryption: none. Then ${approveStep(entry.id, estate.register.policy)}`
      : 'Switch encryption on in the service, then scan the port again. If it may talk in clear, write encryption: none into its entry, which this drafts: quietdoor register draft',
    ...(entry ? { entry: entry.id, at: entry.at } : {}),
  };
}

/** Medium where secrets pass, low for the web; nothing for services that have no encrypted form in use (DNS, RPC). */
function worst(clear: readonly Answered[]): Severity | null {
  const services = clear.map((s) => s.listener.answer.service ?? '');
  if (services.some((s) => CARRIES_SECRETS.has(s))) return 'medium';
  return services.includes('http') ? 'low' : null;
}

function common(facts: EndpointFacts, states: readonly Answered[]) {
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint } as const,
    evidence: states.map((s) => ({
      label: `answered ${vantageWords(s.vantage)}`,
      value: `${s.listener.address} at ${utcTime(s.lastSeen)}: ${answerText(s.listener.answer)}`,
    })),
  };
}

function answerText({ service, encryption, banner, by }: AnswerFacts): string {
  const what = `${service ?? 'an unknown service'}, ${encryption === 'starttls' ? 'TLS offered' : 'in clear'}`;
  return [what, ...(banner === undefined ? [] : [banner]), ...(by === undefined ? [] : [`probe ${by}`])].join('; ');
}

function serviceWords(states: readonly Answered[]): string {
  const services = [...new Set(states.flatMap((s) => s.listener.answer.service ?? []))].sort();
  return services.length === 0 ? '' : ` as ${listWords(services)}`;
}

function addresses(states: readonly Answered[]): string {
  return listWords([...new Set(states.map((s) => s.listener.address))].sort());
}
