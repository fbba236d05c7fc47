import { matchesGlob } from '../util/glob.ts';
import { type Endpoint, endpointKey } from './endpoint.ts';

/** A time in which trouble at some places is expected: it is recorded, and told only if it outlasts the time. */
export interface MaintenanceWindow {
  /** Short, stable: `M-7K3M2`. */
  readonly id: string;
  /** `host:NAME`, `endpoint:HOST:PORT[/transport]`, `zone:NAME`; names with `*` and `?`. One that holds is enough. */
  readonly where: readonly string[];
  /** UTC milliseconds, [from, until). */
  readonly from: number;
  readonly until: number;
  readonly reason: string;
  readonly by: string;
  /** UTC milliseconds: ended by hand before its time; null: it was not. */
  readonly endedAt: number | null;
}

/** What a window is asked about. */
export interface MaintainedPlace {
  readonly key: string;
  readonly endpoint: Endpoint | null;
  readonly zones: readonly string[];
}

/** End of a window as it is, UTC milliseconds. */
export function endOf(window: MaintenanceWindow): number {
  return Math.min(window.until, window.endedAt ?? window.until);
}

/** The window that covers a place now; undefined: none. */
export function maintenanceOf(
  windows: readonly MaintenanceWindow[],
  place: MaintainedPlace,
  now: number,
): MaintenanceWindow | undefined {
  return windows.find(
    (window) => window.from <= now && now < endOf(window) && window.where.some((where) => covers(where, place)),
  );
}

/** Reads one place of a window; a sentence where it is none. */
export function readWhere(text: string): { readonly where: string } | { readonly problem: string } {
  const [, kind, name] = /^(host|endpoint|zone):(\S{1,253})$/.exec(text) ?? [];
  if (kind === undefined || name === undefined)
    return { problem: `expected host:NAME, endpoint:HOST:PORT[/transport] or zone:NAME, not "${text.slice(0, 60)}"` };
  if (kind === 'endpoint' && !/^.+:(\d{1,5}|\*)(\/\w+)?(@.+)?$/.test(name))
    return { problem: `expected endpoint:HOST:PORT[/transport], not "${text.slice(0, 60)}"` };
  return { where: text };
}

function covers(where: string, { key, endpoint, zones }: MaintainedPlace): boolean {
  const colon = where.indexOf(':');
  const [kind, name] = [where.slice(0, colon), where.slice(colon + 1)];
  if (kind === 'zone') return zones.includes(name);
  if (kind === 'host') {
    const host = endpoint?.host ?? hostOf(key);
    return host !== undefined && matchesGlob(name.toLowerCase(), host.toLowerCase());
  }
  if (!endpoint) return false;
  // A pattern without transport means every transport.
  const own = endpointKey(endpoint);
  const pattern = name.includes('/') ? name : `${name}/*`;
  return matchesGlob(pattern.toLowerCase(), own.toLowerCase());
}

/** Keys of incidents about a host begin with it: `host:db-1 firewall.changed`, `rule:db-1 …`. */
function hostOf(key: string): string | undefined {
  return /^(?:host|rule):(\S+)/.exec(key)?.[1];
}
