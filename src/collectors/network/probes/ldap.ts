import { ber, berInteger, readBer, readBerList } from '../ber.ts';
import { field } from '../identify-text.ts';
import type { Probe } from './probe.ts';

const SEQUENCE = 0x30;
const OCTETS = 0x04;
const SEARCH_ENTRY = 0x64;
const SEARCH_DONE = 0x65;
const EXTENDED_RESPONSE = 0x78;
const START_TLS_OID = '1.3.6.1.4.1.1466.20037';

/**
 * LDAP: the root DSE, which every server shows before any login (RFC 4512, 5.1; RFC 4511, 4.5). TLS by the StartTLS operation
 * (RFC 4511, 4.14).
 */
export const ldap: Probe = {
  name: 'ldap',
  ports: [389, 3268, 10389],
  tlsPorts: [636, 3269],
  request: () => search(1, ['vendorName', 'vendorVersion', 'supportedExtension']),
  read(answer) {
    const attributes = new Map<string, string>();
    let isAnswer = false;
    for (let at = 0; at < answer.length; ) {
      const message = readBer(answer, at);
      if (message.tag !== SEQUENCE) return null;
      const [id, operation] = readBerList(message.content);
      if (id?.tag !== 2 || (operation?.tag !== SEARCH_ENTRY && operation?.tag !== SEARCH_DONE)) return null;
      if (operation.tag === SEARCH_ENTRY) readAttributes(operation.content, attributes);
      isAnswer ||= operation.tag === SEARCH_DONE;
      at = message.end;
    }
    if (!isAnswer) return null;
    return {
      facts: {
        service: 'ldap',
        ...field('product', attributes.get('vendorname')),
        ...field('version', attributes.get('vendorversion')),
      },
      startTls: [{ send: START_TLS, isYes }],
    };
  },
};

/** A search of the entry without a name, which is the root DSE: base scope, at most one entry, 3 seconds. */
export function search(id: number, attributes: readonly string[]): Buffer {
  return ber(
    SEQUENCE,
    berInteger(id),
    ber(
      0x63,
      ber(OCTETS),
      Buffer.from([0x0a, 1, 0, 0x0a, 1, 0]),
      berInteger(1),
      berInteger(3),
      Buffer.from([1, 1, 0]),
      ber(0x87, Buffer.from('objectClass')),
      ber(SEQUENCE, ...attributes.map((a) => ber(OCTETS, Buffer.from(a)))),
    ),
  );
}

const START_TLS = ber(SEQUENCE, berInteger(2), ber(0x77, ber(0x80, Buffer.from(START_TLS_OID))));

/** Result code 0 of the extended response. */
function isYes(answer: Buffer): boolean | null {
  try {
    const [, operation] = readBerList(readBer(answer).content);
    if (operation?.tag !== EXTENDED_RESPONSE) return false;
    return readBerList(operation.content)[0]?.content[0] === 0;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** First value of each attribute, names in lower case. */
function readAttributes(entry: Buffer, into: Map<string, string>): void {
  const [, list] = readBerList(entry);
  for (const attribute of list ? readBerList(list.content) : []) {
    const [type, values] = readBerList(attribute.content);
    const [value] = values ? readBerList(values.content) : [];
    if (type && value) into.set(type.content.toString('utf8').toLowerCase(), value.content.toString('utf8'));
  }
}
