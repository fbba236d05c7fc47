/**
 * Match extensions that no snapshot decides, or that are not modelled, with what they depend on. Goes on after
 * `-m NAME: `.
 */
export const UNDECIDED_MATCHES: ReadonlyMap<string, string> = new Map([
  ['ah', 'it depends on fields of an IPsec header'],
  ['bpf', 'it is a program that looks at the whole packet'],
  ['cgroup', 'it depends on the control group of the local process'],
  ['cluster', 'it depends on a hash of the source'],
  ['connbytes', 'it depends on how much the connection has carried'],
  ['connlabel', 'it depends on labels of the connection'],
  ['connlimit', 'it depends on how many connections there are'],
  ['cpu', 'it depends on the processor that handles the packet'],
  ['devgroup', 'it depends on the group of the interface'],
  ['dscp', 'it depends on a field that the sender chooses (DSCP)'],
  ['ecn', 'it depends on fields that the sender chooses (ECN)'],
  ['esp', 'it depends on fields of an IPsec header'],
  ['eui64', 'it depends on the hardware address of the sender'],
  ['geoip', 'it depends on a table of countries that is not given'],
  ['hashlimit', 'it depends on how many packets came before'],
  ['helper', 'it depends on helpers of conntrack'],
  ['hl', 'it depends on a field that the sender chooses (hop limit)'],
  ['ipcomp', 'it depends on fields of a compression header'],
  ['ipv6header', 'it depends on IPv6 extension headers'],
  ['ipvs', 'it depends on the virtual servers of IPVS'],
  ['length', 'it depends on the length of the packet'],
  ['limit', 'it depends on how many packets came before'],
  ['mac', 'it depends on the hardware address of the sender'],
  ['mh', 'it depends on IPv6 extension headers'],
  ['nfacct', 'it depends on how much was counted before'],
  ['osf', 'it depends on the operating system of the sender'],
  ['owner', 'it depends on the local process that owns the packet'],
  ['physdev', 'it depends on the port of a bridge'],
  ['policy', 'it depends on IPsec'],
  ['quota', 'it depends on how much was carried before'],
  ['rateest', 'it depends on the rate of packets'],
  ['realm', 'it depends on the realm of the route'],
  ['socket', 'it depends on which sockets are open'],
  ['srh', 'it depends on IPv6 extension headers'],
  ['statistic', 'it depends on chance or on how many packets came before'],
  ['string', 'it depends on the contents of the packet'],
  ['tcpmss', 'it depends on the TCP options that the sender chooses'],
  ['time', 'it depends on the time of day'],
  ['tos', 'it depends on a field that the sender chooses (TOS)'],
  ['ttl', 'it depends on a field that the sender chooses (TTL)'],
  ['u32', 'it depends on bytes of the packet'],
]);

/** Of those, the ones that only packets of one protocol can meet. */
export const MATCH_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['ah', 51],
  ['esp', 50],
  ['ipcomp', 108],
  ['mh', 135],
  ['tcpmss', 6],
]);

/** Matches that look for an IPv6 extension header, and fail where there is none, `!` or not. */
export const EXTENSION_HEADERS: ReadonlySet<string> = new Set(['dst', 'frag', 'hbh', 'rt']);
