import { findAnomalies } from '../firewall/anomalies.ts';
import { compareRulesets } from '../firewall/difference.ts';
import type { Evaluator } from '../firewall/evaluate.ts';
import { readRuleset } from '../firewall/read.ts';
import { type AddressSet, ALL, ALL_IPV4, ALL_IPV6, EMPTY, intersection, isEmpty, union } from '../model/address-set.ts';
import type { AddressBounds, Admission, EndpointAdmission, HostFirewall, RuleReference } from '../model/admission.ts';
import { type Endpoint, HOST_SCOPE } from '../model/endpoint.ts';
import type { PortRange } from '../model/observation.ts';
import { intersectPorts, mergePorts } from '../model/port-ranges.ts';
import type { Ruleset } from '../model/ruleset.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { acceptingRules, isWithoutFilter, unnamedPort, usualRules } from './firewall-facts-ports.ts';
import type { HostRuleset } from './firewall-facts-rulesets.ts';

/** Ports asked about per host to find rules that no entry covers. */
const MOST_QUESTIONS = 200;
/** Ports of one rule that are asked about. */
const MOST_PER_RULE = 4;

/** What the register and the observation say of a host's ports. */
export interface HostPorts {
  /** Ports that an entry covers, in whatever scope, or that something listens on; by transport. */
  readonly taken: (transport: Endpoint['transport']) => readonly PortRange[];
  /** Endpoints of the host itself that listen beyond loopback. */
  readonly exposed: readonly { readonly endpoint: Endpoint; readonly admission: EndpointAdmission | undefined }[];
}

/** What checks judge of the filters of one host. */
export function hostFirewall(known: HostRuleset, evaluator: Evaluator, ports: HostPorts): HostFirewall {
  const { host, takenAt, source, ruleset } = known;
  const problems = [...doubtsOf(known)];
  const incomplete = problems.length > 0;
  const unnamed = unnamedAdmissions(known, evaluator);
  return {
    ...{ host, takenAt, source, statements: ruleset.statements, notes: ruleset.notes, problems },
    filters: isWithoutFilter(ruleset) ? (incomplete ? 'unknown' : 'none') : 'some',
    toUnnamedPorts: unnamed.reduce<AddressBounds>(
      (all, { admitted }) => ({
        lower: union(all.lower, admitted.lower),
        upper: union(all.upper, admitted.upper),
      }),
      { lower: EMPTY, upper: unnamed.length === 0 ? ALL : EMPTY },
    ),
    unnamed,
    withoutEntry: rulesWithoutEntry(known, evaluator, ports),
    exposed: ports.exposed.map((e) => e.endpoint),
    unlogged: ports.exposed.filter((e) => isUnlogged(e.admission)).map((e) => e.endpoint),
    // What could not be read may reach a rule that nothing else does.
    anomalies: incomplete ? [] : anomaliesOf(ruleset),
    drift: incomplete ? null : driftOf(known),
  };
}

/**
 * Without what every filter does: let in from loopback, and what belongs to known connections, before it refuses others. And
 * without what ufw, Docker and their like write on every host: nobody can delete it, and only a user's rule can be a mistake.
 */
function anomaliesOf(ruleset: Ruleset): HostFirewall['anomalies'] {
  const usual = new Set(usualRules(ruleset).map((rule) => rule.id));
  return findAnomalies(ruleset).filter(({ kind, rule: { origin }, coveredBy }) => {
    if (kind === 'shadowed') return true;
    if (origin !== null && origin.userRule === undefined) return false;
    return kind !== 'conflict' || coveredBy.some((rule) => !usual.has(rule.id));
  });
}

/** What a restart would change in who can connect; null: nothing is saved, or not all of it could be turned into rules. */
function driftOf({ ruleset, saved }: HostRuleset): HostFirewall['drift'] {
  if (saved === null || saved.files.length === 0 || saved.problems.length > 0) return null;
  const after = readRuleset(saved.files);
  if (after.files.some((file) => file.incomplete !== null)) return null;
  const running = { ...ruleset, layers: ruleset.layers.filter((layer) => layer.kind === 'linux') };
  return compareRulesets(running, { ...after, network: ruleset.network });
}

/** Why not every filter in front of the host is known, a sentence each. */
export function doubtsOf({ problems, ruleset, hasOwn, host }: HostRuleset): readonly string[] {
  const cut = ruleset.files.flatMap((f) =>
    f.incomplete === null ? [] : [`${f.name} was not read whole: ${f.incomplete}`],
  );
  return [...problems, ...cut, ...(hasOwn ? [] : [`the packet filters of ${host} itself were not read`])];
}

/** What is not known may drop anything: nothing is certain, and only what other filters refuse is ruled out. */
export function bounded(bounds: AddressBounds, known: HostRuleset): AddressBounds {
  const isWhole = known.problems.length === 0 && known.ruleset.files.every((f) => f.incomplete === null);
  if (!isWhole) return { lower: EMPTY, upper: ALL };
  return known.hasOwn ? bounds : { lower: EMPTY, upper: bounds.upper };
}

