import type { Observation } from '../src/model/observation.ts';

/** What is said of an endpoint; nmap has no word for unreachable. */
export type Word = 'open' | 'closed' | 'filtered';

/** Every endpoint with what our scan says of it; unreachable counts as filtered, as nmap has no word for it. */
export function endpointsOfScan(stdout: string): Map<string, Word> {
  const found = new Map<string, Word>();
  for (const o of stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Observation]))) {
    for (const l of o.listeners) found.set(`${l.address} ${l.port}`, 'open');
    for (const { outcome, address, ports } of o.outcomes ?? [])
      for (const { from, to } of ports)
        for (let port = from; port <= to; port++)
          found.set(`${address} ${port}`, outcome === 'closed' ? 'closed' : 'filtered');
  }
  return inOrder(found);
}

/** The same of nmap's XML; what it does not list one by one is in `extrareasons`. */
export function endpointsOfNmap(xml: string): Map<string, Word> {
  const found = new Map<string, Word>();
  for (const host of xml.split('<host ').slice(1)) {
    const address = /<address addr="([^"]+)" addrtype="ipv/.exec(host)?.[1];
    for (const [, port, state] of host.matchAll(/<port protocol="tcp" portid="(\d+)"><state state="([a-z]+)"/g))
      found.set(`${address} ${port}`, state as Word);
    for (const [, state, inner = ''] of host.matchAll(/<extraports state="([a-z]+)"[^>]*>(.*?)<\/extraports>/gs))
      for (const [, list = ''] of inner.matchAll(/ ports="([^"]+)"/g))
        for (const part of list.split(',')) {
          const [from = 0, to = from] = part.split('-').map(Number);
          for (let port = from; port <= to; port++) found.set(`${address} ${port}`, state as Word);
        }
  }
  return inOrder(found);
}

function inOrder(found: ReadonlyMap<string, Word>): Map<string, Word> {
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
