import { readBer, readBerList } from '../ber.ts';
import { search } from '../probes/ldap.ts';
import type { UdpProbe } from './udp-probe.ts';

/** LDAP over UDP, as domain controllers answer it: the root DSE ([MS-ADTS] 3.1.1.3.1.11). Asks for one small attribute. */
export const ldap: UdpProbe = {
  name: 'ldap',
  ports: [389],
  requests: (nonce) => [search(idOf(nonce), ['supportedLDAPVersion'])],
  read(answer, nonce) {
    const message = readBer(answer);
    const [id, operation] = readBerList(message.content);
    if (message.tag !== 0x30 || id?.tag !== 2 || id.content.readUIntBE(0, id.content.length) !== idOf(nonce))
      return null;
    if (operation?.tag !== 0x64 && operation?.tag !== 0x65) return null;
    return { facts: { service: 'ldap', encryption: 'none' } };
  },
};

function idOf(nonce: Buffer): number {
  return nonce.readUInt16BE(0) + 1;
}