/** Limits an answer to the families that a listener serves, and to what is known of the filters. */
export function limited(admission: Admission, families: AddressSet, known: HostRuleset): Admission {
  const limit = (bounds: AddressBounds): AddressBounds => {
    const { lower, upper } = bounded(bounds, known);
    return { lower: intersection(lower, families), upper: intersection(upper, families) };
  };
  const some = <T extends { readonly sources: AddressSet }>(parts: readonly T[]): readonly T[] =>
    parts.flatMap((part) => {
      const sources = intersection(part.sources, families);
      return isEmpty(sources) ? [] : [{ ...part, sources }];
    });
  return {
    ...admission,
    admitted: limit(admission.admitted),
    completes: limit(admission.completes),
    deciding: some(admission.deciding),
    undecided: some(admission.undecided),
    witnesses: admission.witnesses.filter((w) =>
      w.source.family === 'ipv4' ? families.ipv4.length > 0 : families.ipv6.length > 0,
    ),
    layers: admission.layers.map((l) => ({ ...l, admitted: limit(l.admitted), completes: limit(l.completes) })),
    paths: admission.paths.map((p) => ({ ...p, admitted: limit(p.admitted) })),
    logged: intersection(admission.logged, families),
  };
}

function isUnlogged(known: EndpointAdmission | undefined): boolean {
  if (!known || (known.doubts ?? []).length > 0) return false;
  const { admitted, logged } = known.admission;
  return !isEmpty(admitted.upper) && isEmpty(intersection(admitted.upper, logged));
}

/** What becomes of connections to a port that no rule names, by transport. */
function unnamedAdmissions(known: HostRuleset, evaluator: Evaluator): NonNullable<HostFirewall['unnamed']> {
  const port = unnamedPort(known.ruleset);
  if (port === null) return [];
  return (['tcp', 'udp'] as const).map((transport) => {
    const { admitted, deciding } = evaluator.admission({
      ...{ transport, port, addresses: null, iif: null, scope: HOST_SCOPE, view: 'client', explain: true },
    });
    const accepts = deciding.filter((part) => part.verdict === 'accept');
    return { transport, port, admitted: bounded(admitted, known), rule: widest(accepts) };
  });
}

/** The rule that lets in most; families count before numbers, as one IPv6 block outnumbers all of IPv4. */
function widest(parts: Admission['deciding']): RuleReference | null {
  const share = ({ sources }: (typeof parts)[number]) =>
    part(sources, ALL_IPV4) + part(sources, ALL_IPV6) + (isEmpty(sources) ? 0 : Number.EPSILON);
  return parts.toSorted((a, b) => share(b) - share(a))[0]?.rule ?? null;
}

/** Share of a family's addresses that a set holds, 0 to 1. */
function part(sources: AddressSet, family: AddressSet): number {
  const held = intersection(sources, family);
  const total = (set: AddressSet) =>
    [...set.ipv4, ...set.ipv6].reduce<number>((sum, boundary, i) => sum + (i % 2 === 0 ? -1 : 1) * Number(boundary), 0);
  return total(held) / total(family);
}

/** Accepting rules for ports that nobody registered and nothing listens on, as far as they really let somebody in. */
function rulesWithoutEntry(
  known: HostRuleset,
  evaluator: Evaluator,
  { taken }: HostPorts,
): HostFirewall['withoutEntry'] {
  const found: HostFirewall['withoutEntry'][number][] = [];
  const asked = new Map<string, Admission>();
  const ask = (transport: 'tcp' | 'udp' | 'sctp', port: number) =>
    getOrMake(asked, `${transport} ${port}`, () =>
      evaluator.admission({
        ...{ transport, port, addresses: null, iif: null, scope: HOST_SCOPE, view: 'client', explain: true },
      }),
    );
  for (const { rule, transports, ports } of acceptingRules(known.ruleset))
    for (const transport of transports) {
      const free = without(ports, taken(transport));
      let sources = EMPTY;
      let reference: RuleReference | null = null;
      for (const range of free.slice(0, MOST_PER_RULE)) {
        if (asked.size >= MOST_QUESTIONS) break;
        const { deciding, admitted } = ask(transport, range.from);
        for (const decided of deciding)
          if (decided.rule.id === rule.id && decided.verdict === 'accept') {
            sources = union(sources, intersection(decided.sources, bounded(admitted, known).lower));
            reference ??= decided.rule;
          }
      }
      if (reference !== null && !isEmpty(sources)) found.push({ rule: reference, transport, ports: free, sources });
    }
  return found;
}

/** Ports that are not taken; both sorted and merged. */
function without(ports: readonly PortRange[], taken: readonly PortRange[]): readonly PortRange[] {
  const free: PortRange[] = [];
  let from = 0;
  for (const range of mergePorts(taken)) {
    if (range.from > from) free.push({ from, to: range.from - 1 });
    from = Math.max(from, range.to + 1);
  }
  if (from <= 65_535) free.push({ from, to: 65_535 });
  return intersectPorts(ports, free);
}
