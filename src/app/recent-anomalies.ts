import type { Anomaly } from '../model/anomaly.ts';
import { BUCKET_SECONDS } from '../model/flow.ts';
import type { Identities } from '../model/identity.ts';
import type { FlowStore } from '../store/flow-store.ts';
import type { Store } from '../store/store.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { sha256 } from '../util/sha256.ts';
import { DETECTION_VERSION } from './detect-flows.ts';
import { loadAnomalies } from './flows-anomalies.ts';
import { hostOfAddress } from './host-of-address.ts';

const DAY = 86_400;
/** Days of unusual traffic that are shown beside a port. */
const DAYS = 7;

/**
 * Unusual traffic of the last week. Worked out once for the same parts of flows and the same names, then remembered:
 * learning from weeks of flows takes seconds.
 */
export async function recentAnomalies(
  flows: FlowStore,
  store: Store,
  { identities, now }: { readonly identities: Pick<Identities, 'known' | 'nameOf'>; readonly now: number },
): Promise<readonly Anomaly[]> {
  const span = await flows.span();
  const until = Math.min(span?.until ?? 0, Math.floor(now / 1_000 / BUCKET_SECONDS + 1) * BUCKET_SECONDS);
  if (!span || until <= now / 1_000 - DAYS * DAY) return [];
  const from = until - DAYS * DAY;
  const parts = (await store.flows.parts()).map(({ file, sha256: digest }) => `${file} ${digest}`);
  const names = identities.known.map(({ name, addresses }) => [name, ...addresses]);
  const key = `anomalies-found:${DETECTION_VERSION}:${sha256(canonicalJson([from, until, parts, names]))}`;
  const known = await store.cacheGet(key);
  if (known !== undefined) return JSON.parse(known) as readonly Anomaly[];
  const hostOf = hostOfAddress(identities);
  const nameOf = (address: string) => hostOf(address) ?? address;
  const { anomalies } = await loadAnomalies(flows, nameOf, { from, until, store });
  await remember(store, key, anomalies);
  return anomalies;
}

/** A store that is open for reading remembers nothing. */
async function remember(store: Store, key: string, found: readonly Anomaly[]): Promise<void> {
  try {
    await store.cachePut(key, JSON.stringify(found));
  } catch {
    // It is worked out again the next time.
  }
}
