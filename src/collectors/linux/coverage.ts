import { HOST_SCOPE, type Scope, TRANSPORTS, type Transport } from '../../model/endpoint.ts';
import { ALL_PORTS, type Coverage } from '../../model/observation.ts';
import { compareBy } from '../../util/compare.ts';

/** A scope whose tables were read, with the transports whose tables were not read as a whole. */
export interface ReadScope {
  readonly scope: Scope;
  readonly unread: ReadonlySet<Transport>;
}

/**
 * What was really looked at. `complete`: every scope of the host was enumerated, so that `*` may be claimed for the
 * transports that were read everywhere; the others count only in the scopes where they were.
 */
export function coverageOf(host: string, scopes: readonly ReadScope[], complete: boolean): Coverage[] {
  const everywhere = complete ? TRANSPORTS.filter((t) => scopes.every(({ unread }) => !unread.has(t))) : [];
  const cover = (scope: Scope, transports: readonly Transport[]): Coverage => ({
    host,
    scope,
    transports,
    ports: ALL_PORTS,
    addresses: 'all',
  });
  const coverage = everywhere.length > 0 ? [cover('*', everywhere)] : [];
  const sorted = [...scopes].sort(compareBy((s) => (s.scope === HOST_SCOPE ? '' : s.scope)));
  for (const { scope, unread } of sorted) {
    const read = TRANSPORTS.filter((t) => !unread.has(t) && !everywhere.includes(t));
    if (read.length > 0) coverage.push(cover(scope, read));
  }
  return coverage;
}
