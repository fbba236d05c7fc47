import { isAbsolute, relative, resolve } from 'node:path';
import { MAX_MANIFEST_BYTES, type ManifestFormat, type ManifestProblem } from '../manifests/manifest-format.ts';
import type { DeclarationList } from '../model/declaration.ts';
import { UserError } from '../model/errors.ts';
import type { Context } from './context.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** A deployment file that was read. */
export interface DeclareInput {
  /** Path as the person named it, or `-`. */
  readonly path: string;
  readonly text: string;
  readonly format: ManifestFormat;
  /** Host that its published ports are on; null: not said. */
  readonly host: string | null;
}

export interface DeclareResult {
  readonly list: DeclarationList;
  readonly problems: readonly ManifestProblem[];
  /** What the source declared differs from its last import. */
  readonly changed: boolean;
}

/** Reads the declared ports of a deployment file, without recording. Throws UserError where it is too large. */
export function readDeclarations(
  { path, text, format, host }: DeclareInput,
  context: Context,
): Omit<DeclareResult, 'changed'> {
  if (text.length > MAX_MANIFEST_BYTES)
    throw new UserError(`${path} is too large: at most ${MAX_MANIFEST_BYTES} bytes are read`);
  const source = sourceOf(path, context.workspace);
  const { declarations, problems } = format.read(text, source);
  // A pod runs on any node; what is published is on the host that the person names.
  const items = host === null ? declarations : declarations.map((d) => (d.host === null ? { ...d, host } : d));
  return { list: { source, importedAt: context.now(), items }, problems };
}

/** Reads the declared ports of a deployment file and records them in the place of what the file declared before. */
export async function importDeclarations(input: DeclareInput, context: Context): Promise<DeclareResult> {
  await using store = await openStateToWrite(context);
  const { list, problems } = readDeclarations(input, context);
  const event = await store.putList('declarations', list, {
    type: 'declarations.imported',
    observedAt: list.importedAt,
    actor: context.actor,
    subject: list.source,
  });
  return { list, problems, changed: event !== null };
}

/** What every source declares, sorted by source. */
export function listDeclarations(context: Context): Promise<readonly DeclarationList[]> {
  return withStateToRead(context, async (store) => (store ? await store.lists('declarations') : []));
}

/** Forgets what a source declares. Throws UserError where there is no such source. */
export async function dropDeclarations(context: Context, path: string): Promise<string> {
  await using store = await openStateToWrite(context);
  const known = (await store.lists('declarations')).map((list) => list.source);
  const source = known.includes(path) ? path : sourceOf(path, context.workspace);
  const draft = {
    type: 'declarations.imported',
    observedAt: context.now(),
    actor: context.actor,
    subject: source,
  } as const;
  if (!(await store.dropList('declarations', source, draft)))
    throw new UserError(`nothing is declared by ${source}`, {
      hint: known.length === 0 ? 'Nothing is declared yet.' : `Sources: ${known.join(', ')}`,
    });
  return source;
}

/** The same name for a file wherever it is named from: relative to the workspace where it lies inside, else absolute. */
export function sourceOf(path: string, workspace: string): string {
  if (path === '-') return path;
  const full = resolve(path);
  const inside = relative(workspace, full);
  return inside.startsWith('..') || isAbsolute(inside) ? full : inside;
}
