import type { Address } from '../../src/model/address.ts';

/** A line of a ruleset. Removable ones may be left out, to find the smallest ruleset that still shows a disagreement. */
export interface Line {
  readonly text: string;
  readonly removable: boolean;
}

export const MODES = ['nft', 'forward', 'unknown', 'iptables', 'legacy', 'connect', 'docker'] as const;
export type Mode = (typeof MODES)[number];

/** A random ruleset, and the values in it that probes should try the edges of. */
export interface KernelCase {
  readonly mode: Mode;
  readonly seed: number;
  /** Loaded with `nft -f`. */
  readonly nft: readonly Line[];
  /** Loaded with `iptables-restore`, `ip6tables-restore`, `ipset restore`; empty: not. */
  readonly iptables: readonly Line[];
  readonly ip6tables: readonly Line[];
  readonly ipset: readonly Line[];
  /** iptables-legacy rather than iptables on nf_tables. */
  readonly legacy: boolean;
  readonly edges: Edges;
}

export interface Edges {
  /** First and last address of every block that the rules name as a source. */
  readonly sources: readonly Address[];
  /** First and last of every range of source ports; empty: no rule looks at them. */
  readonly sourcePorts: readonly number[];
  /** Ports that rules name, before and after translation. */
  readonly ports: readonly number[];
}

export function textOf(lines: readonly Line[]): string {
  return lines.map((line) => `${line.text}\n`).join('');
}
