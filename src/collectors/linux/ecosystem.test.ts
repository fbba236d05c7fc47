import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageFacts } from '../../model/listener.ts';
import { sourceOf } from './dpkg.ts';
import { ecosystemOf } from './ecosystem.ts';

test('ecosystems by os-release, as the OSV schema names them', () => {
  const rows: readonly [manager: PackageFacts['manager'], osRelease: string, want: string | undefined][] = [
    ['dpkg', 'ID=debian\nVERSION_ID="12"', 'Debian:12'],
    ['dpkg', 'ID=debian\nPRETTY_NAME="Debian GNU/Linux trixie/sid"', undefined],
    ['dpkg', 'ID=ubuntu\nVERSION_ID="22.04"', 'Ubuntu:22.04:LTS'],
    ['dpkg', 'ID=ubuntu\nVERSION_ID="23.04"', 'Ubuntu:23.04'],
    ['dpkg', 'ID=ubuntu\nVERSION_ID="24.10"', 'Ubuntu:24.10'],
    ['dpkg', 'ID=raspbian\nVERSION_ID="12"', undefined],
    ['dpkg', 'ID=toString\nVERSION_ID="12"', undefined],
    ['rpm', 'ID="rocky"\nVERSION_ID="9.4"', 'Rocky Linux:9'],
    ['rpm', 'ID="almalinux"\nVERSION_ID="8.10"', 'AlmaLinux:8'],
    ['rpm', 'ID="rhel"\nVERSION_ID="9.4"', 'Red Hat:enterprise_linux:9'],
    ['rpm', 'ID="opensuse-leap"\nVERSION_ID="15.5"', 'openSUSE:Leap 15.5'],
    ['rpm', 'ID="opensuse-tumbleweed"\nVERSION_ID="20240101"', 'openSUSE:Tumbleweed'],
    ['rpm', 'ID="sles"\nVERSION_ID="15.5"', 'SUSE:Linux Enterprise Server 15 SP5'],
    ['rpm', 'ID=fedora\nVERSION_ID=41', undefined],
    ['rpm', 'ID=debian\nVERSION_ID="12"', undefined],
    ['apk', 'ID=alpine\nVERSION_ID=3.20.3', 'Alpine:v3.20'],
    ['apk', 'ID=alpine\nVERSION_ID=3.21_alpha20240923', undefined],
    ['apk', 'ID=wolfi\nVERSION_ID=20230201', 'Wolfi'],
    ['dpkg', '', undefined],
  ];
  for (const [manager, osRelease, want] of rows) assert.equal(ecosystemOf(manager, osRelease), want, osRelease);
});

test('the source of a Debian package, where it is another', () => {
  assert.deepEqual(sourceOf('nginx', '1', undefined), {});
  assert.deepEqual(sourceOf('nginx', '1', 'nginx'), {});
  assert.deepEqual(sourceOf('libssl3', '3.0.11-1', 'openssl'), { source: 'openssl' });
  assert.deepEqual(sourceOf('libc-bin', '2.36-9+b1', 'glibc (2.36-9)'), {
    source: 'glibc',
    sourceVersion: '2.36-9',
  });
});
