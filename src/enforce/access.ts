import { type Address, bindScopeOf, PRIVATE_BLOCKS, parseAddress, unmapAddress } from '../model/address.ts';
import type { AddressSet } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import { readSources } from '../model/approved-sources.ts';
import { buildFacts, type FactsInput } from '../model/build-facts.ts';
import { type Endpoint, HOST_SCOPE, type Scope } from '../model/endpoint.ts';
import type { MatchedEntry } from '../model/facts.ts';
import type { MatchHost } from '../model/host-selector.ts';
import { BIND_SCOPES } from '../model/listener.ts';
import { selectsHost } from '../model/match.ts';
import type { PortRange } from '../model/observation.ts';
import { mergePorts } from '../model/port-ranges.ts';
import type { RegisterEntry } from '../model/register.ts';
import { compareBy } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { isOfHost } from './demand.ts';
import type { ApprovedAccess } from './target.ts';

/** The register and what is known of a host: as for checks. */
export interface AccessInput extends Pick<FactsInput, 'now' | 'register' | 'approvals' | 'hosts'> {
  /** With all its names, addresses and tags (`Identities.known`). */
  readonly host: MatchHost;
  /** `claimed`: approvals that are only written down count too. */
  readonly include: 'proven' | 'claimed';
}

/** What the register allows on one host. */
export interface AccessPlan {
  /** Sorted by entry, transport, port. */
  readonly access: readonly ApprovedAccess[];
  /** Entries that rules are not made of, so that their ports stay closed, and why. Sorted by entry. */
  readonly leftOut: ReadonlyArray<{ readonly entry: string; readonly scope: Scope; readonly reason: string }>;
  /** What is approved and cannot be turned into rules, a sentence each: then no rules may be made. */
  readonly cannot: readonly string[];
  /** Entries that count although their approval is only claimed. */
  readonly claimed: readonly string[];
}

const PRIVATE: AddressSet = fromCidrs(PRIVATE_BLOCKS);

/**
 * Works out who may connect to what on a host. Where several entries cover a port, the one that decides (match.ts) says
 * who may connect, alone: if it is not approved, the port is closed, and not left to a wider entry behind it.
 */
export function approvedAccess(input: AccessInput): AccessPlan {
  const { register, host } = input;
  const chosen = register.entries.filter((entry) => selectsHost(entry, host));
  const deciding = decidingEntries(input, chosen);
  const leftOut = new Map<RegisterEntry, string>();
  const cannot: string[] = [];
  const claimed = new Set<string>();
  const access: ApprovedAccess[] = [];
  for (const { matched, ports } of deciding) {
    const { entry, approval } = matched;
    const reason = whyNot(matched, input);
    if (reason !== null) {
      leftOut.set(entry, reason);
      continue;
    }
    const sources = readSources(entry, register.zones);
    if (sources.kind !== 'set') {
      cannot.push(
        sources.kind === 'not-said'
          ? `Entry ${entry.id} does not say who may connect: give it "sources".`
          : `Entry ${entry.id} names sources that cannot be read: ${sources.sources.join(', ')}.`,
      );
      continue;
    }
    const place = placeOf(entry);
    if (place === 'loopback') {
      leftOut.set(entry, 'it binds to loopback, which no rule keeps from the host itself');
      continue;
    }
    if (approval.kind === 'claimed') claimed.add(entry.id);
    const { id, transport, scope, workload } = entry;
    access.push({ entry: id, transport, ports, ...place, scope, sources: sources.set, workload });
  }
  const decide = new Set(deciding.map(({ matched }) => matched.entry));
  for (const entry of chosen)
    if (!decide.has(entry)) leftOut.set(entry, 'more specific entries decide all of its ports here');
  return {
    access: access.sort(
      compareBy(
        (a) => a.entry,
        (a) => a.transport,
        (a) => a.ports[0]?.from ?? 0,
      ),
    ),
    leftOut: [...leftOut]
      .map(([{ id, scope }, reason]) => ({ entry: id, scope, reason }))
      .sort(compareBy((o) => o.entry)),
    cannot: [...new Set(cannot)].sort(),
    claimed: [...claimed].sort(),
  };
}

interface Deciding {
  readonly matched: MatchedEntry;
  /** Ports of the entry that it decides. */
  readonly ports: readonly PortRange[];
}

