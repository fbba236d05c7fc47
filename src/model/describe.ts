import { listWords } from '../util/words.ts';
import { type Endpoint, UNKNOWN_SCOPE } from './endpoint.ts';
import type { EndpointFacts } from './facts.ts';
import { BIND_SCOPES, type BindScope, type Listener } from './listener.ts';
import { fileNameOf, isAlias, programName } from './program.ts';
import { preferInside } from './vantage.ts';

/** `8080/tcp`, or `8080/tcp in container:web` where the socket is known not to be the host's own. */
export function describePort(e: Endpoint): string {
  return e.scope === 'host' || e.scope === UNKNOWN_SCOPE
    ? `${e.port}/${e.transport}`
    : `${e.port}/${e.transport} in ${e.scope}`;
}

/**
 * Who listens: `nginx (user www-data)`; with its file where the process goes by another name; `a process that is not
 * visible` where nothing is known of it.
 */
export function describeProcess(listener: Listener): string {
  const { process } = listener;
  const user = process?.user ?? process?.uid?.toString() ?? listener.user ?? listener.uid?.toString();
  const name = process === null ? undefined : programName(process);
  const what = name ?? (process ? `process ${process.pid}` : 'a process that is not visible');
  const facts = [
    ...(process && isAlias(process) ? [`executable ${fileNameOf(process)}`] : []),
    ...(user === undefined ? [] : [`user ${user}`]),
  ];
  return facts.length === 0 ? what : `${what} (${facts.join(', ')})`;
}

/**
 * Addresses in words, sorted, each once. A dual-stack `::` (ipv6(7), IPV6_V6ONLY off) would read like IPv6 alone, so it is
 * every address; 0.0.0.0 beside it adds nothing.
 */
export function addressWords(listeners: readonly Pick<Listener, 'address' | 'families'>[]): readonly string[] {
  const [only] = listeners;
  if (only && listeners.length === 1 && only.address !== '::') return [only.address];
  const addresses = new Set(listeners.map((l) => l.address));
  const isDual = listeners.some((l) => l.address === '::' && l.families.includes('ipv4'));
  if (isDual) addresses.delete('0.0.0.0');
  return [...addresses].sort().map((a) => (isDual && a === '::' ? 'every address (IPv4 and IPv6)' : a));
}

/** How an address set reads in a sentence: `10.20.3.5 and 127.0.0.1`. As bound, where that was seen. */
export function describeAddresses(facts: Pick<EndpointFacts, 'listeners'>): string {
  return listWords(addressWords(preferInside(facts.listeners).map((l) => l.listener)));
}

/** The widest reach among the listeners; undefined where nothing listens. */
export function widestBind(facts: Pick<EndpointFacts, 'listeners'>): BindScope | undefined {
  let widest = -1;
  for (const { listener } of preferInside(facts.listeners))
    widest = Math.max(widest, BIND_SCOPES.indexOf(listener.bind));
  return BIND_SCOPES[widest];
}

const REACH: Readonly<Record<BindScope, string>> = {
  loopback: 'loopback only',
  private: 'a private address',
  public: 'a public address',
  any: 'every address of the host',
};

/** A bind scope in words: `every address of the host`. */
export function describeBind(bind: BindScope): string {
  return REACH[bind];
}
