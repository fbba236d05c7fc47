import { UserError } from '../model/errors.ts';
import { compareText } from '../util/compare.ts';
import type { WorkspaceSource } from './workspace-source.ts';

/** A workspace held in memory: files by path, as text or bytes. `extended`: shared folders by the path that names them. */
export function memorySource(
  files: Readonly<Record<string, string | Uint8Array>>,
  extended: Readonly<Record<string, WorkspaceSource>> = {},
): WorkspaceSource {
  return {
    name: 'memory',
    list: async () => Object.keys(files).sort(compareText),
    async read(path) {
      const content = Object.hasOwn(files, path) ? files[path] : undefined;
      if (content === undefined) throw new UserError('does not exist');
      return typeof content === 'string' ? Buffer.from(content) : content;
    },
    async extended(path) {
      const source = Object.hasOwn(extended, path) ? extended[path] : undefined;
      if (!source) throw new UserError('does not exist');
      return source;
    },
  };
}
