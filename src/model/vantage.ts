/**
 * Where an observation looked from, as stored in `vantage`: `local`, `agentless` (the host's own tables, read over SSH),
 * `network:NAME` (reached over the network from the machine NAME), `import:FORMAT`. State is kept per vantage.
 */
export type Vantage = string;

/**
 * `inside`: the host's own socket tables; scopes and processes may be known. `outside`: what answered over the network; the
 * scope of an open port is unknown until it is matched, and an open port is one that is reachable from there.
 */
export type VantageKind = 'inside' | 'outside';

/** Import formats that report what answered, rather than the host's own tables. */
const OUTSIDE_IMPORTS: ReadonlySet<string> = new Set(['nmap', 'masscan', 'naabu', 'csv-scan']);

/** Says whether a vantage sees the host's own tables or what answers over the network. */
export function vantageKind(vantage: Vantage): VantageKind {
  if (vantage === 'local') return 'inside';
  const colon = vantage.indexOf(':');
  const kind = colon < 0 ? vantage : vantage.slice(0, colon);
  if (kind === 'network') return 'outside';
  return kind === 'import' && OUTSIDE_IMPORTS.has(vantage.slice(colon + 1)) ? 'outside' : 'inside';
}

/** How a vantage reads in a sentence: `from the host itself`, `over the network from scanner-1`, `by an nmap import`. */
export function vantageWords(vantage: Vantage): string {
  if (vantage === 'local') return 'from the host itself';
  if (vantage === 'agentless') return 'from the host itself, over SSH';
  if (vantage.startsWith('network:')) return `over the network from ${vantage.slice(8)}`;
  if (vantage.startsWith('import:')) return `by import of ${vantage.slice(7)}`;
  return `from ${vantage}`;
}

/**
 * What was seen from inside, where anything was: it knows scope, process and every address bound to, so it is what an
 * endpoint is judged by. Else everything, as it is.
 */
export function preferInside<T extends { readonly vantage: Vantage }>(seen: readonly T[]): readonly T[] {
  let inside = 0;
  for (const { vantage } of seen) if (vantageKind(vantage) === 'inside') inside++;
  return inside === 0 || inside === seen.length ? seen : seen.filter((s) => vantageKind(s.vantage) === 'inside');
}

/** Looks that saw something, those from inside where there are any: one that failed says nothing of the host. */
export function preferInsideLooks<T extends { readonly vantage: Vantage; readonly coverage: readonly unknown[] }>(
  looks: readonly T[],
): readonly T[] {
  return preferInside(looks.filter((look) => look.coverage.length > 0));
}

/** Says whether something was seen from inside. */
export function isSeenInside(seen: readonly { readonly vantage: Vantage }[]): boolean {
  return seen.some(({ vantage }) => vantageKind(vantage) === 'inside');
}
