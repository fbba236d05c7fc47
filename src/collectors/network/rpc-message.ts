/** Transaction id of our calls; comes back in the reply. */
const XID = 0x51444f52;
const PORTMAPPER = 100_000;

/** A call of the portmapper's procedure 0, which does nothing (RFC 1833, 3.2; RFC 5531, 9). */
export function nullCall(): Buffer {
  const call = Buffer.alloc(40);
  [XID, 0, 2, PORTMAPPER, 2, 0, 0, 0, 0, 0].forEach((word, i) => {
    call.writeUInt32BE(word, 4 * i);
  });
  return call;
}

/** Says whether it is the reply to `nullCall`, accepted or denied. Throws RangeError where it is cut. */
export function isReply(message: Buffer): boolean {
  return message.readUInt32BE(0) === XID && message.readUInt32BE(4) === 1 && message.readUInt32BE(8) <= 1;
}
