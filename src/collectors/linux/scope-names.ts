import { HOST_SCOPE, type Scope } from '../../model/endpoint.ts';
import { compareBy } from '../../util/compare.ts';
import type { CgroupFacts } from './cgroup.ts';
import type { NetworkNamespace } from './namespaces.ts';
import type { ProcessStat } from './process-stat.ts';

/** How long a name is kept while its oldest process lives, in ms: a container may be renamed. */
const VALID_MS = 60_000;
/** Pids grow with age but for the wrap-around: the oldest process is sought among the lowest ones. */
const MAX_CANDIDATES = 100;

/** What naming needs to know of a machine, wherever that comes from. */
export interface ScopeSources {
  /** `undefined`: the process is gone, or hidden. */
  readonly statOf: (pid: number) => ProcessStat | undefined;
  readonly cgroupOf: (pid: number) => CgroupFacts;
  /** A file as the process sees it, bounded. */
  readonly readAs: (pid: number, path: string) => string | undefined;
  /** A file of the machine itself by its path without the first slash, bounded. */
  readonly readHost: (path: string) => string | undefined;
}

interface NamedScope {
  readonly name: string;
  /** The process that decided it. */
  readonly pid: number;
  readonly startTicks: number;
  readonly at: number;
}

export interface ScopeNames {
  /** Name of each namespace, by id. Two of one name get `#2`, `#3` by the age of their oldest process. */
  readonly nameAll: (
    namespaces: readonly NetworkNamespace[],
    hostId: string | undefined,
    mountedNames: ReadonlyMap<string, string>,
  ) => Map<string, Scope>;
}

/**
 * Names network namespaces: `host`, `container:NAME`, `pod:NAMESPACE/NAME`, `netns:NAME`, and for one without any name
 * `netns:unit/foo.service` or `netns:process/NAME` after its oldest process. `elapsed`: a clock that never steps back.
 */
export function createScopeNames(sources: ScopeSources, elapsed: () => number): ScopeNames {
  const known = new Map<string, NamedScope>();
  return {
    nameAll: (namespaces, hostId, mountedNames) => {
      const named: (NamedScope & { readonly id: string })[] = [];
      const scopes = new Map<string, Scope>();
      for (const namespace of namespaces) {
        if (namespace.id === hostId) {
          scopes.set(namespace.id, HOST_SCOPE);
          continue;
        }
        const before = known.get(namespace.id);
        const scope = isStill(before, namespace, sources, elapsed)
          ? before
          : { ...nameOne(namespace, mountedNames.get(namespace.id), sources), at: elapsed() };
        known.set(namespace.id, scope);
        named.push({ ...scope, id: namespace.id });
      }
      const count = new Map<string, number>();
      for (const { name, id } of named.sort(
        compareBy(
          (n) => n.startTicks,
          (n) => n.pid,
        ),
      )) {
        const n = (count.get(name) ?? 0) + 1;
        count.set(name, n);
        scopes.set(id, n === 1 ? name : `${name}#${n}`);
      }
      for (const id of known.keys()) if (!scopes.has(id)) known.delete(id);
      return scopes;
    },
  };
}

function isStill(
  before: NamedScope | undefined,
  namespace: NetworkNamespace,
  sources: ScopeSources,
  elapsed: () => number,
): before is NamedScope {
  return (
    before !== undefined &&
    elapsed() - before.at < VALID_MS &&
    namespace.pids.includes(before.pid) &&
    sources.statOf(before.pid)?.startTicks === before.startTicks
  );
}

function nameOne(
  namespace: NetworkNamespace,
  mountedName: string | undefined,
  sources: ScopeSources,
): Omit<NamedScope, 'at'> {
  let oldest = { pid: namespace.pids[0] ?? 0, startTicks: Number.POSITIVE_INFINITY, name: '' };
  for (const pid of namespace.pids.slice(0, MAX_CANDIDATES)) {
    const stat = sources.statOf(pid);
    if (stat && stat.startTicks < oldest.startTicks) oldest = { pid, ...stat };
  }
  const { pid, startTicks } = oldest;
  const cgroup = sources.cgroupOf(pid);
  const container = cgroup.container === undefined ? undefined : containerScope(cgroup, pid, sources);
  if (container !== undefined) return { name: container, pid, startTicks };
  if (mountedName !== undefined) return { name: `netns:${mountedName}`, pid, startTicks };
  const unit = cgroup.unit?.endsWith('.service') ? cgroup.unit : undefined;
  const name = unit === undefined ? `netns:process/${safe(oldest.name)}` : `netns:unit/${safe(unit)}`;
  return { name, pid, startTicks };
}

