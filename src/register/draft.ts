import type { Transport } from '../model/endpoint.ts';
import type { MatchHost } from '../model/host-selector.ts';
import { buildMatcher } from '../model/match.ts';
import type { PortRange } from '../model/observation.ts';
import type { ProcessRule, Register } from '../model/register.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { compareText } from '../util/compare.ts';
import { count, listWords } from '../util/words.ts';
import { evidenceOf } from './draft-evidence.ts';
import { type EndpointGroup, foldListeners, groupEndpoints } from './draft-group.ts';
import { slug } from './draft-patterns.ts';
import { guessService, isStandIn, type ServiceGuess } from './service-guess.ts';

/** An entry as observation suggests it: a person still has to say what it is for, and whether it may be. */
export interface EntryDraft {
  readonly id: string;
  /** null: neither port nor process says. */
  readonly service: string | null;
  /** null: not known, to be filled in. */
  readonly owner: string | null;
  readonly hosts: readonly string[];
  readonly scope: string;
  readonly ports: readonly PortRange[];
  readonly transport: Transport;
  /** A bind scope, or the one public address that was seen. */
  readonly bind: string;
  readonly process: ProcessRule;
  /** [] for what only the host itself can reach; null: not known, to be filled in. */
  readonly sources: readonly string[] | null;
  readonly evidence: readonly string[];
  /** Endpoints that it stands for. */
  readonly endpoints: number;
  /** A draft of this id and meaning is there already, and gets these hosts besides its own. */
  readonly joins: boolean;
}

export interface DraftInput {
  readonly listeners: readonly ListenerState[];
  readonly hosts: readonly HostState[];
  readonly register: Register;
  /** Every host with its names, addresses and tags (identity.ts). Absent: those that quietdoor.yaml declares. */
  readonly known?: readonly MatchHost[];
  /** Owner by host name, from an asset list. */
  readonly owners?: ReadonlyMap<string, string>;
  /** Draft UDP sockets on ports that the kernel hands to clients, too. */
  readonly includeEphemeral?: boolean;
  /** UTC milliseconds. */
  readonly now: number;
}

/** Ports of a group that are looked up. */
const MAX_GUESSES = 64;

/**
 * Drafts entries for the open listeners that no entry covers, sorted by id. One program on many hosts, or on many ports
 * of a host, is one draft. Drafts carry evidence and are never approved. The same input gives the same drafts.
 */
export function draftEntries(input: DraftInput): readonly EntryDraft[] {
  const known = [...input.hosts.map((state) => state.host), ...(input.known ?? input.register.hosts)];
  const matcher = buildMatcher(input.register.entries, known);
  const open = input.listeners.filter(
    ({ open, listener }) => open && (listener.role === 'service' || input.includeEphemeral === true),
  );
  // What is not registrable as a port (0) cannot be drafted.
  const seen = foldListeners(open).filter(
    ({ endpoint }) => (endpoint.port > 0 || endpoint.transport === 'raw') && matcher.entriesFor(endpoint).length === 0,
  );
  const groups = groupEndpoints(seen);
  const earlier = earlierDrafts(input.register);
  const joined = groups.map((group) => earlier.get(meaningOf({ ...group, bind: bindOf(group), process: group.rule })));
  const fresh = groups.filter((_, i) => joined[i] === undefined);
  const ids = nameDrafts(fresh, new Set(input.register.entries.map((entry) => entry.id)));
  const idOf = new Map(fresh.map((group, i) => [group, ids[i] as string]));
  return groups
    .map((group, i) => {
      const id = joined[i] ?? (idOf.get(group) as string);
      return { ...draftOf(group, id, input), joins: joined[i] !== undefined };
    })
    .toSorted((a, b) => compareText(a.id, b.id));
}

function draftOf(group: EndpointGroup, id: string, input: DraftInput): Omit<EntryDraft, 'joins'> {
  const hosts = [...new Set(group.seen.map((s) => s.endpoint.host))].sort(compareText);
  const guess = guessOf(group);
  const owner = ownerOf(hosts, input.owners);
  return {
    id,
    service: guess.service,
    owner,
    hosts,
    scope: group.scope,
    ports: group.ports,
    transport: group.transport,
    bind: bindOf(group),
    process: group.rule,
    sources: group.bind === 'loopback' ? [] : null,
    evidence: [...evidenceOf(group, guess), ...(owner === null ? ownersText(hosts, input.owners) : [])],
    endpoints: group.seen.length,
  };
}

