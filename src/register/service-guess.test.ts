import assert from 'node:assert/strict';
import { test } from 'node:test';
import services from '../model/services.json' with { type: 'json' };
import { guessService, isStandIn, type ServiceGuess } from './service-guess.ts';

const cases: { name: string; input: Parameters<typeof guessService>; want: ServiceGuess }[] = [
  { name: 'both agree', input: ['tcp', 22, 'sshd'], want: { service: 'ssh', basis: 'port-and-process' } },
  { name: 'one of several', input: ['tcp', 443, 'nginx'], want: { service: 'https', basis: 'port-and-process' } },
  {
    name: 'process on an unusual port',
    input: ['tcp', 5433, 'postgres'],
    want: { service: 'postgresql', basis: 'process' },
  },
  {
    name: 'port of an unknown process',
    input: ['tcp', 5432, 'ordersd'],
    want: { service: 'postgresql', basis: 'port' },
  },
  { name: 'process not visible', input: ['tcp', 6379, null], want: { service: 'redis', basis: 'port' } },
  {
    name: 'sshd on the port of https',
    input: ['tcp', 443, 'sshd'],
    want: { service: 'ssh', basis: 'conflict', usualForPort: 'https' },
  },
  { name: 'neither known', input: ['tcp', 47_001, 'ordersd'], want: { service: null, basis: 'none' } },
  { name: 'the transport matters', input: ['udp', 22, null], want: { service: null, basis: 'none' } },
  {
    name: 'a name that JavaScript objects have',
    input: ['tcp', 47_001, 'constructor'],
    want: { service: null, basis: 'none' },
  },
];
for (const c of cases) test(`guess: ${c.name}`, () => assert.deepEqual(guessService(...c.input), c.want));

test('interpreters and proxies stand in for others, with a version behind the name too', () => {
  for (const name of ['python3.11', 'python3', 'node', 'docker-proxy', 'systemd']) assert.ok(isStandIn(name), name);
  for (const name of ['postgres', 'sshd', 'nodejs-exporter']) assert.ok(!isStandIn(name), name);
});

test('the table holds service names (RFC 6335, section 5.1) or names of the same form, and ports', () => {
  const form = /^(?=.{1,24}$)[a-z0-9]+(-[a-z0-9]+)*$/;
  for (const ports of Object.values(services.ports)) {
    for (const [port, service] of Object.entries(ports)) {
      assert.match(service, form);
      assert.ok(Number(port) > 0 && Number(port) < 65_536, port);
    }
  }
  for (const names of Object.values(services.processes)) for (const name of names) assert.match(name, form);
});
