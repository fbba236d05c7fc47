import { ber, berInteger, readBer, readBerList } from '../ber.ts';
import { field } from '../identify-text.ts';
import type { UdpProbe, UdpReading } from './udp-probe.ts';

const SEQUENCE = 0x30;
const OCTETS = 0x04;
const GET_RESPONSE = 0xa2;
const REPORT = 0xa8;
/** sysDescr.0: 1.3.6.1.2.1.1.1.0 (RFC 3418). */
const SYS_DESCR = ber(6, Buffer.from([0x2b, 6, 1, 2, 1, 1, 1, 0]));

/**
 * SNMP: discovery of the engine, which needs no name (RFC 3414, 4), and one GET of sysDescr by version 2c with the community
 * that devices are sold with. What answers that one shows itself to all.
 */
export const snmp: UdpProbe = {
  name: 'snmp',
  ports: [161],
  requests: (nonce) => [discovery(idOf(nonce)), getDescription(idOf(nonce))],
  read(answer, nonce): UdpReading | null {
    const message = readBer(answer);
    const [version, second, , fourth] = readBerList(message.content);
    if (message.tag !== SEQUENCE || version?.tag !== 2 || !second) return null;
    if (version.content[0] === 3) return readReport(fourth?.content, nonce);
    const pdu = readBerList(message.content)[2];
    if (pdu?.tag !== GET_RESPONSE) return null;
    const [id, , , bindings] = readBerList(pdu.content);
    if (!id || !bindings || numberOf(id.content) !== idOf(nonce)) return null;
    const [binding] = readBerList(bindings.content);
    const value = binding ? readBerList(binding.content)[1] : undefined;
    const text = value?.tag === OCTETS ? value.content.toString('utf8') : undefined;
    return {
      facts: { service: 'snmp', ...field('banner', text), encryption: 'none', unauthenticated: true },
      ...(text === undefined ? {} : { texts: { 'snmp.sys_description': text } }),
    };
  },
};

/** A report that tells the engine's id: SNMP version 3, which can encrypt. */
function readReport(scoped: Buffer | undefined, nonce: Buffer): UdpReading | null {
  const pdu = scoped ? readBerList(scoped)[2] : undefined;
  if (pdu?.tag !== REPORT) return null;
  const [id] = readBerList(pdu.content);
  // Where it could not read the request's id it says 0 (RFC 3412, 7.1.3).
  if (!id || ![idOf(nonce), 0].includes(numberOf(id.content))) return null;
  return { facts: { service: 'snmp', version: '3' } };
}

function idOf(nonce: Buffer): number {
  return nonce.readUInt32BE(0) >>> 2;
}

function numberOf(content: Buffer): number {
  return content.length > 0 && content.length <= 6 ? content.readUIntBE(0, content.length) : -1;
}

function discovery(id: number): Buffer {
  const empty = ber(OCTETS);
  const security = ber(SEQUENCE, empty, berInteger(0), berInteger(0), empty, empty, empty);
  return ber(
    SEQUENCE,
    berInteger(3),
    // Message id, largest message, flags "reportable", user-based security model.
    ber(SEQUENCE, berInteger(id), berInteger(65_507), ber(OCTETS, Buffer.from([4])), berInteger(3)),
    ber(OCTETS, security),
    ber(SEQUENCE, empty, empty, ber(0xa0, berInteger(id), berInteger(0), berInteger(0), ber(SEQUENCE))),
  );
}

function getDescription(id: number): Buffer {
  const binding = ber(SEQUENCE, SYS_DESCR, ber(5));
  return ber(
    SEQUENCE,
    berInteger(1),
    ber(OCTETS, Buffer.from('public')),
    ber(0xa0, berInteger(id), berInteger(0), berInteger(0), ber(SEQUENCE, binding)),
  );
}
