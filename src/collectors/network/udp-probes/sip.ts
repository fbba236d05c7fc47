import { field, firstLine } from '../identify-text.ts';
import type { UdpProbe } from './udp-probe.ts';

/** SIP: OPTIONS, which rings nowhere (RFC 3261, 11). */
export const sip: UdpProbe = {
  name: 'sip',
  ports: [5060],
  requests: (nonce) => {
    const id = nonce.toString('hex', 0, 8);
    return [
      Buffer.from(
        `OPTIONS sip:quietdoor.invalid SIP/2.0\r\nVia: SIP/2.0/UDP quietdoor.invalid;branch=z9hG4bK${id};rport\r\n` +
          `Max-Forwards: 0\r\nFrom: <sip:probe@quietdoor.invalid>;tag=${id}\r\nTo: <sip:probe@quietdoor.invalid>\r\n` +
          `Call-ID: ${id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n`,
      ),
    ];
  },
  read(answer, nonce) {
    const text = answer.toString('utf8', 0, 4096);
    if (!/^SIP\/2\.0 \d{3}/.test(text) || !text.includes(nonce.toString('hex', 0, 8))) return null;
    const server = /\r\n(?:Server|User-Agent)[ \t]*:[ \t]*([^\r\n]+)/i.exec(text)?.[1];
    return {
      facts: { service: 'sip', ...field('product', server), banner: firstLine(answer), encryption: 'none' },
      ...(server === undefined ? {} : { texts: { 'sip_header.server': server } }),
    };
  },
};
