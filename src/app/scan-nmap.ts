import { createReadStream } from 'node:fs';
import { runNmap } from '../collectors/network/nmap-engine.ts';
import { setOfCidrs } from '../collectors/network/targets.ts';
import { nmap } from '../imports/nmap.ts';
import { toCidrs } from '../model/address-set.ts';
import { UserError } from '../model/errors.ts';
import type { PortRange, UnnamedObservation } from '../model/observation.ts';
import { mergePorts } from '../model/port-ranges.ts';
import { thisHost } from './context.ts';
import type { ScanOrder } from './scan-journal.ts';
import type { ScanSurroundings } from './scan-network.ts';

/** Blocks on nmap's command line at most: it may not grow without end (execve(2)). */
const MOST_BLOCKS = 10_000;

/**
 * Lets an installed nmap scan, and yields what its XML says, as seen from this machine. Nothing comes before nmap is done
 * with a family; a run that is stopped keeps what the XML holds by then. Throws UserError where nmap cannot run.
 */
export async function* lookWithNmap(
  order: ScanOrder,
  options: readonly string[],
  { env, signal }: Pick<ScanSurroundings, 'env' | 'signal'>,
): AsyncGenerator<UnnamedObservation, void, undefined> {
  const { ipv4, ipv6 } = setOfCidrs(order.addresses);
  for (const set of [
    { ipv4, ipv6: [] },
    { ipv4: [], ipv6 },
  ]) {
    const targets = toCidrs(set);
    if (targets.length === 0 || signal.aborted) continue;
    if (targets.length > MOST_BLOCKS)
      throw new UserError(`${targets.length} separate blocks of addresses are too many for nmap`, {
        hint: 'Scan them in parts, or without --engine nmap.',
      });
    yield* run(order, options, targets, set.ipv6.length > 0, env, signal);
  }
}

async function* run(
  order: ScanOrder,
  options: readonly string[],
  targets: readonly string[],
  ipv6: boolean,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): AsyncGenerator<UnnamedObservation, void, undefined> {
  const said: string[] = [];
  const onLine = (line: string) => {
    said.push(line);
    if (said.length > 3) said.shift();
  };
  const { xmlFile, exitCode, remove } = await runNmap({
    targets,
    exclude: [],
    ports: portsFor(order),
    flags: flagsFor(order, options),
    ipv6,
    signal,
    onLine,
  });
  try {
    if (exitCode !== 0 && !signal.aborted)
      throw new UserError(`nmap failed: ${said.join(' ').trim() || `exit ${exitCode}`}`);
    const now = Date.now();
    const read = { source: xmlFile, host: null, observedAt: now, now, mapping: new Map(), report: () => {} };
    for await (const seen of nmap.read(createReadStream(xmlFile), read)) {
      const names = seen.host.names ?? order.names[seen.host.name];
      yield { ...seen, vantage: `network:${thisHost(env)}`, host: { ...seen.host, ...(names && { names }) } };
    }
  } finally {
    await remove();
  }
}

function portsFor({ ports, udp }: ScanOrder): string {
  const tcp = written(ports);
  return udp.length === 0 ? tcp : `T:${tcp},U:${written(udp)}`;
}

function written(ports: readonly number[]): string {
  const merged: readonly PortRange[] = mergePorts(ports.map((port) => ({ from: port, to: port })));
  return merged.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** The user's options, and what the scan was told: its rate, identification, UDP. nmap has no cap per host. */
function flagsFor(order: ScanOrder, options: readonly string[]): string[] {
  const has = (pattern: RegExp) => options.some((option) => pattern.test(option));
  const flags = [...options];
  if (order.rate !== null && !has(/^--max-rate/)) flags.push(`--max-rate=${Math.max(1, Math.round(order.rate))}`);
  if (order.identify && !has(/^-sV$/)) flags.push('-sV');
  if (order.udp.length > 0) flags.push(...(has(/^-s[ST]$/) ? ['-sU'] : ['-sT', '-sU']));
  return [...new Set(flags)];
}
