import { iptables } from './iptables.ts';
import { nftables } from './nftables.ts';
import type { EnforceTarget } from './target.ts';

/** Every target that approved access can be turned into. */
export const targets: readonly EnforceTarget[] = [nftables, iptables];
