import { u16, u32 } from './netflow-bytes.ts';
import { clockOf, type Message, problem, problemOnce } from './netflow-message.ts';
import { actionOf, connectionsOf, directionOf, placeInTime, uptimeToUtc } from './netflow-record.ts';
import { contentHash } from './netflow-sequence.ts';
import { hasPorts } from './protocols.ts';

const HEADER = 24;
const RECORD = 48;

/**
 * NetFlow version 5, as Cisco's "NetFlow Export Datagram Format" describes it: a header of 24 bytes, records of 48.
 * Sampled counts stay as reported; the sampling is told.
 */
export function readV5(message: Message): void {
  const { bytes, length, exporter, sink } = message;
  if (length < HEADER) {
    problem(message, `a NetFlow v5 header of ${HEADER} bytes was expected, not ${length} bytes`);
    return;
  }
  const uptime = u32(bytes, 4);
  const clock = clockOf(message, u32(bytes, 8) + u32(bytes, 12) / 1e9, uptime);
  const promised = u16(bytes, 2);
  const whole = Math.floor((length - HEADER) / RECORD);
  const count = Math.min(promised, whole);
  const domain = exporter.domain(5 * 2 ** 32 + u16(bytes, 20)); // engine type and number
  if (!domain) {
    problemOnce(message, 'domains', 'too many engines; those beyond the first 64 are not read');
    return;
  }
  if (!exporter.begin(domain, u32(bytes, 16), 'records', clock, contentHash(bytes, length), sink)) return;
  exporter.end(domain, promised, 'records');
  if (promised !== whole || HEADER + whole * RECORD !== length)
    problem(message, `${promised} records of 48 bytes were expected; the datagram holds ${whole} whole ones`);
  if (promised > count) exporter.loseRecords(promised - count);
  const interval = u16(bytes, 22) & 0x3fff;
  if (interval > 1) exporter.sampling = interval;
  const isSampled = exporter.sampling !== null && exporter.sampling > 1;
  const { record } = sink;
  for (let i = 0, at = HEADER; i < count; i++, at += RECORD) {
    const start = uptimeToUtc(u32(bytes, at + 24), uptime, clock.sentAt);
    const end = uptimeToUtc(u32(bytes, at + 28), uptime, clock.sentAt);
    const wrong = placeInTime(start, end, clock.sentAt, sink);
    if (wrong !== null) {
      problem(message, `record ${i + 1}: ${wrong}`);
      exporter.loseRecords(1);
      continue;
    }
    const protocol = bytes[at + 38] as number;
    const flags = bytes[at + 37] as number;
    const portsMatter = hasPorts(protocol);
    record.src = u32(bytes, at);
    record.dst = u32(bytes, at + 4);
    record.srcPort = portsMatter ? u16(bytes, at + 32) : -1;
    record.dstPort = portsMatter ? u16(bytes, at + 34) : -1;
    record.protocol = protocol;
    record.action = actionOf(protocol, flags, u16(bytes, at + 14), 0);
    record.direction = directionOf(protocol, flags);
    record.connections = connectionsOf(protocol, flags, isSampled);
    record.packets = u32(bytes, at + 16);
    record.bytes = u32(bytes, at + 20);
    exporter.records++;
    sink.add();
  }
}
