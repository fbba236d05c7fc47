/** Protocol numbers of ICMP, which has types and codes where others have ports. */
export const ICMP = 1;
export const ICMPV6 = 58;

export function isIcmp(protocol: number): boolean {
  return protocol === ICMP || protocol === ICMPV6;
}
