import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import type { Listener, PackageFacts } from '../model/listener.ts';
import type { Register } from '../model/register.ts';
import type { ListenerState } from '../model/state.ts';
import type { Store } from '../store/store.ts';
import { loadAdvisories } from './advisories.ts';
import { givenVulnerabilityFiles, vulnerabilityFiles } from './vulnerability-files.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/advisories');
const tmp = mkdtempSync(join(tmpdir(), 'qd-advisories-'));
after(() => rmSync(tmp, { recursive: true, force: true }));

function seen(owner: PackageFacts, open = true): ListenerState {
  const listener = { process: { pid: 1, package: owner }, sharedWith: [] } as unknown as Listener;
  return { listener, open } as ListenerState;
}

const exim: PackageFacts = {
  ...{ manager: 'dpkg', name: 'exim4-daemon-light', version: '4.89-2+deb9u3', source: 'exim4' },
  ecosystem: 'Debian:9',
};
const sshd: PackageFacts = {
  ...{ manager: 'dpkg', name: 'openssh-server', version: '1:9.2p1-2+deb12u3', source: 'openssh' },
  ecosystem: 'Debian:12',
};
const files = {
  osv: [join(fixtures, 'debian', 'DSA-4456-1.json'), join(fixtures, 'other')],
  kev: join(fixtures, 'kev.json'),
};

test('joins packages, advisories and what is exploited; says what the data does not cover', async () => {
  const alpine: PackageFacts = { manager: 'apk', name: 'apache2', version: '2.4.50-r0', ecosystem: 'Alpine:v3.14' };
  const nobody: PackageFacts = { manager: 'rpm', name: 'x', version: '1-1' };
  const data = await loadAdvisories(
    files,
    [seen(exim), seen(exim), seen(sshd), seen(alpine), seen(nobody)],
    null,
    false,
  );
  assert.deepEqual(
    [...data.byPackage],
    [
      ['Alpine:v3.14|apache2|2.4.50-r0', []],
      [
        'Debian:9|exim4|4.89-2+deb9u3',
        [
          {
            id: 'DSA-4456-1',
            aliases: ['CVE-2019-10149'],
            summary: 'exim4 - security update',
            fixed: '4.89-2+deb9u4',
            exploited: { cve: 'CVE-2019-10149', due: '2022-07-10' },
          },
        ],
      ],
    ],
  );
  assert.deepEqual(data.notCovered, [{ ecosystem: 'Debian:12', packages: 1 }]);
  assert.deepEqual(data.ecosystems, ['Alpine:v3.14', 'Debian:9']);
  assert.deepEqual(data.problems, []);
});

test('remembers the answer until a file or a package changes; never one with problems', async () => {
  const cache = new Map<string, string>();
  const store = {
    cacheGet: async (key: string) => cache.get(key),
    cachePut: async (key: string, value: string) => void cache.set(key, value),
  } as unknown as Store;
  const path = join(tmp, 'one.json');
  copyFileSync(join(fixtures, 'debian', 'DSA-4456-1.json'), path);
  const own = { osv: [path], kev: null };
  const first = await loadAdvisories(own, [seen(exim)], store, true);
  assert.equal(cache.size, 1);
  assert.deepEqual(await loadAdvisories(own, [seen(exim)], store, true), first);
  assert.equal(cache.size, 1);
  const offered = { ...exim, candidate: { version: '9', dataAt: 1 } };
  await loadAdvisories(own, [seen(offered), seen(sshd, false)], store, true);
  assert.equal(cache.size, 1, 'what is on offer, and what listens no more, changes nothing');
  await loadAdvisories(own, [seen(exim), seen(sshd)], store, true);
  assert.equal(cache.size, 2);
  writeFileSync(path, '{}');
  const none = await loadAdvisories(own, [seen(exim)], store, true);
  assert.deepEqual([...none.byPackage], []);
  await loadAdvisories({ osv: [join(tmp, 'missing')], kev: null }, [seen(exim)], store, true);
  await loadAdvisories({ osv: [], kev: join(fixtures, 'kev.json') }, [seen(exim)], store, true);
  assert.equal(cache.size, 3);
});

test('files of the workspace and of flags', () => {
  const register = { vulnerabilities: { osv: ['osv/Debian'], kev: 'kev.json' } } as unknown as Register;
  assert.deepEqual(vulnerabilityFiles(register, '/srv/ports'), {
    osv: ['/srv/ports/osv/Debian'],
    kev: '/srv/ports/kev.json',
  });
  assert.equal(vulnerabilityFiles({} as Register, '/srv'), null);
  assert.equal(givenVulnerabilityFiles({}), null);
  assert.deepEqual(givenVulnerabilityFiles({ osv: [fixtures] }), { osv: [fixtures], kev: null });
  assert.throws(() => givenVulnerabilityFiles({ kev: join(tmp, 'none') }), /there is no/);
});
