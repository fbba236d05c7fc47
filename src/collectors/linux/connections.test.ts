import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { formatAddress } from '../../model/address.ts';
import { parseConnections, readConnections } from './connections.ts';

const HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

test('rows of the kernel tables', () => {
  const { rows, malformed } = parseConnections(
    `${HEADER}   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 2001 1 0000000000000000 100 0 0 10 0
   1: 0503140A:1538 1109140A:C001 01 00000000:00000000 02:0000A7E5 00000000   999        0 2002 2 0000000000000000 20 4 30 10 -1
   2: 0503140A:1538 1109140A:C002 06 00000000:00000000 03:00000C2B 00000000     0        0 0 3 0000000000000000
  12: 0000000000000000FFFF00000503140A:0016 0000000000000000FFFF00001109140A:D001 01 00000000:00000000 00:00000000 00000000     0        0 77 1 0 20 4 30 10 -1
  13: 000080FE00000000FF005450010000FE:0016 000080FE00000000FF005450020000FE:D001 08 00000000:00000000 00:00000000 00000000     0        0 78 1 0 20 4 30 10 -1
 rubbish
`,
    true,
  );
  assert.equal(malformed, 1);
  assert.deepEqual(
    rows.map((r) => [r.state, formatAddress(r.local), r.localPort, formatAddress(r.peer), r.peerPort, r.inode]),
    [
      [10, '127.0.0.1', 5432, '0.0.0.0', 0, 2001],
      [1, '10.20.3.5', 5432, '10.20.9.17', 49153, 2002],
      [1, '10.20.3.5', 22, '10.20.9.17', 53249, 77],
      [8, 'fe80::5054:ff:fe00:1', 22, 'fe80::5054:ff:fe00:2', 53249, 78],
    ],
  );
});

test('a connection of this process', { skip: process.platform !== 'linux' && 'needs Linux' }, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  const { port } = server.address() as { port: number };
  const client = connect(port, '127.0.0.1');
  await new Promise((resolve) => client.on('connect', resolve));
  const { incoming, listening } = readConnections('/proc/self');
  assert.ok(listening.includes(port));
  const found = incoming.filter((c) => c.localPort === port);
  assert.deepEqual(
    found.map((c) => [formatAddress(c.peer), c.peerPort]),
    [['127.0.0.1', client.localPort]],
  );
  client.destroy();
  server.close();
});
