import { dns } from './dns.ts';
import { mdns } from './mdns.ts';
import { ntp } from './ntp.ts';
import type { UdpProbe } from './udp-probe.ts';

/** Every probe over UDP, by port. */
export const udpProbes: readonly UdpProbe[] = [dns, ntp, mdns];
