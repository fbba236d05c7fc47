import { bindScopeOf } from '../../model/address.ts';
import type { Scope } from '../../model/endpoint.ts';
import {
  type AddressFamily,
  type BindScope,
  compareListeners,
  type Listener,
  type ProcessFacts,
} from '../../model/listener.ts';
import { inRanges } from '../../model/observation.ts';
import type { EphemeralPorts } from './host-facts.ts';
import type { Holder } from './socket-owners.ts';
import type { Socket } from './socket-tables.ts';

/** The sockets of one scope, by table. */
export interface ScopeSockets {
  readonly scope: Scope;
  /** The very same list as before where no table changed. */
  readonly tables: readonly (readonly Socket[])[];
}

export interface FoldContext {
  readonly host: string;
  readonly ephemeral: EphemeralPorts;
  readonly holdersOf: (inode: number) => readonly Holder[];
  readonly factsOf: (holder: Holder) => ProcessFacts;
  /** Names of the host's own users. */
  readonly userNames: ReadonlyMap<number, string>;
  /** Every descriptor of the machine was visible: a socket without a holder is the kernel's own. */
  readonly seesAllHolders: boolean;
}

const V4: readonly AddressFamily[] = ['ipv4'];
const V6: readonly AddressFamily[] = ['ipv6'];
const BOTH: readonly AddressFamily[] = ['ipv4', 'ipv6'];

const bindScopes = new Map<string, BindScope>();

function bindOf(address: string): BindScope {
  let bind = bindScopes.get(address);
  if (bind === undefined) {
    bind = bindScopeOf(address);
    if (bindScopes.size > 10_000) bindScopes.clear();
    bindScopes.set(address, bind);
  }
  return bind;
}

/** A listener with what it was made from. */
interface Folded {
  readonly listener: Listener;
  readonly group: readonly Socket[];
  readonly holders: readonly (readonly Holder[])[];
  readonly facts: readonly ProcessFacts[];
}

interface FoldedScope {
  readonly tables: ScopeSockets['tables'];
  readonly folded: Folded[];
  readonly ipv4Uids: Map<number, number[]>;
}

export interface ListenerFolder {
  /**
   * Folds sockets into listeners: one per scope, transport, address and port, whoever shares it, sorted. The owner is the
   * oldest process (then the lowest pid), the others follow by pid.
   */
  readonly fold: (scopes: readonly ScopeSockets[], context: FoldContext) => Listener[];
}

/** A folder that makes a listener anew only when its sockets or their holders changed: most stay the same for days. */
export function createListenerFolder(): ListenerFolder {
  let earlier = new Map<Scope, FoldedScope>();
  let seen: FoldContext | undefined;
  return {
    fold: (scopes, context) => {
      const isSameContext =
        seen !== undefined &&
        seen.host === context.host &&
        seen.ephemeral === context.ephemeral &&
        seen.userNames === context.userNames &&
        seen.seesAllHolders === context.seesAllHolders;
      seen = context;
      const now = new Map<Scope, FoldedScope>();
      for (const sockets of scopes) {
        const before = isSameContext ? earlier.get(sockets.scope) : undefined;
        now.set(
          sockets.scope,
          before?.tables === sockets.tables ? refold(before, context) : foldScope(sockets, context),
        );
      }
      earlier = now;
      const listeners: Listener[] = [];
      for (const { folded } of now.values()) for (const { listener } of folded) listeners.push(listener);
      return listeners.sort(compareListeners);
    },
  };
}

/** The same sockets as before: only listeners whose holders changed are made anew. */
function refold(before: FoldedScope, context: FoldContext): FoldedScope {
  for (let i = 0; i < before.folded.length; i++) {
    const { listener, group, holders, facts } = before.folded[i] as Folded;
    let isSame = true;
    let f = 0;
    for (let s = 0; isSame && s < group.length; s++) {
      const list = context.holdersOf((group[s] as Socket).inode);
      isSame = list === holders[s];
      for (let h = 0; isSame && h < list.length; h++) isSame = context.factsOf(list[h] as Holder) === facts[f++];
    }
    if (!isSame) before.folded[i] = foldGroup(listener.scope, group, before.ipv4Uids, context);
  }
  return before;
}

