import { parseAddress } from './address.ts';
import { ALL_IPV4, has, isEmpty, isSubset } from './address-set.ts';
import { fromCidrs } from './address-set-text.ts';
import { widestBind } from './describe.ts';
import { type Endpoint, endpointKey } from './endpoint.ts';
import type { CheckResult, EndpointFacts } from './facts.ts';
import type { Cause } from './incident.ts';
import type { RegisterEntry } from './register.ts';

/** Who can connect, in the words that decide a severity. */
export type Exposure = 'everybody' | 'some' | 'nobody' | 'unknown';

/** What is known of where a cause is: by the register, by the filters. */
export interface Place {
  readonly service: string | null;
  readonly owner: string | null;
  /** In lower case. */
  readonly data: readonly string[];
  readonly zones: readonly string[];
  /** By an entry that decides; null: it is about no port. */
  readonly registered: boolean | null;
  readonly exposure: Exposure;
}

/** Finds the place of causes in the answer of a check. */
export interface Places {
  of(cause: Pick<Cause, 'endpoint' | 'subject' | 'source'>): Place;
  /** The endpoint as it is known, for one of which only host, transport and port are. */
  endpoint(host: string, transport: Endpoint['transport'], port: number): Endpoint;
}

/** `owners`: who answers for a host, by its name. */
export function openPlaces(
  { facts, results }: Pick<CheckResult, 'facts' | 'results'>,
  owners: ReadonlyMap<string, string>,
): Places {
  const { register } = facts.estate;
  const byKey = new Map<string, EndpointFacts>();
  const byPort = new Map<string, Endpoint[]>();
  for (const one of [...results.map((result) => result.facts), ...facts.endpoints]) {
    const { endpoint } = one;
    const key = endpointKey(endpoint);
    if (byKey.has(key)) continue;
    byKey.set(key, one);
    const port = endpointKey({ ...endpoint, scope: 'host' });
    byPort.set(port, [...(byPort.get(port) ?? []), endpoint]);
  }
  const entries = new Map(register.entries.map((entry) => [entry.id, entry]));
  const addresses = new Map<string, string[]>();
  for (const { host } of facts.estate.hosts)
    addresses.set(host.name, [...(addresses.get(host.name) ?? []), ...host.addresses]);
  const zones = register.zones.map((zone) => ({ name: zone.name, set: fromCidrs(zone.cidrs) }));
  const zonesOf = (texts: readonly string[]): string[] => {
    const read = texts.flatMap((text) => parseAddress(text.split('%', 1)[0] as string) ?? []);
    return zones.filter((zone) => read.some((address) => has(zone.set, address))).map((zone) => zone.name);
  };
  return {
    endpoint(host, transport, port) {
      const found = byPort.get(endpointKey({ host, scope: 'host', transport, port })) ?? [];
      const own = found.find((endpoint) => endpoint.scope === 'host');
      return own ?? (found.length === 1 ? (found[0] as Endpoint) : { host, scope: 'host', transport, port });
    },
    of({ endpoint, subject, source }) {
      const known = endpoint ? byKey.get(endpointKey(endpoint)) : undefined;
      const [kind, name] = splitSubject(subject);
      const entry = known?.entries[0]?.entry ?? (kind === 'entry' ? entries.get(name) : undefined);
      const host = endpoint?.host ?? (kind === 'host' ? name : undefined);
      return {
        ...ofEntry(entry),
        owner: entry?.owner ?? (host === undefined ? null : (owners.get(host) ?? null)),
        zones: zonesOf([
          ...(source === null ? [] : [source]),
          ...(host === undefined ? [] : (addresses.get(host) ?? [])),
        ]),
        registered: endpoint === null ? null : entry !== undefined,
        exposure: exposureOf(known),
      };
    },
  };
}

function splitSubject(subject: string | undefined): [string, string] {
  const colon = subject?.indexOf(':') ?? -1;
  return subject === undefined || colon < 0 ? ['', ''] : [subject.slice(0, colon), subject.slice(colon + 1)];
}

function ofEntry(entry: RegisterEntry | undefined) {
  return { service: entry?.service ?? null, data: (entry?.data ?? []).map((name) => name.toLowerCase()) };
}

/** Who can connect for sure; what could not be decided is unknown, never nobody. */
function exposureOf(facts: EndpointFacts | undefined): Exposure {
  if (!facts) return 'unknown';
  if (facts.listeners.length > 0 && widestBind(facts) === 'loopback') return 'nobody';
  const { admission } = facts;
  if (!admission || (admission.doubts ?? []).length > 0) return 'unknown';
  const { lower, upper } = admission.admission.admitted;
  if (isSubset(ALL_IPV4, lower)) return 'everybody';
  if (isEmpty(upper)) return 'nobody';
  return isEmpty(lower) ? 'unknown' : 'some';
}
