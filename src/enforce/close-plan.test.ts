import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProcessFacts } from '../model/listener.ts';
import { type CloseInput, closeCommands, planClose, reopenCommands } from './close-plan.ts';
import { isUnitName, listensOn, parseUnits, type UnitFacts } from './close-units.ts';

const unit = (id: string, more: Partial<UnitFacts> = {}): UnitFacts => ({
  ...{ id, loadState: 'loaded', activeState: 'active', fileState: 'enabled' },
  ...{ fragmentPath: `/usr/lib/systemd/system/${id}`, triggeredBy: [], wantedBy: [], triggers: [], listen: [] },
  ...more,
});

const held = (more: Partial<ProcessFacts> = {}): ProcessFacts => ({
  pid: 700,
  name: 'web',
  exe: '/usr/bin/web',
  unit: 'web.service',
  ...more,
});

const input = (more: Partial<CloseInput> = {}): CloseInput => ({
  ...{ transport: 'tcp', port: 8080, scope: 'host', holders: [held()], units: [unit('web.service')] },
  ...{ ancestors: [1000], sessionPorts: [22] },
  ...more,
});

const INIT: ProcessFacts = { pid: 1, name: 'systemd', exe: '/usr/lib/systemd/systemd', unit: 'init.scope' };

test('units that are stopped, disabled and masked', () => {
  for (const [title, given, commands, notes] of [
    ['a service', input(), ['disable web.service', 'mask web.service', 'stop web.service'], /^$/],
    [
      'a socket that systemd holds for a service that does not run',
      input({
        holders: [INIT],
        units: [
          unit('web.socket', { triggers: ['web.service'], listen: ['[::]:8080 (Stream)'] }),
          unit('web.service', { activeState: 'inactive', fileState: 'static' }),
          unit('other.socket', { triggers: ['other.service'], listen: ['[::]:8081 (Stream)'] }),
        ],
      }),
      ['disable web.socket', 'mask web.socket web.service', 'stop web.socket'],
      /^$/,
    ],
    [
      'a timer that starts it again',
      input({
        units: [unit('web.service', { triggeredBy: ['web.timer'] }), unit('web.timer', { triggers: ['web.service'] })],
      }),
      ['disable web.timer web.service', 'mask web.timer web.service', 'stop web.timer web.service'],
      /^$/,
    ],
    [
      'a path unit that stands for others too stays',
      input({
        units: [
          unit('web.service', { triggeredBy: ['many.path'] }),
          unit('many.path', { triggers: ['a.service', 'web.service'] }),
        ],
      }),
      ['disable web.service', 'mask web.service', 'stop web.service'],
      /many\.path starts web\.service, and a\.service too/,
    ],
    [
      'a unit whose own file is in the way of a mask',
      input({
        units: [
          unit('web.service', { fragmentPath: '/etc/systemd/system/web.service', wantedBy: ['multi-user.target'] }),
        ],
      }),
      ['disable web.service', 'stop web.service'],
      /multi-user\.target would start web\.service again.*cannot be masked/s,
    ],
    [
      'an instance of a template',
      input({
        holders: [held({ unit: 'pg@15-main.service' })],
        units: [unit('pg@15-main.service', { fileState: 'enabled-runtime' })],
      }),
      ['disable pg@15-main.service', 'mask pg@15-main.service', 'stop pg@15-main.service'],
      /is an instance/,
    ],
  ] as const) {
    const plan = planClose(given);
    assert.deepEqual(plan.refused, [], title);
    assert.deepEqual(
      closeCommands(plan.units).map((c) => c.join(' ')),
      commands,
      title,
    );
    assert.match(plan.notes.join('\n'), notes, title);
  }
});

test('undo goes back to what was, and no further', () => {
  const { units } = planClose(
    input({
      units: [
        unit('web.service', { activeState: 'inactive', fileState: 'disabled', triggeredBy: ['web.socket'] }),
        unit('web.socket', { fileState: 'enabled-runtime', triggers: ['web.service'] }),
      ],
    }),
  );
  assert.deepEqual(
    reopenCommands(units).map((c) => c.join(' ')),
    ['unmask web.socket web.service', 'enable --runtime web.socket', 'start web.socket'],
  );
});

test('what is refused', () => {
  for (const [given, why] of [
    [input({ port: 22 }), /logged in by port 22/],
    [input({ ancestors: [700] }), /what this program was started by/],
    [input({ holders: [held({ unit: 'session-3.scope' })] }), /started by hand in session-3\.scope/],
    [input({ holders: [{ pid: 9 }] }), /belongs to no systemd unit/],
    [input({ holders: [held({ unit: 'systemd-resolved.service' })] }), /more than this port depends on/],
    [input({ holders: [held({ container: 'a'.repeat(64) })] }), /in a container/],
    [input({ scope: 'container:web' }), /container:web/],
    [input({ holders: [held({ name: 'docker-proxy', unit: 'docker.service' })] }), /Docker publishes port 8080/],
    [input({ units: [] }), /does not know: perhaps a unit of a user/],
    [input({ holders: [INIT], units: [] }), /no socket unit is known/],
    [input({ holders: [] }), /Nothing is known of what holds port 8080/],
  ] as const) {
    const plan = planClose(given);
    assert.match(plan.refused.join('\n'), why);
    assert.deepEqual(plan.units, []);
  }
});

test('names that could be options or patterns never reach systemctl', () => {
  for (const name of ['web.service', 'pg@15-main.service', 'dev-disk\\x2d1.mount', 'a:b.socket'])
    assert.ok(isUnitName(name), name);
  for (const name of ['--now', '-H x.service', '*.service', 'a b.service', 'web', '../x.service', '', 'x.service\n'])
    assert.ok(!isUnitName(name), name);
  assert.deepEqual(parseUnits('Id=--now\nLoadState=loaded\n\nnonsense\n'), []);
  const [socket] = parseUnits('Id=x.socket\nListen=/run/x (Stream)\nListen=127.0.0.1:53 (Datagram)\n');
  assert.ok(socket && listensOn(socket, 'udp', 53) && !listensOn(socket, 'tcp', 53) && !listensOn(socket, 'udp', 3));
});