/** File that drafts are written to, relative to the workspace. */
const DRAFTS_FILE = 'register/drafts.yaml';

/** Ids of drafts for which nobody took responsibility yet, by what they mean apart from the hosts. */
function earlierDrafts(register: Register): ReadonlyMap<string, string> {
  const drafts = register.entries.filter(
    (e) => e.approval === null && e.evidence.length > 0 && e.at.file === DRAFTS_FILE && e.inheritedFrom === null,
  );
  return new Map(drafts.map((entry) => [meaningOf(entry), entry.id]));
}

function meaningOf({
  scope,
  transport,
  ports,
  bind,
  process,
}: Pick<EntryDraft, 'scope' | 'transport' | 'ports' | 'bind' | 'process'>): string {
  const { exe, user, unit, package: name } = process;
  const rule = [exe, user, unit, name].map((text) => text ?? null);
  return canonicalJson([scope, transport, ports.map(({ from, to }) => [from, to]), bind, rule]);
}

/** A port where process and port agree says most; ports alone say something only where they all say the same. */
function guessOf({ transport, ports, program }: EndpointGroup): ServiceGuess {
  const known = program !== null && isStandIn(program) ? null : program;
  const some = ports.flatMap(({ from, to }) => (from === to ? [from] : [from, to]));
  const guesses = some.slice(0, MAX_GUESSES).map((port) => guessService(transport, port, known));
  const best = guesses.find((g) => g.basis === 'port-and-process') ?? guesses.find((g) => g.basis !== 'none');
  const isCertain = best?.basis !== 'port' || guesses.every((g) => g.service === best.service);
  return best && isCertain ? best : { service: null, basis: 'none' };
}

/** An owner that all of the hosts share; several owners are nobody's entry. */
function ownerOf(hosts: readonly string[], owners: ReadonlyMap<string, string> | undefined): string | null {
  const named = new Set(hosts.map((host) => owners?.get(host)));
  const [only] = named;
  return named.size === 1 && only !== undefined ? only : null;
}

/** Who has how many of the hosts, where no one owner has all of them. */
function ownersText(hosts: readonly string[], owners: ReadonlyMap<string, string> | undefined): readonly string[] {
  const byOwner = Map.groupBy(hosts, (host) => owners?.get(host) ?? null);
  const named = [...byOwner].flatMap(([owner, own]) =>
    owner === null ? [] : [`${owner} of ${count(own.length, 'host')}`],
  );
  if (named.length === 0) return [];
  const unnamed = byOwner.get(null)?.length ?? 0;
  const all = [...named.sort(compareText), ...(unnamed > 0 ? [`nobody of ${count(unnamed, 'host')}`] : [])];
  return [`Owners by the inventory: ${listWords(all)}.`];
}

/** A public address is named where there is only one, so that the entry does not allow the others. */
function bindOf({ bind, seen }: EndpointGroup): string {
  if (bind !== 'public') return bind;
  const addresses = new Set(seen.flatMap((s) => s.addresses));
  const [only] = addresses;
  return addresses.size === 1 && only !== undefined ? only : 'public';
}

/**
 * Names drafts by program (or service, or port): `sshd`; where several share a name, with the port: `postgres-5432`;
 * then with the transport, the first host, a number. Never an id that the register has.
 */
function nameDrafts(groups: readonly EndpointGroup[], taken: ReadonlySet<string>): readonly string[] {
  const candidates = groups.map((group) => {
    const program = group.program === null || isStandIn(group.program) ? guessOf(group).service : group.program;
    const port = group.ports[0]?.from ?? 0;
    const base = slug(program ?? group.program ?? group.transport);
    const withPort = `${base}-${port}`;
    const withTransport = `${withPort}-${group.transport}`;
    const host = slug(group.seen[0]?.endpoint.host ?? 'host');
    // A program that stands for others says little: its port belongs to the name from the start.
    const first = program === null ? withPort : base;
    return [first, withPort, withTransport, `${withPort}-${host}`, `${withTransport}-${host}`];
  });
  const wantedBy = new Map<string, number>();
  for (const names of candidates) for (const name of new Set(names)) wantedBy.set(name, (wantedBy.get(name) ?? 0) + 1);
  const ids: string[] = [];
  const used = new Set(taken);
  for (const names of candidates) {
    let id = names.find((name) => !used.has(name) && wantedBy.get(name) === 1) ?? (names.at(-1) as string);
    for (let n = 2; used.has(id); n++) id = `${names.at(-1)}-${n}`;
    used.add(id);
    ids.push(id);
  }
  return ids;
}
