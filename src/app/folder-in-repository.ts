import { locate } from '../register/repository.ts';
import type { Context } from './context.ts';

/** Where the workspace lies in its git repository: `''` at its top, or in none. */
export async function folderInRepository(context: Context): Promise<string> {
  const found = await locate(context.workspace, context.env);
  return found.kind === 'in-git' ? found.folder : '';
}
