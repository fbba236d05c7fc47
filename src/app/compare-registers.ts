import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { Register } from '../model/register.ts';
import { diffRegisters, type RegisterDifference } from '../register/diff.ts';
import { memorySource } from '../register/memory-source.ts';
import { directorySource, gitSource, type WorkspaceSource } from '../register/source.ts';
import { loadWorkspace } from '../register/workspace.ts';
import { type Context, WORKSPACE_FILE } from './context.ts';

/** Differences in meaning between two registers, each a git revision of this workspace, a workspace folder,
 * or one register file. */
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
  return (await loadWorkspace(sourceOf(context, where))).register;
}

function sourceOf(context: Context, where: string): WorkspaceSource {
  const path = resolve(where);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    if (existsSync(join(path, WORKSPACE_FILE))) return directorySource(path);
    throw new UserError(`${where} is a folder, but no workspace: it has no ${WORKSPACE_FILE}`);
  }
  // A register file by itself: read against the settings of the workspace, so that its zones and owners are known.
  if (stats?.isFile())
    return memorySource({
      [WORKSPACE_FILE]: readFileSync(join(context.workspace, WORKSPACE_FILE)),
      'register/file.yaml': readFileSync(path),
    });
  return gitSource(context.workspace, '', where);
}
