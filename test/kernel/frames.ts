import type { Address } from '../../src/model/address.ts';

/** A packet to send: the first of a new connection, as anybody may write it. */
export interface Probe {
  readonly transport: 'tcp' | 'udp';
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  readonly wire: 0 | 1;
}

const HOST_MAC = Buffer.from('027700000001', 'hex');
const TCP = 6;
const UDP = 17;
const SYN = 2;

/**
 * Returns the number of the probe that a sender's Ethernet address stands for (it survives any translation), -1 where it
 * is none of ours.
 */
export function probeOfMac(mac: string): number {
  return mac.startsWith('06:00:') ? Number.parseInt(mac.slice(6).replaceAll(':', ''), 16) : -1;
}

/** Packs frames as prober.py takes them; the id is in the Ethernet source and in the TCP sequence number. */
export function packFrames(probes: readonly Probe[]): Buffer {
  const packed = Buffer.alloc(probes.length * 96);
  let at = 0;
  probes.forEach((probe, id) => {
    const length = writeFrame(packed, at + 3, probe, id);
    packed.writeUInt16BE(length, at);
    packed[at + 2] = probe.wire;
    at += 3 + length;
  });
  return packed.subarray(0, at);
}

function writeFrame(to: Buffer, start: number, probe: Probe, id: number): number {
  HOST_MAC.copy(to, start);
  to.writeUInt16BE(0x0600, start + 6);
  to.writeUInt32BE(id, start + 8);
  const ipv4 = probe.source.family === 'ipv4';
  to.writeUInt16BE(ipv4 ? 0x0800 : 0x86dd, start + 12);
  const ip = start + 14;
  const payload = ip + (ipv4 ? 20 : 40);
  const protocol = probe.transport === 'tcp' ? TCP : UDP;
  const size = writePayload(to, payload, probe, id);
  if (ipv4) {
    to.writeUInt16BE(0x4500, ip);
    to.writeUInt16BE(20 + size, ip + 2);
    to[ip + 8] = 64;
    to[ip + 9] = protocol;
    writeAddress(to, ip + 12, probe.source);
    writeAddress(to, ip + 16, probe.destination);
    to.writeUInt16BE(checksum(to, ip, 20, 0), ip + 10);
  } else {
    to[ip] = 0x60;
    to.writeUInt16BE(size, ip + 4);
    to[ip + 6] = protocol;
    to[ip + 7] = 64;
    writeAddress(to, ip + 8, probe.source);
    writeAddress(to, ip + 24, probe.destination);
  }
  // pseudo header: both addresses, protocol, length (RFC 9293, 3.1; RFC 8200, 8.1)
  const addresses = ipv4 ? sum(to, ip + 12, 8) : sum(to, ip + 8, 32);
  const check = checksum(to, payload, size, addresses + protocol + size);
  to.writeUInt16BE(protocol === UDP && check === 0 ? 0xffff : check, payload + (protocol === TCP ? 16 : 6));
  return payload + size - start;
}

function writePayload(to: Buffer, at: number, probe: Probe, id: number): number {
  to.writeUInt16BE(probe.sourcePort, at);
  to.writeUInt16BE(probe.destinationPort, at + 2);
  if (probe.transport === 'tcp') {
    to.writeUInt32BE(id, at + 4);
    to.writeUInt16BE(0x5000 | SYN, at + 12);
    to.writeUInt16BE(1024, at + 14);
    return 20;
  }
  to.writeUInt16BE(16, at + 4);
  to.writeUInt32BE(id, at + 8);
  return 16;
}

function writeAddress(to: Buffer, at: number, address: Address): void {
  if (address.family === 'ipv4') to.writeUInt32BE(address.value, at);
  else {
    to.writeBigUInt64BE(address.value >> 64n, at);
    to.writeBigUInt64BE(address.value & 0xffff_ffff_ffff_ffffn, at + 8);
  }
}

function sum(bytes: Buffer, at: number, length: number): number {
  let total = 0;
  for (let i = 0; i < length; i += 2) total += bytes.readUInt16BE(at + i);
  return total;
}

/** The Internet checksum (RFC 1071); the field itself is still zero. */
function checksum(bytes: Buffer, at: number, length: number, start: number): number {
  let total = start + sum(bytes, at, length);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return ~total & 0xffff;
}
