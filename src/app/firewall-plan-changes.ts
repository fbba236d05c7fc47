import type { Connection } from '../collectors/linux/connections.ts';
import { LOOPBACK, outsideSources } from '../enforce/demand.ts';
import type { ApprovedAccess } from '../enforce/target.ts';
import { compareRulesets } from '../firewall/difference.ts';
import type { Evaluator } from '../firewall/evaluate.ts';
import { type Address, bindScopeOf, formatAddress } from '../model/address.ts';
import { type AddressSet, difference, has, intersection, isEmpty, toCidrs } from '../model/address-set.ts';
import type { AccessChange, Admission } from '../model/admission.ts';
import { HOST_SCOPE } from '../model/endpoint.ts';
import type { Ruleset } from '../model/ruleset.ts';
import type { PlannedBlock, PlannedChange, PlannedCut, PlannedOpening } from '../reports/firewall-plan.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { isOwnChain, type PlanTarget } from './firewall-plan-live.ts';
import type { Session, Sessions } from './firewall-plan-session.ts';

type Asked = 'tcp' | 'udp' | 'sctp';

/** Who gains and who loses access between two rulesets, by ranges of ports. Nobody from elsewhere has a loopback address. */
export function accessChanges(before: Ruleset, after: Ruleset): readonly AccessChange[] {
  return compareRulesets(before, after)
    .map((change) => ({
      ...change,
      gained: difference(change.gained, LOOPBACK),
      lost: difference(change.lost, LOOPBACK),
      undecided: difference(change.undecided, LOOPBACK),
    }))
    .filter(({ gained, lost, undecided }) => !isEmpty(gained) || !isEmpty(lost) || !isEmpty(undecided));
}

/**
 * Ports that somebody reaches although our own rules alone would not let them in: packets that are sent on to a container
 * or elsewhere never meet them.
 */
export function stillOpen(own: Ruleset, after: Ruleset): readonly PlannedOpening[] {
  return accessChanges(own, after)
    .filter(({ gained }) => !isEmpty(gained))
    .map(({ transport, ports, gained }) => ({ transport, ports: portText(ports), sources: toCidrs(gained) }));
}

function portText({ from, to }: AccessChange['ports']): string {
  return from === to ? String(from) : `${from}-${to}`;
}

function ask(
  evaluator: Evaluator,
  transport: Asked,
  port: number,
  local: Address | null = null,
  explain = false,
): Admission {
  return evaluator.admission({
    ...{ transport, port, addresses: local && [local], iif: null, scope: HOST_SCOPE, view: 'client', explain },
  });
}

/** `listening`: ports that something listens on here, for people to see which of the changes somebody may notice. */
export function plannedChange(
  { transport, ports, gained, lost, undecided }: AccessChange,
  listening: readonly number[],
): PlannedChange {
  return {
    listening: transport === 'tcp' ? listening.filter((port) => ports.from <= port && port <= ports.to) : [],
    transport,
    ports: portText(ports),
    gained: toCidrs(gained),
    lost: toCidrs(lost),
    undecided: toCidrs(undecided),
  };
}

/** Connections from elsewhere that stand and that rules would not let in anew. */
export function connectionsCut(after: Evaluator, connections: readonly Connection[]): readonly PlannedCut[] {
  const asked = new Map<string, Admission>();
  return connections.flatMap((c): PlannedCut[] => {
    if (isLoopback(c.peer)) return [];
    const local = formatAddress(c.local);
    const { admitted } = getOrMake(asked, `${local} ${c.localPort}`, () => ask(after, 'tcp', c.localPort, c.local));
    if (has(admitted.lower, c.peer)) return [];
    const certainty = has(admitted.upper, c.peer) ? 'may' : 'is';
    return [{ peer: formatAddress(c.peer), local, port: c.localPort, certainty }];
  });
}

/** Ports of one access that are asked about. */
const MOST_PORTS = 16;

/** Approved access that rules of other tools go on to refuse: our own rules cannot let in what they drop. */
export function blockedByOthers(
  after: Evaluator,
  access: readonly ApprovedAccess[],
  target: PlanTarget,
): readonly PlannedBlock[] {
  const blocked: PlannedBlock[] = [];
  for (const one of access)
    for (const { from: port } of one.ports.slice(0, MOST_PORTS)) {
      const { transport, entry } = one;
      if (transport === 'raw' || transport === 'udplite') continue;
      for (const local of one.addresses ?? [null]) {
        const { admitted, deciding } = ask(after, transport, port, local, true);
        const missing = ofFamilyOf(difference(outsideSources(one), admitted.upper), local);
        for (const part of deciding) {
          const sources = intersection(part.sources, missing);
          if (isEmpty(sources) || (part.verdict !== 'drop' && part.verdict !== 'reject')) continue;
          if (isOwnChain(part.rule.chain, target)) continue;
          blocked.push({
            ...{ entry, transport, port, sources: toCidrs(sources) },
            rule: `${part.rule.text} (${part.rule.chain})`,
            tool: part.rule.origin?.frontEnd ?? null,
          });
        }
      }
    }
  return blocked;
}

/** A local address of one family is reached from that family alone. */
function ofFamilyOf(set: AddressSet, local: Address | null): AddressSet {
  if (local === null) return set;
  return local.family === 'ipv4' ? { ipv4: set.ipv4, ipv6: [] } : { ipv4: [], ipv6: set.ipv6 };
}

/**
 * Says how our own rules, alone, would lock out whoever applies them, a sentence each. What other tools let in is no
 * matter here: it does not change.
 */
export function lockouts(own: Evaluator, { sessions, sshPorts }: Sessions): readonly string[] {
  const said = sessions.filter(({ peer }) => !isLoopback(peer)).flatMap((session) => lockoutOf(own, session) ?? []);
  const closed = sshPorts.filter((port) => isEmpty(ask(own, 'tcp', port).admitted.lower));
  return [
    ...said,
    ...closed.map(
      (port) =>
        `An SSH server listens on port ${port}, and no approved entry lets anybody in to it: nobody could log in any more.`,
    ),
  ];
}

function lockoutOf(own: Evaluator, { peer, local, port, kind, known }: Session): string | null {
  const { admitted } = ask(own, 'tcp', port, local);
  if (has(admitted.lower, peer)) return null;
  const from = formatAddress(peer);
  return kind === 'own'
    ? `You are logged in from ${from} to port ${port} (${known}), and no approved entry lets ${from} in to it.`
    : `A login from ${from} to port ${port} stands (${known}) and may be yours, and no approved entry lets ${from} in to it.`;
}

function isLoopback(address: Address): boolean {
  return bindScopeOf(formatAddress(address)) === 'loopback';
}
