import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readText } from '../../test/read-import.ts';
import { UserError } from '../model/errors.ts';

const HEADER = 'Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n';
const TCP = 'tcp   LISTEN 0      5      127.0.0.1:5432       0.0.0.0:*    users:(("postgres",pid=812,fd=3))\n';
const UDP = 'udp   UNCONN 0      0      0.0.0.0:40001        0.0.0.0:*    users:(("client",pid=900,fd=3))\n';

async function read(text: string) {
  const { observations, problems } = await readText('ss', text);
  const [observation] = observations;
  assert.ok(observation && observations.length === 1);
  const whole = observation.coverage.filter((c) => c.addresses === 'all').flatMap((c) => c.transports);
  return { observation, problems, whole, gaps: observation.gaps.map((gap) => gap.code) };
}

suite('what a listing covers', () => {
  const cases: { name: string; text: string; whole: string[] }[] = [
    { name: 'transports of which it shows a socket', text: HEADER + TCP, whole: ['tcp'] },
    { name: 'what its command asked for', text: `# ss -tulpn\n${HEADER}${TCP}`, whole: ['tcp', 'udp'] },
    { name: 'a prompt and sudo', text: `alice@db-1:~$ sudo ss -tulpn\n${HEADER}${TCP}`, whole: ['tcp', 'udp'] },
    {
      name: 'an empty listing of a host without sockets',
      text: `# ss -tln\nState Recv-Q Send-Q Local Address:Port\n`,
      whole: ['tcp'],
    },
    { name: 'a filter leaves sockets out', text: `# ss -tulpn sport = :5432\n${HEADER}${TCP}`, whole: [] },
    { name: 'a pipe may leave sockets out', text: `# ss -tulpn | grep 5432\n${TCP}`, whole: [] },
    { name: 'one family only', text: `# ss -4tulpn\n${HEADER}${TCP}`, whole: [] },
    { name: 'connections only, without -l', text: `# ss -tunp\n${HEADER}${TCP}`, whole: [] },
    {
      name: 'a line that cannot be read',
      text: `${HEADER}${TCP}${UDP}tcp   LISTEN 0 5 127.0.0.1:99999 0.0.0.0:*\n`,
      whole: ['udp'],
    },
    { name: 'a line that is nothing', text: `${HEADER}${TCP}${UDP}Segmentation fault\n`, whole: [] },
  ];
  for (const { name, text, whole } of cases)
    test(name, async () => {
      const read_ = await read(text);
      assert.deepEqual(read_.whole, whole);
      assert.equal(read_.gaps.includes('transport-not-listed'), whole.length < 2);
    });
});

suite('sockets of clients', () => {
  test('are told by the range of the host alone', async () => {
    const told = await read(`net.ipv4.ip_local_port_range = 32768\t60999\n${HEADER}${TCP}${UDP}`);
    assert.deepEqual(
      told.observation.listeners.map((l) => [l.port, l.role]),
      [
        [5432, 'service'],
        [40001, 'ephemeral'],
      ],
    );
    assert.deepEqual(told.observation.host.ephemeralPorts, { from: 32768, to: 60999 });
    assert.deepEqual(told.gaps, []);
    const untold = await read(HEADER + TCP + UDP);
    assert.deepEqual(
      untold.observation.listeners.map((l) => l.role),
      ['service', 'service'],
    );
    assert.deepEqual(untold.gaps, ['ephemeral-ports-unknown']);
  });
});

test('a file that does not name its host needs one', async () => {
  await assert.rejects(
    readText('ss', HEADER + TCP, { host: null }),
    (error) => error instanceof UserError && /--host/.test(error.hint ?? ''),
  );
});

test('columns that a narrow terminal wrapped are put together', async () => {
  const { observation } = await read(
    `${HEADER}tcp   LISTEN 0      5      127.0.0.1:5432       0.0.0.0:*\n     users:(("postgres",pid=812,fd=3))\n`,
  );
  assert.equal(observation.listeners[0]?.process?.pid, 812);
});

test('a last line without a line feed may be cut and is not read', async () => {
  const { observation, problems, whole } = await read(`${HEADER}${TCP}tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:*`);
  assert.deepEqual([observation.listeners.length, problems.length, whole], [1, 1, []]);
});

test('workers that share a socket are one listener, the lowest pid leading', async () => {
  const { observation } = await read(
    `${HEADER}tcp LISTEN 0 5 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=921,fd=6),("nginx",pid=920,fd=6))\n`,
  );
  assert.deepEqual(
    observation.listeners.map((l) => [l.process?.pid, l.sharedWith.map((p) => p.pid)]),
    [[920, [921]]],
  );
});
