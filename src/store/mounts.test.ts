import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSystemOf } from './mounts.ts';

const MOUNTINFO = `22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
30 27 0:40 / /home rw,relatime shared:7 master:2 - nfs4 nas:/home rw,vers=4.2
31 30 0:41 / /home/alice/local rw - xfs /dev/vdb rw
32 27 0:42 / /mnt/with\\040blank rw - cifs //nas/share rw
33 27 0:43 / /mnt/twice rw - nfs nas:/a rw
34 27 0:44 / /mnt/twice rw - ext4 /dev/vdc rw
35 27 0:45 / /mnt/c rw - 9p C:\\134 rw
`;

const CASES: readonly (readonly [path: string, want: string])[] = [
  ['/var/lib/quietdoor', 'ext4'],
  ['/', 'ext4'],
  ['/home', 'nfs4'],
  ['/home/alice/state', 'nfs4'],
  ['/home/alice/local/state', 'xfs'],
  ['/homes', 'ext4'],
  ['/mnt/with blank/state', 'cifs'],
  ['/mnt/twice/x', 'ext4'],
  ['/mnt/c/Users', '9p'],
];
for (const [path, want] of CASES) {
  test(`${path} lies on ${want}`, () => assert.equal(fileSystemOf(MOUNTINFO, path), want));
}

test('a text that is no mountinfo covers nothing', () => {
  assert.equal(fileSystemOf('', '/'), undefined);
  assert.equal(fileSystemOf('nonsense\n1 2 3 - \n', '/'), undefined);
});
