import type { Transport } from './endpoint.ts';
import type { PortRange } from './observation.ts';

/**
 * A port that a deployment file or a security plan says there is to be. Never "observed": it says what somebody wrote
 * down, not what listens.
 */
export interface Declaration {
  /** File it was read from, or `-`. */
  readonly source: string;
  /** Slug of the format: `compose`, `kubernetes`, `dockerfile`, `systemd-socket`, `terraform`, `oscal-ssp`... */
  readonly format: string;
  /** 1-based; absent where the format has no lines. */
  readonly line?: number;
  /** Host that it names; null: not said. */
  readonly host: string | null;
  /** Who declares it, in words: `service db`, `Deployment orders/api container web`, `component Web server`. */
  readonly what: string;
  /** How the CI gate recognises the workload: `compose:PROJECT/SERVICE`, `kubernetes:NAMESPACE/KIND/NAME`. */
  readonly workload?: string;
  /** null: not said; never guessed as TCP. */
  readonly transport: Transport | null;
  readonly ports: readonly PortRange[];
  /** `host`: published on the host. `workload`: only inside the container's or pod's own network. */
  readonly reach: 'host' | 'workload' | 'unknown';
  /** Scope as endpoints have it, wildcards allowed: `container:*db*`, `pod:orders/pg-*`. Absent: not said. */
  readonly scope?: string;
  /** Address that it binds to, plain text; absent: not said. */
  readonly address?: string;
  /** Name of the service, where it says: `https`. */
  readonly service?: string;
}

/** Declarations of one import. */
export interface DeclarationList {
  readonly source: string;
  /** UTC milliseconds. */
  readonly importedAt: number;
  readonly items: readonly Declaration[];
}
