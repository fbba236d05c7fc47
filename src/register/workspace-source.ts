import { UserError } from '../model/errors.ts';

/** Largest file of a workspace that is read. 20,000 entries take about 16 MiB. */
export const MAX_FILE_BYTES = 32 << 20;
/** Largest sum of all files. */
export const MAX_TOTAL_BYTES = 64 << 20;
/** Most files of a workspace. */
export const MAX_FILES = 10_000;
/** Where the files of a workspace come from. */
export interface WorkspaceSource {
  /** As the person would type it: a folder, or `REVISION:folder`. */
  readonly name: string;
  /** The same for two sources of the same content, whatever their names; default: the name. */
  readonly identity?: string;
  /** One file, whatever it is called, instead of a folder. */
  readonly isFile?: boolean;
  /**
   * Paths relative to the workspace, sorted: quietdoor.yaml, exceptions.yaml, register/**\/*.yaml. Also what stands in
   * their place and cannot be read (a broken link, a closed folder): `read` says why.
   */
  list(): Promise<readonly string[]>;
  /** Throws UserError where the file cannot be read, is too large, or leaves the workspace. */
  read(path: string): Promise<Uint8Array>;
  /**
   * The file or folder that `extends:` names, relative to this one, as a source of its own. A file is a source with
   * that one file. Absent: this source cannot follow `extends:`.
   */
  extended?(path: string): Promise<WorkspaceSource>;
}

export const TOP_FILES: readonly string[] = ['exceptions.yaml', 'quietdoor.yaml'];
export const YAML_NAME = /\.ya?ml$/;

/** What is said of a file over the bound. */
export function tooLarge(bytes: number): UserError {
  const mib = Math.ceil(bytes / (1 << 20));
  return new UserError(`has ${mib} MiB; at most ${MAX_FILE_BYTES >> 20} MiB are read`, {
    hint: 'split it into several files',
  });
}
