import type { Address } from './address.ts';
import type { Cidr } from './cidr.ts';

/** An interface with its addresses, from `ip -j addr` and `ip -j link`. */
export interface NetworkInterface {
  readonly name: string;
  readonly index: number;
  readonly loopback: boolean;
  /** In the order of the kernel: the first of a family is the one that a redirect uses. */
  readonly addresses: ReadonlyArray<{ readonly address: Address; readonly prefix: number }>;
}

/** A route, from `ip -j route` and `ip -j -6 route` (`table all` where given). */
export interface Route {
  readonly destination: Cidr;
  /** `unicast`, `local`, `broadcast`, `blackhole`...: rtnetlink(7), RTN_*. */
  readonly type: string;
  /** Interface it leaves by; null: none (blackhole), or several (multipath). */
  readonly device: string | null;
  readonly metric: number;
  /** `main`, `local`, or a number. */
  readonly table: string;
}

/** What a packet filter asks of the host it runs on. */
export interface HostNetwork {
  readonly interfaces: readonly NetworkInterface[];
  /** null: not given, so which interface a packet leaves by is not known. */
  readonly routes: readonly Route[] | null;
}
