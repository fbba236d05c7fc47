/** What the control group of a process says about who runs it. */
export interface CgroupFacts {
  /** systemd unit, e.g. `nginx.service`, `user@1000.service/app.slice/foo.service` gives `foo.service`. */
  readonly unit?: string;
  /** Container id (64 hex digits), or the machine's name for lxc and systemd-nspawn. */
  readonly container?: string;
  /** Which runtime's naming the path follows. */
  readonly runtime?: 'docker' | 'containerd' | 'crio' | 'podman' | 'lxc' | 'nspawn' | 'unknown';
  /** The path lies below kubepods: a container of a Kubernetes pod. */
  readonly pod?: boolean;
}

/** Container ids as the runtimes print them in a path: alone or `PREFIX-ID.scope`. */
const RUNTIMES: ReadonlyArray<{ readonly runtime: NonNullable<CgroupFacts['runtime']>; readonly pattern: RegExp }> = [
  { runtime: 'docker', pattern: /^docker-([0-9a-f]{64})\.scope$/ },
  { runtime: 'containerd', pattern: /^cri-containerd-([0-9a-f]{64})\.scope$/ },
  { runtime: 'crio', pattern: /^crio-([0-9a-f]{64})\.scope$/ },
  { runtime: 'podman', pattern: /^libpod-([0-9a-f]{64})(?:\.scope)?$/ },
  { runtime: 'containerd', pattern: /^nerdctl-([0-9a-f]{64})\.scope$/ },
  { runtime: 'lxc', pattern: /^lxc\.payload\.([^/]+)$/ },
  { runtime: 'nspawn', pattern: /^machine-(.+)\.scope$/ },
];

/** systemd escapes `-` and others in unit names as `\x2d` (systemd.unit(5)). */
function unescapeUnit(text: string): string {
  return text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/**
 * Unit and container of a process from the text of /proc/PID/cgroup, one `ID:CONTROLLERS:PATH` per line (cgroups(7)).
 * Version 1, version 2 and both mixed: the unified line (`0::`) and `name=systemd` are asked first, then the others.
 * Facts that no line gives are absent.
 */
export function parseCgroup(text: string): CgroupFacts {
  const lines: { rank: number; path: string }[] = [];
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (!match) continue;
    const controllers = match[1] as string;
    const rank = controllers === '' ? 0 : controllers === 'name=systemd' ? 1 : 2;
    lines.push({ rank, path: match[2] as string });
  }
  lines.sort((a, b) => a.rank - b.rank);
  let unit: string | undefined;
  let container: Omit<CgroupFacts, 'unit'> | undefined;
  for (const { rank, path } of lines) {
    container ??= containerOf(path);
    if (rank < 2) unit ??= unitOf(path);
  }
  return { ...(unit === undefined ? {} : { unit }), ...container };
}

/** The last container in a path: a container inside a machine is the nearer answer. */
function containerOf(path: string): Omit<CgroupFacts, 'unit'> | undefined {
  const parts = path.split('/');
  const pod = parts.some((part) => part.startsWith('kubepods'));
  for (let i = parts.length - 1; i > 0; i--) {
    const part = parts[i] as string;
    for (const { runtime, pattern } of RUNTIMES) {
      const id = pattern.exec(part)?.[1];
      if (id !== undefined) return { container: unescapeUnit(id), runtime, ...(pod ? { pod } : {}) };
    }
    const parent = parts[i - 1] as string;
    if (/^[0-9a-f]{64}$/.test(part)) {
      const runtime = parent === 'docker' ? 'docker' : parent.startsWith('libpod') ? 'podman' : 'unknown';
      return { container: part, runtime: pod ? 'containerd' : runtime, ...(pod ? { pod } : {}) };
    }
    // cri-o and containerd with a systemd-style parent under cgroup v1: system.slice:docker:ID, kubepods…:cri-containerd:ID
    const colon = /:(?:docker|cri-containerd|crio|libpod):([0-9a-f]{64})$/.exec(part);
    if (colon) return { container: colon[1] as string, runtime: 'unknown', ...(pod ? { pod } : {}) };
    if (parent === 'lxc' || parent === 'lxc.payload') return { container: part, runtime: 'lxc' };
  }
  return undefined;
}

/**
 * The unit that runs the process: the last `.service` of the path (also of nested user managers), else the last
 * `.socket`, `.mount` or `.swap`, else the last `.scope`. Slices only group. A container's own scope is not a unit of
 * interest, and units of a systemd inside the container follow it in the path.
 */
function unitOf(path: string): string | undefined {
  const parts = path.split('/').filter((part) => !/^(?:docker|cri-containerd|crio|libpod|nerdctl)-/.test(part));
  const find = (pattern: RegExp) => parts.findLast((part) => pattern.test(part));
  const unit = find(/.\.service$/) ?? find(/.\.(?:socket|mount|swap)$/) ?? find(/.\.scope$/);
  return unit === undefined ? undefined : unescapeUnit(unit);
}
