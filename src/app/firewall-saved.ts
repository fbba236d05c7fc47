import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { collectLocalFirewall, type LocalFirewallOptions } from '../collectors/linux/firewall.ts';
import { MAX_OUTPUT_BYTES, OUTPUT_TIMEOUT_MS, ROOT_PATH } from '../collectors/linux/firewall-dump.ts';
import type { RulesetDump, SavedRules } from '../model/admission.ts';

/** The packet filters of this machine, with what it loads when it starts, as root. Never throws. */
export async function takeLocalFirewall(options: LocalFirewallOptions): Promise<RulesetDump> {
  const [dump, saved] = await Promise.all([
    collectLocalFirewall(options),
    process.platform === 'linux' && process.geteuid?.() === 0
      ? readSavedConfiguration(options.path === undefined ? {} : { path: options.path })
      : undefined,
  ]);
  return saved && dump.files.length > 0 ? { ...dump, saved } : dump;
}

/** Texts of iptables-restore that a service loads when the machine starts, as they are. */
const RESTORED = [
  { service: 'netfilter-persistent', files: ['/etc/iptables/rules.v4', '/etc/iptables/rules.v6'] },
  { service: 'iptables', files: ['/etc/sysconfig/iptables', '/etc/iptables/iptables.rules'] },
  { service: 'ip6tables', files: ['/etc/sysconfig/ip6tables', '/etc/iptables/ip6tables.rules'] },
] as const;

/** Scripts of nft that its service loads, the first that is there. */
const NFT_SCRIPTS = ['/etc/nftables.conf', '/etc/sysconfig/nftables.conf', '/etc/nftables.nft'];

/** Services that make rules of their own: what is saved in files is not all that there will be. */
const RULE_MAKERS = [
  'firewalld',
  'docker',
  'fail2ban',
  'kubelet',
  'k3s',
  'libvirtd',
  'tailscaled',
  'ferm',
  'shorewall',
];

export interface SavedOptions {
  /** Folder that stands for `/`; tests give another. */
  readonly root?: string;
  /** Folders of the programs, separated by colons. */
  readonly path?: string;
  /** Longest that a script may take; tests give less. */
  readonly timeoutMs?: number;
}

/**
 * The rules that this machine loads when it starts, as far as a file holds them; undefined: no service loads any. Reads
 * files; what is a script of nft is run in a network namespace of its own, so that nothing of the machine changes.
 */
export async function readSavedConfiguration({
  root = '/',
  path = ROOT_PATH,
  timeoutMs = OUTPUT_TIMEOUT_MS,
}: SavedOptions = {}): Promise<SavedRules | undefined> {
  const started = servicesStarted(root);
  const files: { name: string; text: string }[] = [];
  const problems: string[] = [];
  const restored = RESTORED.filter(({ service }) => started.has(service));
  for (const name of restored.flatMap((r) => r.files)) {
    const read = readText(join(root, name));
    if (read === null) continue;
    if (read.problem === undefined) files.push({ name, text: read.text });
    else problems.push(`${name} ${read.problem}`);
  }
  const script = started.has('nftables') ? NFT_SCRIPTS.find((name) => existsSync(join(root, name))) : undefined;
  if (script !== undefined) {
    const listed = await rulesOfScript(join(root, script), path, timeoutMs);
    if ('text' in listed) files.push({ name: script, text: listed.text });
    else problems.push(`${script} could not be turned into rules: ${listed.problem}`);
  }
  if (/^\s*ENABLED\s*=\s*"?yes"?\s*$/im.test(readText(join(root, '/etc/ufw/ufw.conf'))?.text ?? ''))
    problems.push('ufw makes rules of its own from /etc/ufw when the machine starts');
  for (const service of RULE_MAKERS)
    if (started.has(service)) problems.push(`${service} makes rules of its own when it starts`);
  return files.length === 0 && problems.length === 0 ? undefined : { files, problems };
}

/** Units that systemd starts with the machine, without `.service`: links in the folders of what wants them. */
function servicesStarted(root: string): ReadonlySet<string> {
  const dir = join(root, '/etc/systemd/system');
  const names = new Set<string>();
  for (const wants of entriesOf(dir).filter((name) => /\.(wants|requires)$/.test(name)))
    for (const unit of entriesOf(join(dir, wants))) names.add(unit.replace(/\.service$/, ''));
  return names;
}

function entriesOf(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function readText(file: string): { readonly text: string; readonly problem?: string } | null {
  try {
    const facts = statSync(file);
    if (!facts.isFile()) return { text: '', problem: 'is no file' };
    if (facts.size > MAX_OUTPUT_BYTES) return { text: '', problem: 'is too large' };
    return { text: readFileSync(file, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return { text: '', problem: `could not be read (${(error as NodeJS.ErrnoException).code ?? error})` };
  }
}

/** Loads the script where nothing else is, and lists what came of it. */
function rulesOfScript(
  script: string,
  path: string,
  timeoutMs: number,
): Promise<{ text: string } | { problem: string }> {
  return new Promise((resolve) => {
    // The script's path is an argument, never a part of the command.
    const args = ['-n', 'sh', '-c', 'nft -f "$1" && exec nft -j list ruleset', 'sh', script];
    // As its service runs it: what it includes must not depend on the folder that somebody happens to stand in.
    const child = spawn('unshare', args, {
      ...{ cwd: '/', detached: true, env: { PATH: path, LC_ALL: 'C' } },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // The group: what the shell started would go on, and keep the pipes open.
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // ended meanwhile
      }
    };
    const pieces: Buffer[] = [];
    let length = 0;
    let error = '';
    const timer = setTimeout(end, timeoutMs);
    child.stdout.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > MAX_OUTPUT_BYTES) end();
      else pieces.push(piece);
    });
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      if (error.length < 2_000) error += piece;
    });
    child.on('error', (cause) => {
      clearTimeout(timer);
      resolve({ problem: cause.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const said = error.split('\n', 1)[0]?.slice(0, 200) || `nft ended with ${code ?? 'a signal'}`;
      resolve(code === 0 ? { text: Buffer.concat(pieces).toString('utf8') } : { problem: said });
    });
  });
}