/** Texts that processes choose themselves must not look like another scope or break a table. */
function safe(text: string): string {
  return text.replace(/[^\w.@:\\-]/g, '_').slice(0, 128) || 'unknown';
}

function containerScope(cgroup: CgroupFacts, pid: number, sources: ScopeSources): Scope {
  const id = cgroup.container as string;
  const pod = podOf(id, sources) ?? (cgroup.pod ? podSeenInside(pid, sources) : undefined);
  if (pod !== undefined) return `pod:${pod}`;
  const isHexId = /^[0-9a-f]{64}$/.test(id);
  const name = isHexId ? (dockerName(id, sources) ?? podmanName(id, sources) ?? id.slice(0, 12)) : safe(id);
  return `container:${name}`;
}

function readJson(sources: ScopeSources, path: string): unknown {
  const text = sources.readHost(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A member of an object that came from outside. */
function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/** Names as docker and podman allow them. */
function containerName(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const name = value.replace(/^\//, '');
  return /^[A-Za-z0-9][\w.-]{0,127}$/.test(name) ? name : undefined;
}

/** docker keeps a directory per container; `Name` has a leading slash. */
function dockerName(id: string, sources: ScopeSources): string | undefined {
  return containerName(member(readJson(sources, `var/lib/docker/containers/${id}/config.v2.json`), 'Name'));
}

/** podman (containers/storage) keeps one list of all containers of root. */
function podmanName(id: string, sources: ScopeSources): string | undefined {
  const list = readJson(sources, 'var/lib/containers/storage/overlay-containers/containers.json');
  const entry = Array.isArray(list) ? list.find((item: unknown) => member(item, 'id') === id) : undefined;
  const names = member(entry, 'names');
  return Array.isArray(names) ? containerName(names[0]) : undefined;
}

/** Namespaces and pods as Kubernetes allows them (RFC 1123 names). */
const POD_PART = /^[a-z0-9][a-z0-9.-]{0,252}$/;

function podName(namespace: unknown, name: unknown): string | undefined {
  return typeof namespace === 'string' && typeof name === 'string' && POD_PART.test(namespace) && POD_PART.test(name)
    ? `${namespace}/${name}`
    : undefined;
}

/** containerd and cri-o leave the pod's name in the annotations of the bundle that runs the container. */
function podOf(id: string, sources: ScopeSources): string | undefined {
  const bundles = [
    `run/containerd/io.containerd.runtime.v2.task/k8s.io/${id}/config.json`,
    `run/containers/storage/overlay-containers/${id}/userdata/config.json`,
    `var/lib/containers/storage/overlay-containers/${id}/userdata/config.json`,
  ];
  for (const path of bundles) {
    const annotations = member(readJson(sources, path), 'annotations');
    const pod =
      podName(
        member(annotations, 'io.kubernetes.cri.sandbox-namespace'),
        member(annotations, 'io.kubernetes.cri.sandbox-name'),
      ) ?? podName(member(annotations, 'io.kubernetes.pod.namespace'), member(annotations, 'io.kubernetes.pod.name'));
    if (pod !== undefined) return pod;
  }
  return undefined;
}

/**
 * The pod's name as its own files give it, where the runtime's are not readable: the host name is the pod's name, and
 * the service account's mount names the namespace. The container could lie here; both must at least be valid names.
 */
function podSeenInside(pid: number, sources: ScopeSources): string | undefined {
  const name = sources.readAs(pid, 'etc/hostname')?.trim();
  const namespace = sources.readAs(pid, 'var/run/secrets/kubernetes.io/serviceaccount/namespace')?.trim();
  return podName(namespace, name);
}
