import { ansible } from './ansible.ts';
import { iptables } from './iptables.ts';
import { networkpolicy } from './networkpolicy.ts';
import { nftables } from './nftables.ts';
import type { EnforceTarget } from './target.ts';
import { terraform } from './terraform.ts';

/** Every target that approved access can be turned into. */
export const targets: readonly EnforceTarget[] = [nftables, iptables, ansible, terraform, networkpolicy];
