import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Register } from '../model/register.ts';
import { diffRegisters, type RegisterDifference } from '../register/diff.ts';
import { directorySource, gitSource } from '../register/source.ts';
import { loadWorkspace } from '../register/workspace.ts';
import { type Context, WORKSPACE_FILE } from './context.ts';

/** Differences in meaning between two registers, each a git revision of this workspace or a folder. */
export async function compareRegisters(
  context: Context,
  before: string,
  after: string | undefined,
): Promise<readonly RegisterDifference[]> {
  return diffRegisters(
    await load(context, before),
    after === undefined ? await load(context, context.workspace) : await load(context, after),
  );
}

async function load(context: Context, where: string): Promise<Register> {
  const folder = resolve(where);
  const isFolder =
    statSync(folder, { throwIfNoEntry: false })?.isDirectory() && existsSync(join(folder, WORKSPACE_FILE));
  const source = isFolder ? directorySource(folder) : gitSource(context.workspace, '', where);
  return (await loadWorkspace(source)).register;
}
