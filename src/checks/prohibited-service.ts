import { isProvenNow } from '../model/approved.ts';
import { describeAddresses, describePort, describeProcess, widestBind } from '../model/describe.ts';
import type { Transport } from '../model/endpoint.ts';
import type { EndpointFacts, MatchedEntry } from '../model/facts.ts';
import { type FindingDraft, SEVERITIES, type Severity } from '../model/finding.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { inRanges } from '../model/observation.ts';
import { formatPorts, parsePorts } from '../model/port-ranges.ts';
import { holdersOf, someHolder } from '../model/process-match.ts';
import type { Policy } from '../model/register.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';
import list from './prohibited-services.json' with { type: 'json' };

/** A service of the built-in list. */
interface ProhibitedService {
  /** What `policy.allow` names to take it off the list. */
  readonly id: string;
  readonly title: string;
  readonly transport: string;
  readonly ports: string;
  /** Programs that confirm it. */
  readonly processes: readonly string[];
  /** Severity where a process confirms it. */
  readonly severity: string;
  readonly reason: string;
  /** What makes it acceptable: bound to loopback, or registered, with a proven approval, with authentication or encryption. */
  readonly unless: readonly string[];
  /** Its programs speak nothing else, so they are recognised on any port. */
  readonly anyPort?: boolean;
}

/** Programs that stand in front of others: they neither confirm a service nor speak against it. */
const FRONTS = new Set(['docker-proxy', 'rootlessport', 'inetd', 'xinetd', 'systemd', 'busybox', 'socat']);

type Proof = 'process' | 'port' | 'contradicted';

export const prohibitedService: Check = {
  id: 'prohibited-service',
  title: 'Prohibited service',
  severity: 'high',
  rationale:
    'Some services give away passwords, files or the host to whoever reaches them, and safer ones do the same work. ' +
    'They are prohibited by a built-in list and by the policy of the workspace (CM-7 b asks for such a list).',
  remediation:
    'Replace the service by the safer one named. If it must stay, take it off the list under policy.allow with a reason, or accept the finding as an exception.',
  endpoint(facts, estate) {
    const { policy } = estate.register;
    const byPolicy = prohibitedByPolicy(facts, policy);
    if (byPolicy) return [byPolicy];
    for (const service of candidates(facts)) {
      if (policy.allow.some((a) => a.service === service.id)) continue;
      if (service.unless.includes('loopback') && widestBind(facts) === 'loopback') continue;
      return [draftOf(service, facts, estate.now)];
    }
    return [];
  },
};

/** Services by transport, then by port, or by program where one is recognised on any port. */
const BY_PORT = new Map<string, Map<number, ProhibitedService[]>>();
const BY_PROGRAM = new Map<string, Map<string, ProhibitedService[]>>();
for (const service of list as readonly ProhibitedService[]) {
  const byPort = getOrMake(BY_PORT, service.transport, () => new Map());
  for (const { from, to } of parsePorts(service.ports).ranges)
    for (let port = from; port <= to; port++) getOrMake(byPort, port, () => []).push(service);
  const byProgram = getOrMake(BY_PROGRAM, service.transport, () => new Map());
  if (service.anyPort) for (const program of service.processes) getOrMake(byProgram, program, () => []).push(service);
}

const NONE: readonly ProhibitedService[] = [];

function candidates(facts: EndpointFacts): readonly ProhibitedService[] {
  const { port, transport } = facts.endpoint;
  const byPort = BY_PORT.get(transport)?.get(port);
  if (byPort) return byPort;
  const byProgram = BY_PROGRAM.get(transport);
  const isKnown = (name: string | undefined) => name !== undefined && byProgram?.has(name) === true;
  if (!facts.listeners.some(({ listener }) => someHolder(listener, (p) => isKnown(p.name) || isKnown(programOf(p)))))
    return NONE;
  return programNames(facts).flatMap((name) => byProgram?.get(name) ?? []);
}

