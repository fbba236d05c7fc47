/**
 * What a connection attempt says of a port. `closed`: refused, by a RST or by an ICMP port unreachable, which connect(2)
 * cannot tell apart. `filtered`: no answer, or an ICMP that only a filter sends. `unreachable`: an ICMP that says the host
 * or network is not reachable; for IPv4, Linux reports "administratively prohibited" the same way.
 */
export type Verdict = 'open' | 'closed' | 'filtered' | 'unreachable';

/**
 * What became of an attempt. `shortage`: this machine lacks descriptors, ports or memory, so try again later.
 * `refused-here`: this machine does not let us ask (no address of the family, a policy). Both say nothing of the port.
 */
export type Attempt = Verdict | 'shortage' | 'refused-here';

/** By error of connect(2). ICMP to errno: icmp_err_convert in net/ipv4/icmp.c, tab_unreach in net/ipv6/icmp.c of Linux. */
const BY_ERROR: Readonly<Record<string, Attempt>> = {
  ECONNREFUSED: 'closed',
  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  ETIMEDOUT: 'filtered',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENONET: 'unreachable',
  ENETDOWN: 'unreachable',
  ENOPROTOOPT: 'unreachable',
  EOPNOTSUPP: 'unreachable',
  EPROTO: 'unreachable',
  EMFILE: 'shortage',
  ENFILE: 'shortage',
  ENOBUFS: 'shortage',
  ENOMEM: 'shortage',
  EAGAIN: 'shortage',
  EADDRINUSE: 'shortage',
  EADDRNOTAVAIL: 'shortage',
};

/** Returns what the error of an attempt means. An error that is not known says nothing of the port. */
export function attemptOfError(code: string, isIpv6: boolean): Attempt {
  // ICMPv6 "administratively prohibited" and "failed policy"; over IPv4 the kernel says EACCES of broadcast addresses
  if (code === 'EACCES' && isIpv6) return 'filtered';
  return BY_ERROR[code] ?? 'refused-here';
}
