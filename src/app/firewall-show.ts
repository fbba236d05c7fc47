import { createEvaluator } from '../firewall/evaluate.ts';
import { formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import { ALL } from '../model/address-set.ts';
import type { Admission } from '../model/admission.ts';
import { type AdmissionStanding, compareAdmission } from '../model/admission-compare.ts';
import { buildFacts } from '../model/build-facts.ts';
import { describeSources } from '../model/describe-sources.ts';
import { type Endpoint, endpointKey, HOST_SCOPE } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { EndpointFacts } from '../model/facts.ts';
import { type AdmissionAnswer, addressPort, renderAdmission } from '../reports/firewall-admission.ts';
import { hooksOf } from '../reports/firewall-hooks.ts';
import { admissionJson, filesJson, setJson } from '../reports/firewall-json.ts';
import { standingWord, standingWords } from '../reports/firewall-standing.ts';
import { printableJson } from '../reports/printable.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { isoTime } from '../reports/time.ts';
import { endpointsMeant, meantBy } from './endpoints-meant.ts';
import { isUndecided } from './firewall-admitted.ts';
import { admissionTo } from './firewall-facts.ts';
import { doubtsOf, limited } from './firewall-facts-host.ts';
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
  const shown: Shown[] = [];
  for (const endpoint of endpoints) shown.push(await showOne(view, request, endpoint));
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

async function showOne(view: FirewallView, request: ShowRequest, endpoint: Endpoint): Promise<Shown> {
  const { identities, register, now } = view;
  const known = await rulesetOf(view, endpoint.host, request);
  const evaluator = createEvaluator(known.ruleset);
  const ofEndpoint = identities.listeners.filter((s) => endpointKey(s.listener) === endpointKey(endpoint));
  const open = ofEndpoint.filter((s) => s.open);
  const address = addressAsked(request.query, endpoint);
  const found =
    address === null && request.iif === undefined ? admissionTo(endpoint, open, known, evaluator) : undefined;
  if (endpoint.transport === 'raw') throw new UserError('raw sockets have no port that packet filters could tell');
  // Asked by address: what a client sees who sends there, wherever it ends.
  const admission =
    found?.admission ??
    limitedTo(
      evaluator.admission({
        ...{ transport: endpoint.transport, port: endpoint.port, scope: endpoint.scope, iif: request.iif ?? null },
        ...{ addresses: address === null ? null : [unmapAddress(address)], explain: true },
        view: address === null ? 'socket' : 'client',
      }),
      known,
    );
  const facts = buildFacts({
    ...{ now, register, approvals: new Map(), also: [endpoint], listeners: ofEndpoint },
    ...{ hosts: identities.hosts.filter((s) => s.host.name === endpoint.host), known: identities.known },
    admissionOf: () => ({ admission, takenAt: known.takenAt, source: known.source, scope: endpoint.scope }),
  }).endpoints[0] as EndpointFacts;
  const standing = compareAdmission(facts, { now, register });
  return { endpoint, address: address && formatAddress(address), known, admission, facts, standing };
}

/** The address that the person wrote in the place of the host, where it stands for itself. */
function addressAsked({ host }: EndpointQuery, { scope }: Endpoint) {
  const address = host === undefined || scope !== HOST_SCOPE ? null : parseAddress(host);
  return address;
}

function limitedTo(admission: Admission, known: HostRuleset): Admission {
  return limited(admission, ALL, known);
}

function answerOf(view: FirewallView, shown: Shown, basis: string): AdmissionAnswer {
  const { endpoint, address, known, admission, standing } = shown;
  const { zones } = view.register;
  const title =
    address === null ? endpointKey(endpoint) : `${addressPort(address, endpoint.port)}/${endpoint.transport}`;
  const approved = standingWords(standing, view.hasWorkspace, (set) => describeSources(set, zones, 8));
  return {
    title,
    basis,
    before: approved === null ? [] : [['APPROVED', 'blue', approved]],
    admission,
    ruleset: known.ruleset,
    problems: doubtsOf(known),
    hooks: hooksOf(known.ruleset, admission),
    zones,
  };
}

function shownJson(view: FirewallView, isFromFiles: boolean, { endpoint, address, known, admission, standing }: Shown) {
  const compared = standing.kind === 'compared' ? standing : null;
  return {
    endpoint: { ...endpoint, address },
    takenAt: isFromFiles ? null : isoTime(known.takenAt),
    source: known.source,
    ...(view.hasWorkspace && {
      verdict: standingWord(standing, admission, false),
      entry: 'entry' in standing ? standing.entry.id : null,
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
