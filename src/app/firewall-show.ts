import { createEvaluator, type Evaluator } from '../firewall/evaluate.ts';
import { type Address, formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import { ALL, EMPTY } from '../model/address-set.ts';
import type { Admission } from '../model/admission.ts';
import { type AdmissionStanding, compareAdmission } from '../model/admission-compare.ts';
import { buildFacts } from '../model/build-facts.ts';
import { describeSources } from '../model/describe-sources.ts';
import { type Endpoint, endpointKey, HOST_SCOPE, type Transport } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { EndpointFacts } from '../model/facts.ts';
import type { ListenerState } from '../model/state.ts';
import { preferInside } from '../model/vantage.ts';
import { type AdmissionAnswer, addressPort, renderAdmission } from '../reports/firewall-admission.ts';
import { hooksOf } from '../reports/firewall-hooks.ts';
import { admissionJson, filesJson, setJson } from '../reports/firewall-json.ts';
import { standingWord, standingWords, unapprovedWords } from '../reports/firewall-standing.ts';
import { printableJson } from '../reports/printable.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { isoTime } from '../reports/time.ts';
import { listWords } from '../util/words.ts';
import { endpointsMeant, meantBy } from './endpoints-meant.ts';
import { isUndecided } from './firewall-admitted.ts';
import { admissionTo } from './firewall-facts.ts';
import { doubtsOf, limited } from './firewall-facts-host.ts';
import { isWithoutFilter } from './firewall-facts-ports.ts';
import type { HostRuleset } from './firewall-facts-rulesets.ts';
import type { FirewallFiles } from './firewall-files.ts';
import { basisOf, type FirewallView, orThisMachine, rulesetOf } from './firewall-view.ts';
import type { EndpointQuery } from './parse-endpoint.ts';

export interface ShowRequest extends FirewallFiles {
  readonly query: EndpointQuery;
  readonly iif?: string | undefined;
}

export interface ShowResult {
  readonly text: string;
  readonly isOpen: boolean;
}

/** One answer with what it is compared to. */
interface Shown {
  readonly endpoint: Endpoint;
  /** Address that was asked about; null: what the port is bound to. */
  readonly address: string | null;
  readonly known: HostRuleset;
  readonly admission: Admission;
  readonly facts: EndpointFacts;
  readonly standing: AdmissionStanding;
  readonly observed: string | null;
}

/** Who can connect to a port of a host, by which way and which rules. Throws UserError where nothing is known of it. */
export async function showFirewall(
  view: FirewallView,
  request: ShowRequest,
  format: string,
  options: RenderOptions,
): Promise<ShowResult> {
  const query = orThisMachine(view, request.query);
  const states = view.identities.listeners.filter((s) => s.listener.port === query.port);
  const meant = meantBy(query, view.identities, states, view.here);
  const endpoints = endpointsMeant(query, meant, states, view.identities.hosts);
  const asked = new Map<string, AskedHost>();
  for (const { host } of endpoints) if (!asked.has(host)) asked.set(host, await askHost(view, request, host));
  const shown = endpoints.map((endpoint) => showOne(view, request, endpoint, asked.get(endpoint.host) as AskedHost));
  const isOpen = shown.some(({ admission, known }) => isUndecided(admission) || doubtsOf(known).length > 0);
  if (format !== 'json')
    return {
      text: shown.map((s) => renderAdmission(answerOf(view, s, basisOf(s.known, request)), options)).join('\n'),
      isOpen,
    };
  const [only, ...more] = shown.map((s) => shownJson(view, request.ruleset.length > 0, s));
  const json = more.length === 0 ? { schemaVersion: 1, ...only } : { schemaVersion: 1, matches: [only, ...more] };
  return { text: `${printableJson(json, 2)}\n`, isOpen };
}

/** Filters in front of a host, ready to be asked. */
interface AskedHost {
  readonly known: HostRuleset;
  readonly evaluator: Evaluator;
}

async function askHost(view: FirewallView, files: FirewallFiles, host: string): Promise<AskedHost> {
  const known = await rulesetOf(view, host, files);
  return { known, evaluator: createEvaluator(known.ruleset) };
}

function showOne(view: FirewallView, request: ShowRequest, endpoint: Endpoint, { known, evaluator }: AskedHost): Shown {
  const { identities, register, now } = view;
  if (endpoint.transport === 'raw') throw new UserError('raw sockets have no port that packet filters could tell');
  const ofEndpoint = identities.listeners.filter((s) => endpointKey(s.listener) === endpointKey(endpoint));
  const open = ofEndpoint.filter((s) => s.open);
  const address = addressAsked(request.query, endpoint);
  const admission = admissionOf(request, address, endpoint, open, { known, evaluator });
  const facts = buildFacts({
    ...{ now, register, approvals: new Map(), also: [endpoint], listeners: ofEndpoint },
    ...{ hosts: identities.hosts.filter((s) => s.host.name === endpoint.host), known: identities.known },
    admissionOf: () =>
      admission.assumptions === ELSEWHERE.assumptions
        ? undefined
        : { admission, takenAt: known.takenAt, source: known.source, scope: endpoint.scope },
  }).endpoints[0] as EndpointFacts;
  const standing = compareAdmission(facts, { now, register });
  const observed = observedWords(view, endpoint, open);
  return { endpoint, address: address && formatAddress(address), known, admission, facts, standing, observed };
}

function admissionOf(
  { iif }: ShowRequest,
  address: Address | null,
  { transport, port, scope, host }: Endpoint,
  open: readonly ListenerState[],
  { known, evaluator }: AskedHost,
): Admission {
  if (address === null && iif === undefined) {
    if (isInside(open)) return NOBODY;
    const found = admissionTo({ transport, port, scope, host }, open, known, evaluator);
    if (found) return found.admission;
    // The host's addresses are not those of a container.
    if (scope !== HOST_SCOPE) return ELSEWHERE;
  }
  const addresses = address === null ? null : [unmapAddress(address)];
  const view = address === null ? 'socket' : 'client';
  const asked = { transport: transport as Exclude<Transport, 'raw'>, port, scope, iif: iif ?? null };
  return limited(evaluator.admission({ ...asked, addresses, view, explain: true }), ALL, known);
}

/** The address that the person wrote in the place of the host, where it stands for itself. */
function addressAsked({ host }: EndpointQuery, { scope }: Endpoint) {
  return host === undefined || scope !== HOST_SCOPE ? null : parseAddress(host);
}

/** Open on loopback alone: no other machine reaches it, whatever the filters say. */
function isInside(open: readonly ListenerState[]): boolean {
  return open.length > 0 && preferInside(open).every((state) => state.listener.bind === 'loopback');
}

const NOBODY: Admission = {
  admitted: { lower: EMPTY, upper: EMPTY },
  completes: { lower: EMPTY, upper: EMPTY },
  ...{ deciding: [], undecided: [], witnesses: [], layers: [], paths: [] },
  logged: EMPTY,
  assumptions: ['it listens on loopback alone, as observed'],
};

/** Packets to it pass filters, and which is not known. */
const ELSEWHERE: Admission = {
  ...NOBODY,
  admitted: { lower: EMPTY, upper: ALL },
  completes: { lower: EMPTY, upper: ALL },
  assumptions: [
    'which address it has is not known: ask for the port that it is published on, as HOST:PORT or ADDRESS:PORT',
  ],
};

/** Where it listens; null where nothing is known of the host's sockets. */
function observedWords(
  { identities }: FirewallView,
  { host }: Endpoint,
  open: readonly ListenerState[],
): string | null {
  if (open.length === 0)
    return identities.hosts.some((state) => state.host.name === host) ? 'nothing listens there' : null;
  const places = [...new Set(preferInside(open).map((state) => state.listener.address))];
  return isInside(open)
    ? `listens on loopback alone (${listWords(places)}): only the host itself reaches it`
    : `listens on ${listWords(places)}`;
}

function answerOf(view: FirewallView, shown: Shown, basis: string): AdmissionAnswer {
  const { endpoint, address, known, admission, facts, standing, observed } = shown;
  const { zones } = view.register;
  const title =
    address === null ? endpointKey(endpoint) : `${addressPort(address, endpoint.port)}/${endpoint.transport}`;
  const approved = standingWords(
    standing,
    { hasRegister: view.hasWorkspace, mayBeInBrokenPart: facts.mayBeInBrokenPart },
    (set) => describeSources(set, zones, 8),
  );
  const why = 'entry' in standing ? unapprovedWords(standing.entry, view.now) : null;
  return {
    title,
    basis,
    before: [
      ...(observed === null ? [] : [['OBSERVED', 'cyan', observed] as const]),
      ...(approved === null ? [] : [['APPROVED', 'blue', why === null ? approved : `${why}: ${approved}`] as const]),
    ],
    admission,
    ruleset: known.ruleset,
    problems: doubtsOf(known),
    hooks: hooksOf(known.ruleset, admission),
    zones,
  };
}

function shownJson(
  view: FirewallView,
  isFromFiles: boolean,
  { endpoint, address, known, admission, facts, standing }: Shown,
) {
  const compared = standing.kind === 'compared' ? standing : null;
  return {
    endpoint: { ...endpoint, address },
    takenAt: isFromFiles ? null : isoTime(known.takenAt),
    source: known.source,
    ...(view.hasWorkspace && {
      verdict: standingWord(standing, admission, {
        ...{ isOpen: isWithoutFilter(known.ruleset), hasRegister: true },
        mayBeInBrokenPart: facts.mayBeInBrokenPart,
      }),
      entry: 'entry' in standing ? standing.entry.id : null,
      notApproved: 'entry' in standing ? unapprovedWords(standing.entry, view.now) : null,
      approved: compared && setJson(compared.approved),
      tooMany: compared && setJson(compared.tooMany),
      blocked: compared && setJson(compared.blocked),
    }),
    ...admissionJson(admission),
    hooks: hooksOf(known.ruleset, admission),
    problems: doubtsOf(known),
    ...filesJson(known.ruleset),
    assumptions: admission.assumptions,
  };
}
