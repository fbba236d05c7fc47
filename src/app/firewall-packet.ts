import { createEvaluator } from '../firewall/evaluate.ts';
import { type Address, formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import { HOST_SCOPE } from '../model/endpoint.ts';
import { UserError } from '../model/errors.ts';
import type { AddressFamily } from '../model/listener.ts';
import { renderTrace } from '../reports/firewall-trace.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { meantBy } from './endpoints-meant.ts';
import { doubtsOf } from './firewall-facts-host.ts';
import type { HostRuleset } from './firewall-facts-rulesets.ts';
import type { FirewallFiles } from './firewall-files.ts';
import { basisOf, type FirewallView, orThisMachine, rulesetOf } from './firewall-view.ts';
import type { EndpointQuery } from './parse-endpoint.ts';

/** One packet that a person asks about. */
export interface PacketRequest extends FirewallFiles {
  readonly from: string;
  readonly to: EndpointQuery;
  readonly iif?: string | undefined;
  readonly sourcePort: number;
}

export interface PacketResult {
  readonly text: string;
  readonly isOpen: boolean;
}

/** What becomes of one packet, rule by rule. Throws UserError where it cannot be sent. */
export async function testPacket(
  view: FirewallView,
  request: PacketRequest,
  format: string,
  options: RenderOptions,
): Promise<PacketResult> {
  const { to } = request;
  const transport = to.transport ?? 'tcp';
  if (transport === 'raw') throw new UserError('raw sockets have no port that packet filters could tell');
  const source = addressOf(request.from, '--from');
  const { identities, here } = view;
  const states = identities.listeners.filter((s) => s.listener.port === to.port);
  const [host, ...others] = meantBy(orThisMachine(view, to), identities, states, here).hosts;
  if (host === undefined || others.length > 0)
    throw new UserError(`--to: ${to.host} is the address of several hosts`, { hint: 'Name one of them.' });
  const known = await rulesetOf(view, host, request);
  const given = to.host === undefined ? null : parseAddress(to.host);
  const destination = given ? unmapAddress(given) : ownAddress(view, host, known, source.family);
  if (destination.family !== source.family)
    throw new UserError(`--from ${request.from} and --to ${to.host} are of different families`);
  const packet = {
    ...{ transport, source, sourcePort: request.sourcePort, destination, destinationPort: to.port },
    ...{ iif: request.iif ?? null, scope: to.scope ?? HOST_SCOPE },
  };
  const traced = createEvaluator(known.ruleset).trace(packet);
  const problems = doubtsOf(known);
  // what was not seen may drop anything
  const trace =
    problems.length > 0 ? { ...traced, verdict: 'undecided' as const, completes: 'undecided' as const } : traced;
  const takenAt = request.ruleset.length > 0 ? null : known.takenAt;
  const answer = { host, takenAt, basis: basisOf(known, request), source: known.source, packet, trace, problems };
  const isOpen = trace.verdict === 'undecided' || trace.completes === 'undecided';
  return { text: renderTrace(answer, format, options), isOpen };
}

function addressOf(text: string, option: string): Address {
  const address = parseAddress(text);
  if (address === null)
    throw new UserError(`${option}: "${text}" is no address`, {
      hint: 'Expected one such as 192.0.2.1 or 2001:db8::1.',
    });
  return unmapAddress(address);
}

/** An address of the host that a client would send to: the first beyond loopback. */
function ownAddress(
  { identities }: FirewallView,
  host: string,
  { ruleset }: HostRuleset,
  family: AddressFamily,
): Address {
  const interfaces = ruleset.network?.interfaces.filter((i) => !i.loopback) ?? [];
  const listed = interfaces.flatMap((i) => i.addresses.map((a) => a.address)).filter((a) => !isLinkLocal(a));
  const observed = identities.hosts
    .filter((state) => state.host.name === host)
    .flatMap((state) => state.host.addresses.flatMap((text) => parseAddress(text) ?? []));
  const found = [...listed, ...observed].find((address) => address.family === family);
  if (found === undefined)
    throw new UserError(`no ${family === 'ipv4' ? 'IPv4' : 'IPv6'} address of ${host} is known`, {
      hint: 'Give the address that the client sends to: --to 192.0.2.7:443 (or --ip-json with the output of "ip -j addr").',
    });
  return found;
}

function isLinkLocal(address: Address): boolean {
  return formatAddress(address).startsWith('fe80:');
}
