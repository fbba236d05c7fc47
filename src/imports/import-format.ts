import type { UnnamedObservation } from '../model/observation.ts';

/** Something of a file that could not be read, or is not what its format promises. The rest of the file is used. */
export interface ImportProblem {
  /** A sentence: what is wrong and what was expected. */
  readonly message: string;
  /** 1-based; where the format has lines. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** `record 17`, `byte 40960`, `/0/services/3`: where lines say little. */
  readonly place?: string;
}

/** The beginning of a file, by which its format is recognised. */
export interface ImportHead {
  /** File name without folders, without `.gz`; `-` for standard input. */
  readonly name: string;
  /** Its first 64 KiB as UTF-8 (UTF-16 with a byte order mark is taken as well). */
  readonly text: string;
  /** The text is the whole file. */
  readonly isWhole: boolean;
}

export interface ImportOptions {
  /** File as the person named it, or `-`. */
  readonly source: string;
  /** Host that the file is about, where it does not say itself. */
  readonly host: string | null;
  /** UTC milliseconds: when it was looked, where the file does not say itself. */
  readonly observedAt: number;
  /** UTC milliseconds. */
  readonly now: number;
  /** Column of the file by field, for CSV: `port` → `Local Port`. */
  readonly mapping: ReadonlyMap<string, string>;
  /** The person says that the file lists every listener of its hosts, where its format does not promise it (CSV). */
  readonly isComplete?: boolean;
  readonly report: (problem: ImportProblem) => void;
}

/** A format of other tools that says what listens or answers: one file of this folder each. */
export interface ImportFormat {
  /** Slug for `--as`; the vantage is `import:NAME` (src/model/vantage.ts knows which look from outside). */
  readonly name: string;
  /** `nmap XML (nmap -oX)`. */
  readonly title: string;
  /** Says whether a file is of this format. Must not take what another format's is: tried in the order of index.ts. */
  detect(head: ImportHead): boolean;
  /**
   * Yields what the file says, one observation per host (or address), as it is read: files may be larger than memory.
   * Throws UserError only where nothing can be made of the file (the host is missing, say).
   */
  read(input: AsyncIterable<Uint8Array>, options: ImportOptions): AsyncIterable<UnnamedObservation>;
}
