export const CRITICALITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Criticality = (typeof CRITICALITIES)[number];

/** A machine as the organisation's inventory (CMDB) knows it. */
export interface Asset {
  /** Identity within its source: NetBox id, Terraform address, row key. */
  readonly id: string;
  /** File name or name given at the import. */
  readonly source: string;
  readonly name: string;
  /** Further names (FQDN, aliases), sorted. */
  readonly names: readonly string[];
  /** Plain addresses, canonical text, sorted. */
  readonly addresses: readonly string[];
  readonly tags: readonly string[];
  readonly zone?: string;
  readonly environment?: string;
  readonly criticality?: Criticality;
  readonly owner?: string;
  /** Retired, planned or offline: not expected to answer. */
  readonly inactive?: boolean;
  /** Has no address in an inventory that has addresses (a rack, a patch panel): nobody expects to observe it. */
  readonly passive?: boolean;
  /** Where in the source: line, or path in a document. */
  readonly at?: string;
}

/** Assets of one import. */
export interface AssetList {
  readonly source: string;
  /** UTC milliseconds. */
  readonly importedAt: number;
  readonly items: readonly Asset[];
}
