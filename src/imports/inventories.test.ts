import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readText } from '../../test/read-import.ts';
import { UserError } from '../model/errors.ts';

const row = (pid: number | null, port = 80, more = {}) => ({
  address: '0.0.0.0',
  family: '2',
  port: String(port),
  protocol: '6',
  ...(pid === null ? {} : { pid: String(pid) }),
  ...more,
});
const difference = (action: string, columns: object, unixTime: number, counter: number) =>
  `${JSON.stringify({ name: 'ports', hostIdentifier: 'web-1', unixTime, counter, action, columns })}\n`;
const T = 1_795_255_200;

suite('osquery: a removed row closes a port', () => {
  const closes = async (log: string) => {
    const { observations } = await readText('osquery', log);
    const last = observations.at(-1);
    return {
      closed: (last?.coverage.length ?? 0) > (last?.listeners.length ?? 0),
      gaps: last?.gaps.map((g) => g.code),
    };
  };
  test('where the log shows every holder since the first result', async () => {
    const log = difference('added', row(1), T, 0) + difference('removed', row(1), T + 60, 1);
    assert.deepEqual(await closes(log), { closed: true, gaps: [] });
  });
  test('not while another process holds the socket', async () => {
    const log =
      difference('added', row(1), T, 0) + difference('added', row(2), T, 0) + difference('removed', row(2), T + 60, 1);
    assert.deepEqual(await closes(log), { closed: false, gaps: [] });
  });
  test('not where the log begins later, unless the query does not select the process', async () => {
    assert.deepEqual(await closes(difference('removed', row(1), T, 7)), {
      closed: false,
      gaps: ['closing-not-certain'],
    });
    assert.deepEqual(await closes(difference('removed', row(null), T, 7)), { closed: true, gaps: [] });
  });
  test('not when the process restarted', async () => {
    const log = difference('removed', row(1), T, 7) + difference('added', row(2), T, 7);
    assert.deepEqual(await closes(log), { closed: false, gaps: [] });
  });
});

test('osquery: a second query of a host covers only what it lists', async () => {
  const snapshot = (name: string, port: number) =>
    `${JSON.stringify({ snapshot: [row(1, port)], action: 'snapshot', name, hostIdentifier: 'web-1', unixTime: T })}\n`;
  const { observations } = await readText('osquery', snapshot('all', 80) + snapshot('ssh', 22));
  assert.deepEqual(
    observations.map((o) => o.coverage.map((c) => c.addresses)),
    [['all'], [['0.0.0.0']]],
  );
});

test('osquery: a host that is named by a UUID takes the given name', async () => {
  const log = JSON.stringify({
    snapshot: [row(1)],
    name: 'p',
    hostIdentifier: '4c4c4544-0031-3010-8051-b4c04f4e4631',
    unixTime: T,
  });
  const { observations } = await readText('osquery', `${log}\n`, { host: 'db-9' });
  assert.deepEqual(
    observations.map((o) => o.host.name),
    ['db-9'],
  );
});

test('Wazuh: a page of several covers only what it lists', async () => {
  const items = [
    {
      local: { ip: '0.0.0.0', port: 22 },
      remote: { ip: '0.0.0.0', port: 0 },
      state: 'listening',
      protocol: 'tcp',
      agent_id: '001',
    },
  ];
  const answer = (total: number) => JSON.stringify({ data: { affected_items: items, total_affected_items: total } });
  const cover = async (total: number) =>
    (await readText('wazuh', answer(total))).observations[0]?.coverage[0]?.addresses;
  assert.deepEqual([await cover(1), await cover(2)], ['all', ['0.0.0.0']]);
});

test('Wazuh: several agents that only have numbers are refused one by one', async () => {
  const item = (agent_id: string) => ({
    local: { ip: '0.0.0.0', port: 22 },
    state: 'listening',
    protocol: 'tcp',
    agent_id,
  });
  const { observations, problems } = await readText(
    'wazuh',
    JSON.stringify({ data: { affected_items: [item('001'), item('002')] } }),
  );
  assert.deepEqual([observations.length, problems.length], [0, 2]);
});

test('Ansible: a host that could not be asked is a problem, not an empty host', async () => {
  const output =
    'web-1 | UNREACHABLE! => {\n    "msg": "no route"\n}\ndb-1 | SUCCESS => {"ansible_facts": {"tcp_listen": [], "udp_listen": []}}\n';
  const { observations, problems } = await readText('ansible-facts', output, { host: null });
  assert.deepEqual(
    observations.map((o) => o.host.name),
    ['db-1'],
  );
  assert.match(problems[0]?.message ?? '', /UNREACHABLE.*no route/);
});

test('PowerShell: without class or State it is not known whether a port is TCP or UDP', async () => {
  const { observations, problems } = await readText(
    'powershell',
    '{"LocalAddress":"0.0.0.0","LocalPort":53,"OwningProcess":4}',
  );
  assert.deepEqual([observations[0]?.listeners.length, problems.length], [0, 1]);
});

test('PowerShell: each machine is an observation of its own', async () => {
  const of = (name: string) => ({
    LocalAddress: '0.0.0.0',
    LocalPort: 445,
    State: 2,
    OwningProcess: 4,
    PSComputerName: name,
  });
  const { observations } = await readText('powershell', JSON.stringify([of('WIN-2'), of('WIN-1')]), { host: null });
  assert.deepEqual(
    observations.map((o) => o.host.name),
    ['WIN-1', 'WIN-2'],
  );
});

test('a JSON listing without a host needs one', async () => {
  await assert.rejects(readText('osquery', JSON.stringify([row(1)]), { host: null }), UserError);
});