/**
 * The entries that decide, each with the ports that it decides. Entries of the host itself compete; those of containers,
 * pods and namespaces each count for their own scope.
 */
function decidingEntries(input: AccessInput, chosen: readonly RegisterEntry[]): Deciding[] {
  const { now, register, approvals, hosts, host } = input;
  const ofHost = Map.groupBy(
    chosen.filter((entry) => isOfHost(entry.scope)),
    (entry) => entry.transport,
  );
  const questions: {
    readonly entry: RegisterEntry | null;
    readonly at: Endpoint;
    readonly ranges: readonly PortRange[];
  }[] = [...ofHost].flatMap(([transport, entries]) =>
    intervals(entries).map((range) => ({
      entry: null,
      at: { host: host.name, scope: HOST_SCOPE, transport, port: range.from },
      ranges: [range],
    })),
  );
  for (const entry of chosen) {
    const { scope, transport, ports } = entry;
    const [first] = ports;
    if (first && !isOfHost(scope))
      questions.push({ entry, at: { host: host.name, scope, transport, port: first.from }, ranges: ports });
  }
  const facts = buildFacts({
    ...{ now, register: { ...register, entries: chosen }, approvals, hosts, listeners: [] },
    known: [host],
    also: questions.map((question) => question.at),
  });
  const answers = new Map(facts.endpoints.map((f) => [keyOf(f.endpoint), f.entries]));
  const decided = new Map<RegisterEntry, { matched: MatchedEntry; ranges: PortRange[] }>();
  for (const { entry, at, ranges } of questions) {
    const covering = answers.get(keyOf(at)) ?? [];
    const matched = entry === null ? covering[0] : covering.find((m) => m.entry === entry);
    if (matched) getOrMake(decided, matched.entry, () => ({ matched, ranges: [] })).ranges.push(...ranges);
  }
  return [...decided.values()].map(({ matched, ranges }) => ({ matched, ports: mergePorts(ranges) }));
}

function keyOf({ scope, transport, port }: Endpoint): string {
  return `${transport} ${port} ${scope}`;
}

/** All ports, cut wherever those of an entry begin or end: within a piece the same entries cover every port. */
function intervals(entries: readonly RegisterEntry[]): PortRange[] {
  const cuts = new Set(entries.flatMap((entry) => entry.ports.flatMap(({ from, to }) => [from, to + 1])));
  const sorted = [...cuts].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((from, i) => ({ from, to: (sorted[i + 1] as number) - 1 }));
}

/** Why rules are not made of an entry; null where they are. */
function whyNot({ entry, approval, hostConfirmed }: MatchedEntry, { now, include }: AccessInput): string | null {
  if (entry.expires !== null && entry.expires <= now) return 'its approval has expired';
  switch (approval.kind) {
    case 'proven':
      break;
    case 'claimed':
      if (include !== 'claimed') return `its approval is only claimed: ${approval.reason}`;
      break;
    case 'draft':
      return 'it is a draft';
    case 'void':
      return 'it changed after it was approved';
    case 'self-approved':
      return `${approval.by} approved it and changed it`;
    case 'not-allowed':
      return `${approval.by} may not approve it: ${approval.reason}`;
    case 'forged':
      return `the proof of its approval is wrong: ${approval.reason}`;
    case 'unknown':
      return `whether it is approved is not known: ${approval.reason}`;
  }
  return hostConfirmed ? null : 'its approval awaits confirmation for this host';
}

/** Where an entry may be reached on its host, by its `bind`. */
function placeOf(entry: RegisterEntry): Pick<ApprovedAccess, 'addresses' | 'within'> | 'loopback' {
  const { bind } = entry;
  const scope = (BIND_SCOPES as readonly string[]).includes(bind) ? bind : null;
  const address = scope === null ? parseAddress(bind.split('%', 1)[0] as string) : null;
  if (scope === 'loopback') return 'loopback';
  if (scope === 'private') return { addresses: null, within: PRIVATE };
  if (scope !== null || address === null) return { addresses: null };
  const plain: Address = unmapAddress(address);
  const reach = bindScopeOf(bind);
  if (reach === 'loopback') return 'loopback';
  return { addresses: reach === 'any' ? null : [plain] };
}
