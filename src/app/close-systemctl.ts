import { spawn } from 'node:child_process';
import type { SystemctlCommand } from '../enforce/close-plan.ts';
import { isUnitName, parseUnits, UNIT_PROPERTIES, type UnitFacts } from '../enforce/close-units.ts';
import { UserError } from '../model/errors.ts';

const TIMEOUT_MS = 120_000;
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * What systemd knows of units, of every socket unit, and of what starts them; null: systemd does not run here, or does
 * not answer.
 */
export async function showUnits(
  names: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<readonly UnitFacts[] | null> {
  const known = new Map<string, UnitFacts>();
  const ask = async (units: readonly string[]) => {
    if (units.length === 0) return true;
    const { code, stdout } = await systemctl(
      ['show', '--no-pager', `--property=${UNIT_PROPERTIES.join(',')}`, '--', ...units],
      env,
    );
    for (const unit of parseUnits(stdout)) known.set(unit.id, unit);
    return code === 0;
  };
  // A pattern stands for the units that are loaded.
  if (!(await ask(['*.socket'])) || !(await ask(names.filter(isUnitName)))) return null;
  for (let depth = 0; depth < 2; depth++) {
    const missing = [...known.values()]
      .filter((unit) => names.includes(unit.id) || depth > 0)
      .flatMap((unit) => [...unit.triggeredBy, ...unit.triggers])
      .filter((name) => isUnitName(name) && !known.has(name));
    await ask([...new Set(missing)]);
  }
  // What sockets stand for, as a socket that listens may not have been named.
  await ask(
    [...new Set([...known.values()].flatMap((unit) => unit.triggers))].filter(
      (name) => isUnitName(name) && !known.has(name),
    ),
  );
  return [...known.values()];
}

/** Runs commands one after the other; stops at the first that fails. Throws UserError that names it. */
export async function runSystemctl(commands: readonly SystemctlCommand[], env: NodeJS.ProcessEnv): Promise<void> {
  for (const command of commands) {
    const { code, stderr } = await systemctl(command, env);
    if (code !== 0)
      throw new UserError(
        `"systemctl ${command.join(' ')}" failed: ${stderr.trim().slice(0, 500) || `exit code ${code}`}`,
        {
          hint: 'What was done before it stays; put it back with: quietdoor close --undo',
        },
      );
  }
}

function systemctl(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn('systemctl', [...args], {
      env: { ...env, LC_ALL: 'C', SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      if (stdout.length < MAX_BYTES) stdout += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      if (stderr.length < 65_536) stderr += part;
    });
    child.on('error', (error) => resolve({ code: -1, stdout, stderr: error.message }));
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}
