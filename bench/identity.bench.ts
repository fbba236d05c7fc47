/**
 * Which looks are of one host: 5,000 hosts with 20 listeners each, seen from inside alone; then also by a scan of their
 * addresses and with an inventory of them. Medians of 9 runs. Fails when an answer is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { unifyHosts } from '../src/model/identity.ts';
import type { Listener } from '../src/model/listener.ts';
import { ALL_PORTS } from '../src/model/observation.ts';
import type { HostState, ListenerState } from '../src/model/state.ts';
import { median, printTable } from './measure.ts';

const HOSTS = 5_000;
const PER_HOST = 20;
/** Of the ports of a host so many answer a scan. */
const ANSWERING = 10;
const RUNS = 9;
const NOW = Date.UTC(2026, 10, 21, 12);

const addressOf = (n: number) => `10.${20 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

function hostAt(n: number, isInside: boolean): HostState {
  const address = addressOf(n);
  const name = isInside ? `host-${n}.example.org` : address;
  return {
    ...{ vantage: isInside ? 'local' : 'network:scanner', firstObservedAt: NOW - 86_400_000, lastObservedAt: NOW },
    ...{ privilege: 'root', collector: 'bench', observationId: `${n}`, gaps: [] },
    host: { name, addresses: [address], tags: [], ...(isInside && { machineId: n.toString(16).padStart(32, '0') }) },
    coverage: [
      isInside
        ? { host: name, scope: '*', transports: ['tcp'], ports: ALL_PORTS, addresses: 'all' }
        : { host: name, scope: 'unknown', transports: ['tcp'], ports: ALL_PORTS, addresses: [address] },
    ],
  };
}

function listenerAt(host: HostState, port: number): ListenerState {
  const isInside = host.vantage === 'local';
  const address = isInside ? '0.0.0.0' : host.host.name;
  const listener: Listener = {
    ...{ host: host.host.name, scope: isInside ? 'host' : 'unknown', transport: 'tcp', port, address },
    ...{ bind: isInside ? 'any' : 'private', families: ['ipv4'], role: 'service', process: null, sharedWith: [] },
  };
  const times = { firstSeen: NOW, openSince: NOW, lastSeen: NOW, closedAt: null, restarts: 0 };
  return { vantage: host.vantage, listener, open: true, ...times };
}

const inside = Array.from({ length: HOSTS }, (_, n) => hostAt(n, true));
const outside = Array.from({ length: HOSTS }, (_, n) => hostAt(n, false));
const listening = inside.flatMap((h) => Array.from({ length: PER_HOST }, (_, i) => listenerAt(h, 1_000 + i)));
const answering = outside.flatMap((h) => Array.from({ length: ANSWERING }, (_, i) => listenerAt(h, 1_000 + i)));
const items = inside.map(({ host }, n) => ({
  ...{ id: String(n), source: 'netbox', name: `SRV-${n}`, names: [], addresses: host.addresses, tags: ['t'] },
}));

const rows = [
  measure('from inside alone', { hosts: inside, listeners: listening }),
  measure('and a scan', { hosts: [...inside, ...outside], listeners: [...listening, ...answering] }),
  measure('and an inventory', {
    ...{ hosts: [...inside, ...outside], listeners: [...listening, ...answering] },
    assets: [{ source: 'netbox', importedAt: NOW, items }],
  }),
];
printTable(['case', 'hosts', 'listeners', `CPU, ms (median of ${RUNS})`, 'first run'], rows);

function measure(name: string, input: Parameters<typeof unifyHosts>[0]): string[] {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const before = process.threadCpuUsage();
    const found = unifyHosts(input);
    const { user, system } = process.threadCpuUsage(before);
    times.push((user + system) / 1_000);
    assert.equal(new Set(found.hosts.map((h) => h.host.name)).size, HOSTS);
    assert.ok(found.listeners.every((s) => s.listener.scope === 'host'));
  }
  const shown = [median(times), times[0] as number].map((ms) => ms.toFixed(0));
  return [name, String(input.hosts.length), String(input.listeners.length), ...shown];
}
