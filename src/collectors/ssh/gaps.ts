import type { Gap } from '../../model/observation.ts';
import { listWords } from '../../util/words.ts';

/** Why a machine was not looked at, or not to the end. The subject is the machine as it was asked for. */
export const probeGaps = {
  toolsMissing: (target: string, tools: readonly string[]): Gap => ({
    code: 'ssh-tools-missing',
    subject: target,
    message: `${target} has no ${listWords(tools)}, which the probe needs; what depends on ${tools.length === 1 ? 'it' : 'them'} is unknown.`,
    remedy: 'Install it there (busybox has all of them), or scan on the machine itself.',
  }),
  unreachable: (target: string, why: string): Gap => ({
    code: 'ssh-unreachable',
    subject: target,
    message: `${target} could not be reached over SSH${because(why)}; nothing was looked at.`,
    remedy: `Try: ssh ${target} true`,
  }),
  hostKeyUnknown: (target: string): Gap => ({
    code: 'ssh-host-key-unknown',
    subject: target,
    message: `The host key of ${target} is not known here, so nothing was sent to it.`,
    remedy: `Compare its fingerprint with the machine's own and accept it once with: ssh ${target}`,
  }),
  hostKeyChanged: (target: string): Gap => ({
    code: 'ssh-host-key-changed',
    subject: target,
    message: `The host key of ${target} is another one than known_hosts has: it was set up anew, or something answers in its place. Nothing was sent to it.`,
    remedy: 'Find out which; only then remove the old key with ssh-keygen -R.',
  }),
  permissionDenied: (target: string, why: string): Gap => ({
    code: 'ssh-permission-denied',
    subject: target,
    message: `${target} did not let us in${because(why)}; nothing was looked at.`,
    remedy: 'Give a key that it accepts (ssh-agent, IdentityFile in ssh_config); passwords are not asked for.',
  }),
  sudoPassword: (target: string): Gap => ({
    code: 'ssh-sudo-password',
    subject: target,
    message: `sudo on ${target} asks for a password; nothing was looked at.`,
    remedy: 'Allow the user "NOPASSWD: /usr/bin/sh -s" there, or leave --sudo out and see fewer owners.',
  }),
  sudoDenied: (target: string, why: string): Gap => ({
    code: 'ssh-sudo-denied',
    subject: target,
    message: `sudo on ${target} refused${because(why)}; nothing was looked at.`,
    remedy: 'Allow the user "NOPASSWD: /usr/bin/sh -s" there, or leave --sudo out and see fewer owners.',
  }),
  noShell: (target: string, why: string): Gap => ({
    code: 'ssh-no-shell',
    subject: target,
    message: `${target} ran no POSIX shell for us${because(why)}; nothing was looked at.`,
    remedy: 'The account needs a shell that runs "sh -s" (no forced command, no nologin).',
  }),
  timeout: (target: string, seconds: number, sawSome: boolean): Gap => ({
    code: 'ssh-timeout',
    subject: target,
    message: `${target} was not done within ${seconds} s; ${sawSome ? 'what came by then is used, the rest was not looked at' : 'nothing was looked at'}.`,
    remedy: 'Give it longer with --timeout SECONDS, or leave the hashes out with --no-hashes.',
  }),
  truncated: (target: string, bytes: number): Gap => ({
    code: 'ssh-output-truncated',
    subject: target,
    message: `${target} answered with more than ${bytes} bytes; the rest was not read.`,
    remedy: 'If it really has that many sockets, scan on the machine itself.',
  }),
  tooLong: (target: string): Gap => ({
    code: 'ssh-output-truncated',
    subject: target,
    message: `${target} answered with more lines than a machine has processes and sockets; the rest was not read.`,
    remedy: 'If it really has that many, scan on the machine itself.',
  }),
  brokenOff: (target: string, why: string): Gap => ({
    code: 'ssh-broken-off',
    subject: target,
    message: `The connection to ${target} ended before the probe did${because(why)}; what came by then is used, the rest was not looked at.`,
  }),
  notStarted: (message: string): Gap => ({
    code: 'ssh-client-missing',
    subject: 'ssh',
    message: `The OpenSSH client could not be started (${message}); nothing was looked at.`,
    remedy: 'Install it (Debian: openssh-client).',
  }),
} as const;

function because(why: string): string {
  return why === '' ? '' : ` (${why})`;
}

/** The line of what `ssh` printed that says most, bounded; it is the machine's own word as well as the client's. */
function lastLine(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/[^\x20-\x7e]+/g, ' ').trim())
    .filter((line) => line !== '' && !/^\*\*|^@|^WARNING/.test(line));
  const line = lines.findLast((l) => /^(?:ssh|sudo|kex_exchange|banner|Connection|Permission|\S+@\S+:)/.test(l));
  return (line ?? lines.at(-1) ?? '')
    .replace(/^ssh: /, '')
    .replace(/^connect to host \S+ port \d+: /, '')
    .replace(/^\S+@\S+: /, '')
    .replace(/[.\s]+$/, '')
    .slice(0, 200);
}

/** How a connection that brought no probe's answer failed, from what the client (and the machine) printed: ssh(1). */
export function failureOf(target: string, stderr: string, code: number | null, sudo: boolean): Gap {
  const why = lastLine(stderr);
  const fromClient = code === 255;
  if (fromClient && /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for \S+ has changed/i.test(stderr))
    return probeGaps.hostKeyChanged(target);
  if (fromClient && /Host key verification failed|No \S+ host key is known for/i.test(stderr))
    return probeGaps.hostKeyUnknown(target);
  if (fromClient && /Permission denied|Too many authentication failures/i.test(stderr))
    return probeGaps.permissionDenied(target, why);
  if (fromClient) return probeGaps.unreachable(target, why);
  if (sudo && /sudo:.*(?:password is required|terminal is required|no askpass)/i.test(stderr))
    return probeGaps.sudoPassword(target);
  if (sudo && /sudo/i.test(stderr)) return probeGaps.sudoDenied(target, why);
  return probeGaps.noShell(target, why);
}
