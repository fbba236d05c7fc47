import type { Declaration } from '../model/declaration.ts';

/** Something of a file that could not be understood. The rest of it is used. */
export interface ManifestProblem {
  readonly message: string;
  /** Everything was read; something of it is worth a look. */
  readonly isNotice?: true;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** `/services/db/ports/0`: where lines say little. */
  readonly place?: string;
}

export interface ManifestReading {
  /** In the order of the file. */
  readonly declarations: readonly Declaration[];
  readonly problems: readonly ManifestProblem[];
}

/** A deployment format that declares ports: one file of this folder each. Never "observed". */
export interface ManifestFormat {
  /** Slug for `--as`. */
  readonly name: string;
  /** `Docker Compose`. */
  readonly title: string;
  /** Says whether a file is of this format, by its name (without folders) and its first 64 KiB. */
  detect(head: { readonly name: string; readonly text: string }): boolean;
  /** Reads a file of at most MAX_MANIFEST_BYTES. `source`: the file as the person named it. Never throws. */
  read(text: string, source: string): ManifestReading;
}

export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;
