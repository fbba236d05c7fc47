import type { Asset } from '../model/asset.ts';

/** A file of an inventory. */
export interface AssetFile {
  /** As the person named it, or `-`. */
  readonly source: string;
  readonly text: string;
}

/** Something of a file that could not be read. The rest of it is used. */
export interface AssetProblem {
  /** File that it is in. */
  readonly source: string;
  /** A sentence: what is wrong and what was expected. */
  readonly message: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** `/results/17`, `aws_instance.db[0]`: where lines say little. */
  readonly place?: string;
}

/** Fields of an asset that a column can be mapped to. */
export const ASSET_FIELDS = [
  'id',
  'name',
  'names',
  'addresses',
  'zone',
  'environment',
  'criticality',
  'owner',
  'tags',
  'status',
] as const;
export type AssetField = (typeof ASSET_FIELDS)[number];

export interface AssetOptions {
  /** Columns by field, for CSV: `addresses` → `Mgmt IP`, `Service IP`. */
  readonly mapping: ReadonlyMap<AssetField, readonly string[]>;
}

export type ReadAsset = Omit<Asset, 'source'>;

export interface AssetReading {
  /** Ids are unique. */
  readonly assets: readonly ReadAsset[];
  readonly problems: readonly AssetProblem[];
}

/** A format of inventories: one file of this folder each. */
export interface AssetFormat {
  /** Slug for `--as`. */
  readonly name: string;
  /** `NetBox (JSON of its REST API)`. */
  readonly title: string;
  /** Says whether a file is of this format, by its name (without folders) and its first 64 KiB. */
  detect(head: { readonly name: string; readonly text: string }): boolean;
  /**
   * Reads files that belong together (NetBox writes devices and addresses to two). Throws UserError only where nothing can
   * be made of them because the person must say more (which column is the name, say).
   */
  read(files: readonly AssetFile[], options: AssetOptions): AssetReading;
}

/** Largest file of an inventory that is read, bytes. */
export const MAX_ASSET_BYTES = 64 * 1024 * 1024;
/** Most assets of one list. */
export const MAX_ASSETS = 1_000_000;
