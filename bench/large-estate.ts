// An estate of 100,000 listeners on 200 hosts and a register of 20,000 entries, as a workspace with its state.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Listener } from '../src/model/listener.ts';
import { ALL_PORTS } from '../src/model/observation.ts';
import { parseRegisterFile } from '../src/register/load-register.ts';
import { openStore } from '../src/store/store.ts';
import { makeKey, makeRepo } from '../test/git-fixture.ts';

const HOSTS = 200;
const PORTS_PER_HOST = 500;
const HOSTS_PER_ENTRY = 5;
const FILES = 4;
/** Every tenth listener is bound wider than its entry says. */
const WIDER = 10;
export const LISTENERS = HOSTS * PORTS_PER_HOST;
export const ENTRIES = LISTENERS / HOSTS_PER_ENTRY;
export const WIDER_LISTENERS = LISTENERS / WIDER;

const portOf = (n: number) => 1024 + n * 7;

/** Each entry covers one port on five hosts; every listener is registered, nothing is approved. */
export function writeWorkspace(dir: string): void {
  mkdirSync(join(dir, 'register'), { recursive: true });
  writeFileSync(join(dir, 'quietdoor.yaml'), 'name: bench\nowners: { team: { email: team@example.org } }\n');
  writeFileSync(join(dir, '.gitignore'), '.quietdoor/\n');
  const groups = HOSTS / HOSTS_PER_ENTRY;
  for (let f = 0; f < FILES; f++) {
    const lines = ['ports:'];
    for (let i = (f * ENTRIES) / FILES; i < ((f + 1) * ENTRIES) / FILES; i++) {
      const group = i % groups;
      const n = Math.floor(i / groups);
      const hosts = Array.from({ length: HOSTS_PER_ENTRY }, (_, h) => `host-${group * HOSTS_PER_ENTRY + h}`);
      lines.push(
        `  - id: entry-${i}`,
        `    service: service-${n}`,
        `    purpose: What the service ${n} of group ${group} is for, in a sentence of usual length`,
        '    owner: team',
        `    hosts: [${hosts.join(', ')}]`,
        `    port: ${portOf(n)}`,
        '    transport: tcp',
        '    bind: loopback',
        `    process: { exe: /usr/lib/service-${n}/bin/*, user: service }`,
        '    sources: []',
        '    encryption: tls',
        '    review: { every: 90d }',
      );
    }
    writeFileSync(join(dir, `register/part-${f}.yaml`), `${lines.join('\n')}\n`);
  }
}

/**
 * Puts the workspace under git and approves every entry there as docs/how-to/approve.md says: one person wrote the
 * entries, another one stamped them in a commit that an allowed key signs. Returns what the environment is to say.
 */
export async function approveAll(dir: string, keys: string): Promise<NodeJS.ProcessEnv> {
  const repo = await makeRepo(dir);
  const key = await makeKey(keys, 'bob');
  await repo.commit({}, { author: 'alice' });
  const at = new Date().toISOString();
  for (const name of readdirSync(join(dir, 'register'))) {
    const path = join(dir, 'register', name);
    const text = readFileSync(path, 'utf8');
    const { entries } = parseRegisterFile(text, name, { zones: [], brokenZones: [], inheritedFrom: null });
    const digests = new Map(entries.map((entry) => [entry.id, entry.digest]));
    const stamped = text.replaceAll(/^ {2}- id: (.*)$/gm, (line, id: string) => {
      const digest = digests.get(id);
      return `${line}\n    approval: { by: bob@example.org, at: ${at}, proof: commit, digest: "${digest}" }`;
    });
    writeFileSync(path, stamped);
  }
  await repo.commit({}, { author: 'bob', key });
  const signers = join(keys, 'allowed_signers');
  writeFileSync(signers, `bob@example.org ${key.publicKey}\n`);
  return { QUIETDOOR_ALLOWED_SIGNERS: signers };
}

/** One observation of each host, a moment ago. */
export async function writeState(dir: string): Promise<void> {
  const store = await openStore({ dir: join(dir, '.quietdoor'), mode: 'write' });
  const now = Date.now();
  for (let h = 0; h < HOSTS; h++) {
    const host = `host-${h}`;
    await store.recordObservation(
      {
        id: `00000000-0000-7000-8000-${String(h).padStart(12, '0')}`,
        collector: 'local',
        vantage: 'local',
        observedAt: now,
        durationMs: 1,
        privilege: 'root',
        host: { name: host, addresses: [`10.0.${Math.floor(h / 250)}.${(h % 250) + 1}`], tags: [] },
        coverage: [{ host, scope: '*', transports: ['tcp', 'udp'], ports: ALL_PORTS, addresses: 'all' }],
        gaps: [],
        listeners: Array.from({ length: PORTS_PER_HOST }, (_, n) => listenerAt(host, n)),
      },
      now,
    );
  }
  await store.close();
}

function listenerAt(host: string, n: number): Listener {
  const isWider = n % WIDER === 0;
  return {
    host,
    scope: 'host',
    transport: 'tcp',
    address: isWider ? '0.0.0.0' : '127.0.0.1',
    port: portOf(n),
    bind: isWider ? 'any' : 'loopback',
    families: ['ipv4'],
    role: 'service',
    uid: 1000,
    user: 'service',
    process: {
      pid: 1000 + n,
      name: `service-${n}`,
      exe: `/usr/lib/service-${n}/bin/main`,
      exeState: 'present',
      uid: 1000,
      user: 'service',
      unit: `service-${n}.service`,
    },
    sharedWith: [],
  };
}