function foldScope({ scope, tables }: ScopeSockets, context: FoldContext): FoldedScope {
  const groups = new Map<string, Socket[]>();
  const ipv4Uids = new Map<number, number[]>();
  for (const sockets of tables)
    for (const socket of sockets) {
      const key = `${socket.transport}|${socket.address}|${socket.port}`;
      const group = groups.get(key);
      // a table read in several pieces may show a socket twice
      if (!group) groups.set(key, [socket]);
      else if (socket.inode === 0 || group.every((other) => other.inode !== socket.inode)) group.push(socket);
      if (socket.transport === 'tcp' && socket.address === '0.0.0.0') {
        const uids = ipv4Uids.get(socket.port);
        if (uids) uids.push(socket.uid);
        else ipv4Uids.set(socket.port, [socket.uid]);
      }
    }
  const folded: Folded[] = [];
  for (const group of groups.values()) folded.push(foldGroup(scope, group, ipv4Uids, context));
  return { tables, folded, ipv4Uids };
}

function foldGroup(
  scope: Scope,
  group: readonly Socket[],
  ipv4Uids: ReadonlyMap<number, readonly number[]>,
  context: FoldContext,
): Folded {
  const holders = group.map((socket) => context.holdersOf(socket.inode));
  const facts = holders.flatMap((list) => list.map(context.factsOf));
  return { listener: fold(scope, group, ipv4Uids, context), group, holders, facts };
}

function fold(
  scope: Scope,
  group: readonly Socket[],
  ipv4Uids: ReadonlyMap<number, readonly number[]>,
  context: FoldContext,
): Listener {
  const first = group[0] as Socket;
  const processes = processesOf(group, context);
  const [owner, ...others] = processes;
  const user = scope === 'host' ? context.userNames.get(first.uid) : owner?.uid === first.uid ? owner.user : undefined;
  return {
    host: context.host,
    scope,
    transport: first.transport,
    port: first.port,
    address: first.address,
    bind: bindOf(first.address),
    families: familiesOf(first, ipv4Uids),
    role: roleOf(group, processes.length, context),
    uid: first.uid,
    ...(user === undefined ? {} : { user }),
    process: owner ?? null,
    sharedWith: others.length > 1 ? others.sort((a, b) => a.pid - b.pid) : others,
  };
}

function processesOf(group: readonly Socket[], context: FoldContext): ProcessFacts[] {
  const only = group.length === 1 ? context.holdersOf((group[0] as Socket).inode) : undefined;
  if (only?.length === 1) return [context.factsOf(only[0] as Holder)];
  const holders = new Map<number, Holder>();
  for (const socket of group) for (const holder of context.holdersOf(socket.inode)) holders.set(holder.pid, holder);
  return [...holders.values()].sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid).map(context.factsOf);
}

/**
 * Families that a listener answers on. /proc does not show IPV6_V6ONLY, so `::` counts as both unless proven otherwise.
 * Proof: a TCP socket listens on 0.0.0.0 and the same port under another uid. Beside a dual-stack one the kernel
 * allows that only with SO_REUSEPORT, and only to the same uid (inet_csk_bind_conflict in net/ipv4/inet_connection_sock.c).
 * With the same uid (nginx listens on 0.0.0.0:80 and [::]:80) it stays unknown. Sockets tied to different devices
 * (SO_BINDTODEVICE) could escape the proof; the port is open on IPv4 by the other socket then all the same.
 */
function familiesOf(socket: Socket, ipv4Uids: ReadonlyMap<number, readonly number[]>): readonly AddressFamily[] {
  if (socket.family === 'ipv4' || socket.address.startsWith('::ffff:')) return V4;
  if (socket.address !== '::' || socket.transport === 'raw') return V6;
  const isOnly = socket.transport === 'tcp' && (ipv4Uids.get(socket.port) ?? []).some((uid) => uid !== socket.uid);
  return isOnly ? V6 : BOTH;
}

/**
 * Tells client sockets from services: a UDP port of the range that the kernel hands out by itself, unless something
 * shows that it did not: the port is reserved from being handed out, several sockets share it, or the kernel itself
 * owns it (WireGuard, VXLAN). A service that asked for such a port looks the same as a client: the tag is a hint.
 */
function roleOf(group: readonly Socket[], processes: number, context: FoldContext): Listener['role'] {
  const { transport, port } = group[0] as Socket;
  if (transport !== 'udp' && transport !== 'udplite') return 'service';
  const { range, reserved } = context.ephemeral;
  if (range === undefined || port < range.from || port > range.to || inRanges(reserved, port)) return 'service';
  if (group.length > 1 || (processes === 0 && context.seesAllHolders)) return 'service';
  return 'ephemeral';
}
