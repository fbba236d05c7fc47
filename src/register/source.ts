export { directorySource } from './directory-source.ts';
export { gitSource } from './git-source.ts';
export type { WorkspaceSource } from './workspace-source.ts';
