import { aws } from './aws.ts';
import type { Dialect } from './dialect.ts';
import { iptables } from './iptables.ts';
import { networkPolicy } from './network-policy.ts';
import { nftables } from './nftables.ts';
import { nftablesBytecode } from './nftables-bytecode.ts';
import { terraform } from './terraform.ts';

/** Every language of packet filters. The first that recognises a text reads it: the strict ones come first. */
export const dialects: readonly Dialect[] = [iptables, nftables, nftablesBytecode, aws, terraform, networkPolicy];
