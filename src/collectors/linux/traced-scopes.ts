import { HOST_SCOPE, type Scope, UNKNOWN_SCOPE } from '../../model/endpoint.ts';
import { readLink, readTextInside } from './files.ts';
import { listNamedNamespaces, surveyNamespaces } from './namespaces.ts';
import type { ProcessReader } from './process-facts.ts';
import { readProcessStat } from './process-stat.ts';
import { createScopeNames } from './scope-names.ts';

/**
 * How long the names of namespaces are believed, in ms: the inode of one that is gone is given to the next. Listing them
 * costs some 6 ms per thousand processes.
 */
const VALID_MS = 2_000;
/** A namespace without a name is new, or gone: they are listed again for it, though not for every event. */
const UNNAMED_VALID_MS = 100;
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;
/** So many processes are tried for the tables of a namespace: they may end one after the other. */
const MAX_DIRECTORIES = 16;

/** Names of network namespaces, the same as the snapshots give, without a snapshot. */
export interface TracedScopes {
  readonly scopeOf: (netns: string | undefined) => Scope;
  /** The namespace of that name, where there is one. */
  readonly netnsOf: (scope: Scope) => string | undefined;
  /** Where the tables of a namespace may be read. `pids`: processes that were seen in it just now. */
  readonly tableDirectories: (netns: string, pids: readonly number[]) => string[];
}

export function createTracedScopes(processes: ProcessReader, elapsed: () => number): TracedScopes {
  const sources = {
    statOf: (pid: number) => readProcessStat('/proc', pid),
    cgroupOf: processes.cgroupOf,
    readAs: processes.readAs,
    readHost: (path: string) => readTextInside('/', path, MAX_CONFIG_BYTES),
  };
  const naming = createScopeNames(sources, elapsed);
  let known = {
    // As the snapshots tell it, who infer it where /proc/1/ns/net may not be read: one socket has one scope.
    hostId: surveyNamespaces('/proc')?.hostId,
    names: new Map<string, Scope>(),
    pids: new Map<string, readonly number[]>(),
    at: -VALID_MS,
  };

  const survey = (validMs = VALID_MS) => {
    if (elapsed() - known.at < validMs) return;
    const found = surveyNamespaces('/proc');
    if (found === undefined) return;
    const mounted = new Map<string, string>();
    for (const { id, name } of listNamedNamespaces('/', found, true)) if (id !== undefined) mounted.set(id, name);
    const spaces = [...found.byId.values()];
    known = {
      hostId: found.hostId ?? known.hostId,
      names: naming.nameAll(spaces, found.hostId, mounted),
      pids: new Map(spaces.map(({ id, pids }) => [id, pids.slice(0, MAX_DIRECTORIES)])),
      at: elapsed(),
    };
  };

  return {
    scopeOf: (netns) => {
      if (netns === undefined) return UNKNOWN_SCOPE;
      if (netns === known.hostId) return HOST_SCOPE;
      survey();
      if (!known.names.has(netns)) survey(UNNAMED_VALID_MS);
      return known.names.get(netns) ?? UNKNOWN_SCOPE;
    },
    netnsOf: (scope) => {
      if (scope === HOST_SCOPE) return known.hostId;
      survey();
      for (const [id, name] of known.names) if (name === scope) return id;
      return undefined;
    },
    tableDirectories: (netns, pids) => {
      const candidates =
        netns === known.hostId ? [1, process.pid, ...pids] : [...pids, ...(known.pids.get(netns) ?? [])];
      const inside: string[] = [];
      for (const pid of candidates.slice(0, MAX_DIRECTORIES))
        if (readLink(`/proc/${pid}/ns/net`) === netns) inside.push(`/proc/${pid}/net`);
      return inside;
    },
  };
}
