import { field } from '../identify-text.ts';
import { dnsQuery, readDns, TYPE_TXT, txtOf } from './dns-message.ts';
import type { UdpProbe } from './udp-probe.ts';

/** DNS: the server's version, as `version.bind TXT CHAOS` asks for it (RFC 4892). A refusal is an answer too. */
export const dns: UdpProbe = {
  name: 'dns',
  ports: [53],
  requests: (nonce) => [dnsQuery(nonce.readUInt16BE(0), 0x0100, { name: 'version.bind', type: TYPE_TXT, qclass: 3 })],
  read(answer, nonce) {
    const message = readDns(answer);
    if (message?.id !== nonce.readUInt16BE(0)) return null;
    const record = message.records.find((r) => r.type === TYPE_TXT);
    const version = record ? txtOf(record.data) : undefined;
    return {
      facts: { service: 'domain', ...field('banner', version), encryption: 'none' },
      ...(version === undefined ? {} : { texts: { 'dns.versionbind': version } }),
    };
  },
};
