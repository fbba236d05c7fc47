import { answerWords } from '../model/answer-words.ts';
import { isProvenNow } from '../model/approved.ts';
import { describeAddresses, describePort, describeProcess, widestBind } from '../model/describe.ts';
import { endpointKey, type Transport } from '../model/endpoint.ts';
import type { EndpointFacts, EstateFacts } from '../model/facts.ts';
import { type FindingDraft, SEVERITIES, type Severity } from '../model/finding.ts';
import { inRanges } from '../model/observation.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { Policy } from '../model/register.ts';
import { isSeenInside, preferInside } from '../model/vantage.ts';
import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';
import { candidates, type ProhibitedService, type Proof, proofOf } from './prohibited-list.ts';
import { approveStep, placeOf, yamlValue } from './remedy.ts';

export const prohibitedService: Check = {
  id: 'prohibited-service',
  title: 'Prohibited service',
  severity: 'high',
  rationale:
    'Some services give away passwords, files or the host to whoever reaches them, and safer ones do the same work. ' +
    'They are prohibited by a built-in list and by the policy of the workspace (CM-7 b asks for such a list).',
  remediation:
    'Protect the service as it can be (a password, loopback), or replace it by the safer one named. If it must stay, accept the finding for that port as an exception; policy.allow takes the service off the list for every host.',
  endpoint(facts, estate) {
    const { policy } = estate.register;
    const byPolicy = prohibitedByPolicy(facts, policy);
    if (byPolicy) return [byPolicy];
    for (const service of candidates(facts)) {
      if (policy.allow.some((a) => a.service === service.id)) continue;
      if (service.unless.includes('loopback') && widestBind(facts) === 'loopback') continue;
      return [draftOf(service, facts, estate)];
    }
    return [];
  },
};

function draftOf(service: ProhibitedService, facts: EndpointFacts, { now, register }: EstateFacts): FindingDraft {
  const proof = proofOf(service, facts);
  const who = holderOf(facts);
  const where = `port ${describePort(facts.endpoint)} on ${describeAddresses(facts)}`;
  const entry = facts.entries[0]?.entry;
  const declared = declaredProtection(service, facts, now);
  if (declared?.isProven)
    return {
      subject: { kind: 'endpoint', endpoint: facts.endpoint },
      // Accepting what is protected by declaration does not accept what is not.
      discriminator: `${service.id} declared`,
      severity: 'info',
      message: `${service.title} would be prohibited on ${where}. ${declared.text}`,
      evidence: [
        { label: 'service', value: service.id },
        { label: 'process', value: who },
      ],
      remediation: 'Try to use it without credentials or in the clear, and see that it refuses.',
    };
  const usual = `P${where.slice(1)} is the usual place of ${service.title}`;
  const sentence: Readonly<Record<Proof, string>> = {
    process: `${who} offers ${service.title} on ${where}. ${service.reason}`,
    answer: `${capital(who)} answers on ${where}: ${service.title}. ${service.reason}`,
    entry: `${entry?.id} registers ${where} as ${entry?.service}, held by ${who}: ${service.title}. ${service.reason}`,
    port: `${usual}; the port alone says so, no process confirms it. ${service.reason}`,
    contradicted: `${usual}, but ${who} holds it, which is not known to offer that.`,
  };
  const knownBy: Readonly<Record<Proof, string>> = {
    process: `process ${who}`,
    answer: 'what it answered when it was asked',
    entry: `service: ${entry?.service} of ${entry?.id}`,
    port: 'port number alone',
    contradicted: 'port number alone',
  };
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    discriminator: service.id,
    severity: severityOf(service, proof, facts),
    message: declared ? `${sentence[proof]} ${declared.text}` : sentence[proof],
    evidence: [
      { label: 'service', value: service.id },
      { label: 'known by', value: knownBy[proof] },
      { label: 'process', value: who },
      { label: 'reason', value: service.reason },
      ...(service.unless.length === 0
        ? []
        : [{ label: 'acceptable with', value: listWords(service.unless.map(unlessText)) }]),
    ],
    remediation: remedyOf(service, facts, register.policy),
  };
}

/** Who listens; where nobody looked from inside, what it said of itself. */
function holderOf(facts: EndpointFacts): string {
  const seen = preferInside(facts.listeners);
  const [first] = seen;
  if (!first) return 'nothing';
  const said = facts.listeners.flatMap(({ listener: { answer } }) => (answer ? [answerWords(answer)] : []));
  const [words] = said.filter((text) => text !== '');
  return isSeenInside(seen) || words === undefined ? describeProcess(first.listener) : `a service (${words})`;
}