function draftOf(service: ProhibitedService, facts: EndpointFacts, now: number): FindingDraft {
  const proof = proofOf(service, facts);
  const first = facts.listeners[0]?.listener;
  const who = first ? describeProcess(first) : 'nothing';
  const where = `port ${describePort(facts.endpoint)} on ${describeAddresses(facts)}`;
  const usual = `P${where.slice(1)} is the usual place of ${service.title}`;
  const sentence: Readonly<Record<Proof, string>> = {
    process: `${who} offers ${service.title} on ${where}. ${service.reason}`,
    port: `${usual}; the port alone says so, no process confirms it. ${service.reason}`,
    contradicted: `${usual}, but ${who} holds it, which is not known to offer that.`,
  };
  const declared = declaredProtection(service, facts.entries[0], now);
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
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    discriminator: service.id,
    severity: severityOf(service, proof),
    message: declared ? `${sentence[proof]} ${declared.text}` : sentence[proof],
    evidence: [
      { label: 'service', value: service.id },
      { label: 'known by', value: proof === 'process' ? `process ${who}` : 'port number alone' },
      { label: 'process', value: who },
      { label: 'reason', value: service.reason },
      ...(service.unless.length === 0
        ? []
        : [{ label: 'acceptable with', value: listWords(service.unless.map(unlessText)) }]),
    ],
    remediation:
      `${service.unless.includes('loopback') ? 'Bind it to loopback, or replace' : 'Replace'} it as said above. ` +
      `If it must stay, add ${service.id} under policy.allow in quietdoor.yaml with the reason, then: quietdoor check`,
  };
}

interface DeclaredProtection {
  readonly isProven: boolean;
  readonly text: string;
}

/** What the entry says of authentication or encryption that would make the service acceptable. Nobody has tried it. */
function declaredProtection(
  service: ProhibitedService,
  decides: MatchedEntry | undefined,
  now: number,
): DeclaredProtection | undefined {
  if (!decides) return undefined;
  const { id, auth, encryption } = decides.entry;
  const named = (value: string | null) => value !== null && value !== 'none';
  const says =
    service.unless.includes('auth') && named(auth)
      ? { setting: `auth: ${auth}`, what: 'authentication' }
      : service.unless.includes('encryption') && named(encryption)
        ? { setting: `encryption: ${encryption}`, what: 'encryption' }
        : undefined;
  if (!says) return undefined;
  const isProven = isProvenNow(decides, now);
  const but = isProven ? '' : `, and no proven approval in force stands behind ${id}`;
  return { isProven, text: `${id} says "${says.setting}"; ${says.what} is declared, not observed${but}.` };
}

/** Full severity where a process confirms, one step lower on the port alone, a remark where another program is seen. */
function severityOf(service: ProhibitedService, proof: Proof): Severity {
  const full = SEVERITIES.indexOf(service.severity as Severity);
  if (proof === 'contradicted') return 'info';
  return SEVERITIES[proof === 'process' ? full : full - 1] ?? 'low';
}

function proofOf(service: ProhibitedService, facts: EndpointFacts): Proof {
  const names = programNames(facts);
  if (names.some((name) => service.processes.includes(name) && !FRONTS.has(name))) return 'process';
  return names.length === 0 || names.some((name) => FRONTS.has(name)) ? 'port' : 'contradicted';
}

function programNames(facts: EndpointFacts): readonly string[] {
  return facts.listeners.flatMap(({ listener }) => holdersOf(listener).flatMap(namesOf));
}

function namesOf(process: ProcessFacts): string[] {
  return [programOf(process), process.name].filter((name) => name !== undefined);
}

/** File name of the executable. */
function programOf({ exe }: ProcessFacts): string | undefined {
  return exe?.slice(exe.lastIndexOf('/') + 1);
}

function unlessText(condition: string): string {
  return condition === 'loopback' ? 'binding to loopback' : `${condition} named in an entry with a proven approval`;
}

function prohibitedByPolicy(facts: EndpointFacts, policy: Policy): FindingDraft | undefined {
  const { port, transport }: { port: number; transport: Transport } = facts.endpoint;
  const rule = policy.prohibited.find((p) => p.transport === transport && inRanges(p.ports, port));
  const first = facts.listeners[0]?.listener;
  if (!rule || !first) return undefined;
  const what = `${formatPorts(rule.ports)}/${transport}`;
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    discriminator: `policy ${what}`,
    message: `${describeProcess(first)} listens on port ${describePort(facts.endpoint)}, which the policy of this workspace prohibits: ${rule.reason}`,
    evidence: [
      { label: 'policy.prohibited', value: what },
      { label: 'known by', value: 'port number alone' },
      { label: 'listens on', value: describeAddresses(facts) },
    ],
    remediation:
      'Stop the service or move it, then: quietdoor scan   If it must stay, accept it in exceptions.yaml with a reason and an expiry',
  };
}
