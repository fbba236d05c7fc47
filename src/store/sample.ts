import type { Finding } from '../model/finding.ts';
import type { Listener } from '../model/listener.ts';
import { ALL_PORTS, type Observation } from '../model/observation.ts';
import { uuidv5 } from '../util/uuid.ts';

/** Inputs for the tests and benchmarks of stores: plain, and the same for the same arguments. */

const NAMESPACE = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';

/** A listener on a port of 0 to 65535 × 256 addresses, with every fact known. */
export function sampleListener(host: string, n: number, l: Partial<Listener> = {}): Listener {
  const exe = `/usr/lib/postgresql/${10 + (n % 6)}/bin/postgres`;
  return {
    host,
    scope: 'host',
    transport: 'tcp',
    port: n % 65_536,
    address: `127.0.${Math.floor(n / 65_536)}.1`,
    bind: 'loopback',
    families: ['ipv4'],
    role: 'service',
    uid: 105,
    user: 'postgres',
    process: {
      pid: 1000 + n,
      startedAt: 1_790_000_000_000,
      name: 'postgres',
      exe,
      exeState: 'present',
      sha256: 'ab'.repeat(32),
      commandLine: `${exe} -D /var/lib/postgresql/main -c config_file=/etc/postgresql/main/postgresql.conf`,
      uid: 105,
      user: 'postgres',
      unit: 'postgresql@main.service',
      package: { manager: 'dpkg', name: 'postgresql', version: '15.1' },
    },
    sharedWith: [],
    ...l,
  };
}

/** What the local collector would see on a host at a time. */
export function sampleObservation(
  host: string,
  observedAt: number,
  listeners: readonly Listener[],
  o: Partial<Observation> = {},
): Observation {
  return {
    id: uuidv5(NAMESPACE, `${host} ${observedAt}`),
    collector: 'local',
    vantage: 'local',
    observedAt,
    durationMs: 12.5,
    privilege: 'root',
    host: { name: host, addresses: ['10.0.0.1'], tags: [] },
    coverage: [
      { host, scope: '*', transports: ['tcp', 'udp', 'sctp', 'udplite', 'raw'], ports: ALL_PORTS, addresses: 'all' },
    ],
    gaps: [],
    listeners,
    ...o,
  };
}

/** A finding about a port. */
export function sampleFinding(host: string, port: number, seenAt: number): Finding {
  const endpoint = { host, scope: 'host', transport: 'tcp', port } as const;
  return {
    fingerprint: uuidv5(NAMESPACE, `${host} ${port}`).replaceAll('-', ''),
    rule: 'unregistered-listener',
    severity: 'high',
    subject: { kind: 'endpoint', endpoint },
    endpoint,
    message: `port ${port} is not in the register`,
    evidence: [],
    remediation: 'register it or stop it',
    controls: [],
    firstSeen: seenAt,
    lastSeen: seenAt,
    status: 'open',
  };
}
