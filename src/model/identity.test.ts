import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindScopeOf } from './address.ts';
import { endpointKey } from './endpoint.ts';
import { unifyHosts } from './identity.ts';
import type { Listener } from './listener.ts';
import { ALL_PORTS } from './observation.ts';
import type { HostState, ListenerState } from './state.ts';

const NOW = Date.UTC(2026, 10, 22, 12);

function look(name: string, vantage: string, facts: Partial<HostState['host']> = {}, at = NOW): HostState {
  const isInside = !vantage.startsWith('network:') && vantage !== 'import:nmap';
  const addresses = facts.addresses ?? (isInside ? [] : [name]);
  return {
    ...{ vantage, host: { name, tags: [], ...facts, addresses }, firstObservedAt: at - 60_000, lastObservedAt: at },
    ...{ privilege: 'root', collector: 'test', observationId: `${vantage} ${name}`, gaps: [] },
    coverage: [
      isInside
        ? { host: name, scope: '*', transports: ['tcp'], ports: ALL_PORTS, addresses: 'all' }
        : { host: name, scope: 'unknown', transports: ['tcp'], ports: ALL_PORTS, addresses: [name] },
    ],
  };
}

function listener(host: string, vantage: string, address: string, port: number, more: Partial<Listener> = {}) {
  const isInside = !vantage.startsWith('network:') && vantage !== 'import:nmap';
  const seen: Listener = {
    ...{ host, scope: isInside ? 'host' : 'unknown', transport: 'tcp', port, address, bind: bindScopeOf(address) },
    ...{ families: [address.includes(':') ? 'ipv6' : 'ipv4'], role: 'service', process: null, sharedWith: [], ...more },
  };
  const times = { firstSeen: NOW - 60_000, openSince: NOW - 60_000, lastSeen: NOW, closedAt: null, restarts: 0 };
  return { vantage, listener: seen, open: true, ...times } satisfies ListenerState;
}

test('a local look and a scan of one host are one host with one endpoint', () => {
  const found = unifyHosts({
    hosts: [look('db-1', 'local', { addresses: ['10.0.0.5'] }), look('10.0.0.5', 'network:scanner')],
    listeners: [listener('db-1', 'local', '0.0.0.0', 5432), listener('10.0.0.5', 'network:scanner', '10.0.0.5', 5432)],
  });
  assert.deepEqual([...new Set(found.hosts.map((h) => h.host.name))], ['db-1']);
  assert.deepEqual([...new Set(found.listeners.map((l) => endpointKey(l.listener)))], ['db-1:5432/tcp']);
  assert.equal(found.nameOf('10.0.0.5'), 'db-1');
});