/** The best way first: protect it where that can be, else replace it; then the exception for this port, then for all. */
function remedyOf(service: ProhibitedService, facts: EndpointFacts, policy: Policy): string {
  const entry = facts.entries[0]?.entry;
  const register = (setting: string) =>
    entry
      ? `write ${setting} into ${entry.id} (${placeOf(entry)}) and ${approveStep(entry.id, policy)}`
      : `write ${setting} into its entry, which this drafts: quietdoor register draft`;
  const ways = [
    ...(service.unless.includes('auth') ? [`set a password in the service, ${register('auth: password')}`] : []),
    ...(service.unless.includes('encryption') ? [`switch encryption on, ${register('encryption: tls')}`] : []),
    ...(service.unless.includes('loopback') ? ['bind it to loopback'] : []),
    ...(service.instead === undefined ? [] : [`replace it by ${service.instead}`]),
  ];
  const subject = yamlValue(endpointKey(facts.endpoint));
  return (
    `${capital((ways.length === 0 ? ['stop it'] : ways).join('. Or '))}. ` +
    `If it must stay as it is, accept it for this port alone in exceptions.yaml (rule: prohibited-service, subject: ${subject}). ` +
    `Adding ${service.id} to policy.allow in quietdoor.yaml allows it on every host.`
  );
}

interface DeclaredProtection {
  readonly isProven: boolean;
  readonly text: string;
}

/**
 * What the entry says of authentication or encryption that would make the service acceptable. Proven by an approval only
 * where it did not answer otherwise when somebody asked.
 */
function declaredProtection(
  service: ProhibitedService,
  facts: EndpointFacts,
  now: number,
): DeclaredProtection | undefined {
  const decides = facts.entries[0];
  if (!decides) return undefined;
  const { id, auth, encryption } = decides.entry;
  const named = (value: string | null) => value !== null && value !== 'none';
  const answers = facts.listeners.flatMap(({ listener }) => listener.answer ?? []);
  const says =
    service.unless.includes('auth') && named(auth)
      ? { setting: `auth: ${auth}`, what: 'authentication', belied: answers.some((a) => a.unauthenticated === true) }
      : service.unless.includes('encryption') && named(encryption)
        ? {
            setting: `encryption: ${encryption}`,
            what: 'encryption',
            belied: answers.some((a) => a.encryption === 'none'),
          }
        : undefined;
  if (!says) return undefined;
  if (says.belied)
    return { isProven: false, text: `${id} says "${says.setting}", and it answered without ${says.what}.` };
  const isProven = isProvenNow(decides, now);
  const but = isProven ? '' : `, and no proven approval in force stands behind ${id}`;
  return { isProven, text: `${id} says "${says.setting}"; ${says.what} is declared, not observed${but}.` };
}

/**
 * Full severity where the process or the entry confirms it, one step lower on the port alone (or where the entry alone
 * says so of a port on loopback), a remark where another program is seen.
 */
function severityOf(service: ProhibitedService, proof: Proof, facts: EndpointFacts): Severity {
  const full = SEVERITIES.indexOf(service.severity as Severity);
  if (proof === 'contradicted') return 'info';
  const isConfirmed =
    proof === 'process' || proof === 'answer' || (proof === 'entry' && widestBind(facts) !== 'loopback');
  return SEVERITIES[isConfirmed ? full : full - 1] ?? 'low';
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function unlessText(condition: string): string {
  return condition === 'loopback' ? 'binding to loopback' : `${condition} named in an entry with a proven approval`;
}

function prohibitedByPolicy(facts: EndpointFacts, policy: Policy): FindingDraft | undefined {
  const { port, transport }: { port: number; transport: Transport } = facts.endpoint;
  const rule = policy.prohibited.find((p) => p.transport === transport && inRanges(p.ports, port));
  if (!rule || facts.listeners.length === 0) return undefined;
  const what = `${formatPorts(rule.ports)}/${transport}`;
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    discriminator: `policy ${what}`,
    message: `${holderOf(facts)} listens on port ${describePort(facts.endpoint)}, which the policy of this workspace prohibits: ${rule.reason}`,
    evidence: [
      { label: 'policy.prohibited', value: what },
      { label: 'known by', value: 'port number alone' },
      { label: 'listens on', value: describeAddresses(facts) },
    ],
    remediation:
      'Stop the service or move it, then look again: quietdoor scan. If it must stay, accept it for this port alone in exceptions.yaml ' +
      `(rule: prohibited-service, subject: ${yamlValue(endpointKey(facts.endpoint))}).`,
  };
}
