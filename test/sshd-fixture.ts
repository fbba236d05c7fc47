import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An sshd of our own on loopback, with its own keys, and a client configuration that knows it. */
export interface Sshd {
  readonly folder: string;
  readonly port: number;
  /** ssh_config(5) to give with --ssh-config. */
  readonly config: string;
  /** An alias with a key of its own; `command`: what runs whatever the client asks for. */
  readonly addHost: (alias: string, options?: HostOptions) => void;
  readonly stop: () => void;
}

export interface HostOptions {
  /** What runs instead of what the client asks for. */
  readonly command?: string;
  /** The host key that the client knows: the real one, another one, or none. */
  readonly hostKey?: 'known' | 'changed' | 'unknown';
  /** The machine knows the client's key. */
  readonly allowed?: boolean;
  readonly user?: string;
  readonly port?: number;
}

const SSHD = '/usr/sbin/sshd';

/** Why it cannot be had here; false where it can. */
export function whyNoSshd(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.geteuid?.() !== 0) return 'needs root, for sshd';
  if (spawnSync(SSHD, ['-V']).error) return 'needs openssh-server';
  if (spawnSync('ssh', ['-V']).error) return 'needs openssh-client';
  return false;
}

export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'qd-sshd-'));
  const at = (name: string) => join(folder, name);
  const makeKey = (name: string) => execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  const publicKey = (name: string) =>
    readFileSync(at(`${name}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  for (const key of ['host', 'other', 'stranger']) makeKey(key);
  const port = await freePort();
  writeFileSync(at('authorized'), '');
  writeFileSync(at('known_hosts'), '');
  writeFileSync(
    at('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized')}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'MaxStartups 200',
      'MaxSessions 200',
    ].join('\n'),
  );
  writeFileSync(at('ssh_config'), '');
  mkdirSync('/run/sshd', { recursive: true }); // where sshd locks itself in; the package makes it at boot
  const child = spawn(SSHD, ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await started(child);
  return {
    folder,
    port,
    config: at('ssh_config'),
    addHost: (alias, { command, hostKey = 'known', allowed = true, user = 'root', port: other = port } = {}) => {
      if (allowed) {
        makeKey(`key-${alias}`);
        const prefix = command === undefined ? '' : `command="${command.replaceAll('"', '\\"')}" `;
        appendFileSync(at('authorized'), `${prefix}${publicKey(`key-${alias}`)}\n`);
      }
      if (hostKey !== 'unknown')
        appendFileSync(at('known_hosts'), `${alias} ${publicKey(hostKey === 'known' ? 'host' : 'other')}\n`);
      const lines = [
        `Host ${alias}`,
        '  HostName 127.0.0.1',
        `  HostKeyAlias ${alias}`,
        `  Port ${other}`,
        `  User ${user}`,
        `  IdentityFile ${at(allowed ? `key-${alias}` : 'stranger')}`,
        '  IdentitiesOnly yes',
        '  IdentityAgent none',
        `  UserKnownHostsFile ${at('known_hosts')}`,
        '  GlobalKnownHostsFile none',
        '  HashKnownHosts no',
      ];
      appendFileSync(at('ssh_config'), `${lines.join('\n')}\n`);
    },
    stop: () => {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
      if (said.includes('Server listening')) resolve();
    });
    child.on('exit', () => reject(new Error(`sshd ended: ${said}`)));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
