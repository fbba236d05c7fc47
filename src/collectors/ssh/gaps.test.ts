import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf } from './gaps.ts';

/** What OpenSSH 9.2 and sudo 1.9 print. */
const CHANGED = `@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key for web has changed and you have requested strict checking.
Host key verification failed.`;

test('how a connection failed', () => {
  for (const [stderr, code, sudo, want, words] of [
    [CHANGED, 255, false, 'ssh-host-key-changed', /another one/],
    [
      'No ED25519 host key is known for web and you have requested strict checking.\r\nHost key verification failed.\r\n',
      255,
      false,
      'ssh-host-key-unknown',
      /not known/,
    ],
    [
      'root@web: Permission denied (publickey).\n',
      255,
      false,
      'ssh-permission-denied',
      /Permission denied \(publickey\)\)/,
    ],
    [
      'ssh: connect to host web port 22: Connection timed out\n',
      255,
      false,
      'ssh-unreachable',
      /\(Connection timed out\)/,
    ],
    [
      'ssh: Could not resolve hostname web: Name or service not known\n',
      255,
      false,
      'ssh-unreachable',
      /\(Could not resolve hostname web: Name or service not known\)/,
    ],
    ['kex_exchange_identification: read: Connection reset by peer', 255, false, 'ssh-unreachable', /reset by peer/],
    ['', 255, false, 'ssh-unreachable', /over SSH; nothing/],
    ['sudo: a password is required\n', 1, true, 'ssh-sudo-password', /asks for a password/],
    [
      'sudo: a terminal is required to read the password; either use the -S option to read from standard input',
      1,
      true,
      'ssh-sudo-password',
      /asks/,
    ],
    ['bash: line 1: sudo: command not found\n', 127, true, 'ssh-sudo-denied', /command not found/],
    ['This account is currently not available.\n', 1, false, 'ssh-no-shell', /currently not available/],
    ['\u001b[31mPermission denied\u0007', 1, false, 'ssh-no-shell', /\(\[31mPermission denied\)/],
  ] as const) {
    const gap = failureOf('web', stderr, code, sudo);
    assert.equal(gap.code, want, stderr);
    assert.match(gap.message, words);
    assert.equal(gap.subject, 'web');
  }
});
