import { existsSync, statSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../model/errors.ts';

/** A setting in force, with the place it came from: what `config show` prints. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

/** What every use case is told of its surroundings. */
export interface Context {
  /** Absolute path of the workspace. */
  readonly workspace: string;
  /** Absolute path of the folder that holds observations and the ledger. */
  readonly state: string;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Who runs this, for the ledger: `user:alice`. */
  readonly actor: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: readonly Setting[];
}

export interface PlaceFlags {
  readonly workspace?: string;
  readonly state?: string;
}

export const WORKSPACE_FILE = 'quietdoor.yaml';

/**
 * Works out where the workspace and its state are: flags override environment, then the nearest folder upward with a
 * quietdoor.yaml. Throws UserError where there is none. (Values from the environment arrive as flags too; commander
 * reads them. They are told apart here, so that `config show` can name the place.)
 */
export function openContext(flags: PlaceFlags, env: NodeJS.ProcessEnv = process.env): Context {
  const found = findWorkspace(flags, env);
  if (!existsSync(join(found.value, WORKSPACE_FILE))) {
    throw new UserError(`${found.value} is no workspace: it has no ${WORKSPACE_FILE}`, {
      hint: `Make one with: quietdoor init ${found.value}`,
    });
  }
  return contextFor(found, flags, env);
}

function contextFor(workspace: { value: string; from: string }, flags: PlaceFlags, env: NodeJS.ProcessEnv): Context {
  const state = flags.state
    ? {
        value: resolve(flags.state),
        from: flags.state === env.QUIETDOOR_STATE ? 'environment QUIETDOOR_STATE' : 'flag --state',
      }
    : { value: join(workspace.value, '.quietdoor'), from: 'default: in the workspace' };
  return {
    workspace: workspace.value,
    state: state.value,
    now: () => Date.now(),
    actor: `user:${userName(env)}`,
    env,
    settings: [
      { name: 'workspace', ...workspace },
      { name: 'state', ...state },
    ],
  };
}

/** A context without a workspace, for what is only read and printed. Nothing can be recorded in it. */
export function bareContext(env: NodeJS.ProcessEnv = process.env): Context {
  return contextFor({ value: process.cwd(), from: 'current folder' }, {}, env);
}

function findWorkspace(flags: PlaceFlags, env: NodeJS.ProcessEnv): { value: string; from: string } {
  if (flags.workspace !== undefined) {
    const value = resolve(flags.workspace);
    if (!statSync(value, { throwIfNoEntry: false })?.isDirectory()) throw new UserError(`there is no folder ${value}`);
    return {
      value,
      from: flags.workspace === env.QUIETDOOR_WORKSPACE ? 'environment QUIETDOOR_WORKSPACE' : 'flag --workspace',
    };
  }
  const start = process.cwd();
  for (let dir = start; ; dir = dirname(dir)) {
    if (existsSync(join(dir, WORKSPACE_FILE)))
      return { value: dir, from: dir === start ? 'current folder' : 'nearest folder upward' };
    if (dir === dirname(dir)) break;
  }
  throw new UserError(`no workspace here: neither ${start} nor a folder above it has a ${WORKSPACE_FILE}`, {
    hint: 'Make one with "quietdoor init DIR", name one with --workspace DIR, or try "quietdoor quickstart".',
  });
}

/** The person behind sudo, where there is one: the ledger names people. */
function userName(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0 && env.SUDO_USER) return env.SUDO_USER;
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`; // a container may run with a uid that has no name
  }
}

/** Name of this machine, as observations of it carry it. */
export function thisHost(env: NodeJS.ProcessEnv): string {
  return env.QUIETDOOR_HOST ?? hostname();
}

/**
 * Time that a report is "as of", UTC milliseconds: SOURCE_DATE_EPOCH (seconds) where it is set, so that the same facts
 * give the same bytes (reproducible-builds.org), else the clock.
 */
export function asOf(context: Context): number {
  const epoch = context.env.SOURCE_DATE_EPOCH;
  if (epoch === undefined || epoch === '') return context.now();
  if (!/^\d{1,11}$/.test(epoch))
    throw new UserError(`SOURCE_DATE_EPOCH is "${epoch}"; whole seconds since 1970 are expected`);
  return Number(epoch) * 1000;
}
