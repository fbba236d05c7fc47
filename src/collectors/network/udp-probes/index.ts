import { dns } from './dns.ts';
import { ike } from './ike.ts';
import { ipmi } from './ipmi.ts';
import { ldap } from './ldap.ts';
import { mdns } from './mdns.ts';
import { memcached } from './memcached.ts';
import { mssqlBrowser } from './mssql-browser.ts';
import { netbios } from './netbios.ts';
import { ntp } from './ntp.ts';
import { quic } from './quic.ts';
import { radius } from './radius.ts';
import { sip } from './sip.ts';
import { snmp } from './snmp.ts';
import { ssdp } from './ssdp.ts';
import { stun } from './stun.ts';
import { sunrpc } from './sunrpc.ts';
import { tftp } from './tftp.ts';
import type { UdpProbe } from './udp-probe.ts';

/** Every probe over UDP, by port. */
export const udpProbes: readonly UdpProbe[] = [
  dns,
  tftp,
  sunrpc,
  ntp,
  netbios,
  snmp,
  ldap,
  quic,
  ike,
  ipmi,
  mssqlBrowser,
  radius,
  ssdp,
  stun,
  sip,
  mdns,
  memcached,
];
