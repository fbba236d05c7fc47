import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Quotes a text for sh(1). */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The program that loads the rules and takes them back: plain sh, so that it needs nothing of ours. It is the one that
 * loads, so there is no moment with new rules and nobody to take them back; and it waits by the clock and by counting
 * seconds, whichever is through first, so that a clock set back does not keep the rules.
 *
 * What becomes of a run is the name of one file in its folder, changed by rename(2) only, so that of two who want it
 * otherwise exactly one succeeds:
 * `ready` (nothing loaded) → `armed` → `confirmed`, or `armed` → `rolling-back` → `rolled-back`; `ready` → `abandoned`;
 * `armed` → `failed` (not loaded).
 */
export function guardScript(options: { readonly dir: string; readonly nft: string; readonly seconds: number }): string {
  const nft = shellQuote(options.nft);
  return `# Loads rules and takes them back unless they are confirmed in time. Written by "quietdoor firewall apply".
cd ${shellQuote(options.dir)} || exit 1
umask 077
trap '' HUP PIPE
left=${options.seconds}
trap 'left=0' TERM INT
# Open from here on: what was there before can be put back even if the folder goes.
exec 3<restore.nft || exit 1
echo $$ >guard.pid || exit 1
mv ready armed || exit 0
if ! ${nft} -f apply.nft 2>load.err; then
  mv armed failed
  exit 1
fi
until=$(( $(date +%s) + left ))
date +%s >loaded
while [ ! -e confirmed ] && [ ! -e rolling-back ] && [ ! -e rolled-back ] && [ "$left" -gt 0 ] && [ "$(date +%s)" -lt "$until" ]; do
  sleep 1
  left=$((left - 1))
done
if ! mv armed rolling-back; then
  # Somebody else decided. Nobody did: the folder is gone or cannot be written, and the rules still go.
  if [ -e confirmed ] || [ -e rolling-back ] || [ -e rolled-back ]; then exit 0; fi
fi
until ${nft} -f restore.nft || ${nft} -f /proc/self/fd/3; do sleep 1; done
echo 'they were not confirmed in time' >because
date +%s >ended
mv rolling-back rolled-back
`;
}

/** How a guard was started. */
export type GuardKind = 'systemd' | 'process';

/**
 * Starts the guard of a run so that it lives on when this process, its terminal and its login end. Where systemd runs it
 * is a unit of its own, as systemd may end what a login left behind (KillUserProcesses=, logind.conf(5)).
 */
export async function startGuard(dir: string, id: string, env: NodeJS.ProcessEnv): Promise<GuardKind> {
  const script = join(dir, 'guard.sh');
  if (isUnderSystemd()) {
    const unit = `--unit=quietdoor-guard-${id}`;
    const what = '--description=Takes back firewall rules that nobody confirms';
    if (await succeeds('systemd-run', ['--quiet', '--collect', unit, what, '--', '/bin/sh', script], env))
      return 'systemd';
  }
  const child = spawn('/bin/sh', [script], { detached: true, stdio: 'ignore', cwd: '/', env });
  await new Promise<void>((resolve, reject) => {
    child.on('spawn', resolve);
    child.on('error', reject);
  });
  child.unref();
  return 'process';
}

/** systemd runs, and in the network namespace that this process is in: a unit starts in that one. */
function isUnderSystemd(): boolean {
  if (!existsSync('/run/systemd/system')) return false;
  try {
    return readlinkSync('/proc/self/ns/net') === readlinkSync('/proc/1/ns/net');
  } catch {
    return false;
  }
}

function succeeds(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, [...args], { stdio: 'ignore', env, timeout: 20_000 });
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}

/** The process id of the guard of a run, where it is alive. */
export function guardOf(dir: string): number | null {
  try {
    const pid = Number(readFileSync(join(dir, 'guard.pid'), 'utf8'));
    if (!Number.isInteger(pid) || pid < 2) return null;
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.includes(join(dir, 'guard.sh')) ? pid : null;
  } catch {
    return null;
  }
}
