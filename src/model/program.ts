import type { ProcessFacts } from './listener.ts';
import services from './services.json' with { type: 'json' };

const INTERPRETERS: ReadonlySet<string> = new Set(services.interpreters);
const KNOWN: ReadonlySet<string> = new Set(Object.keys(services.processes));

/**
 * Says whether a program runs whatever script or bytecode it is given (`python3.11`, `java`): its name says nothing of
 * what it offers, and allowing it something allows that to every script.
 */
export function isInterpreter(program: string): boolean {
  return INTERPRETERS.has(program) || INTERPRETERS.has(program.replace(/[\d.]+$/, ''));
}

/** File name of the executable; undefined where it is not visible. */
export function fileNameOf({ exe }: ProcessFacts): string | undefined {
  return exe?.slice(exe.lastIndexOf('/') + 1) || undefined;
}

/**
 * Returns what people call the program: its file, unless that is a name nobody knows and the process goes by the name of
 * a service everybody knows. Debian's redis-server is a link to redis-check-rdb, and /proc/PID/exe names the target. Only
 * for prose and guesses: a process chooses its name itself (prctl(2), PR_SET_NAME), so nothing may be allowed by it.
 */
export function programName(process: ProcessFacts): string | undefined {
  const file = fileNameOf(process);
  const { name } = process;
  if (file === undefined) return name;
  return name !== undefined && isAlias(process) ? name : file;
}

/** The process goes by a well-known name that is not that of its file. An interpreter's is its script's, or a pretence. */
export function isAlias(process: ProcessFacts): boolean {
  const file = fileNameOf(process);
  const { name } = process;
  if (file === undefined || name === undefined || name === file) return false;
  return KNOWN.has(name) && !KNOWN.has(file) && !isInterpreter(file);
}
