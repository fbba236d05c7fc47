import { field, firstLine } from '../identify-text.ts';
import type { UdpProbe } from './udp-probe.ts';

/** SSDP: a search by unicast for root devices (UPnP Device Architecture 2.0, 1.3.2). */
export const ssdp: UdpProbe = {
  name: 'ssdp',
  ports: [1900],
  requests: () => [
    Buffer.from(
      'M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nMan: "ssdp:discover"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n',
    ),
  ],
  read(answer) {
    const text = answer.toString('utf8', 0, 4096);
    if (!/^HTTP\/1\.1 200 /.test(text) || !/\r\n(?:ST|USN)[ \t]*:/i.test(text)) return null;
    const server = /\r\nServer[ \t]*:[ \t]*([^\r\n]+)/i.exec(text)?.[1];
    return { facts: { service: 'ssdp', ...field('product', server), banner: firstLine(answer), encryption: 'none' } };
  },
};
