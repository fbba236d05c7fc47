import type { FlowFormatOptions, FlowSink } from './flow-format.ts';
import { emptyLogPacket, findLogPacket, LOG_HOOK, LOG_READ, readLogPacket } from './log-packet.ts';
import { createPrefixActions } from './log-prefix.ts';
import { ascii, quoteAt, sameText, skipBlanks, startsWith, uintUpTo } from './scan.ts';

const repeated = ascii('message repeated ');
const times = ascii(' times: [');
const CLOSE = 93;
const SPACE = 32;

/** Counts what the kernel logged of packets. */
export interface LogLines {
  /**
   * Takes the message bytes[from, to) of the kernel of a host, logged at `time` (UTC seconds; NaN: it is not known, and
   * `expected` at `expectedAt` says of what). Positions of problems count from `lineFrom`.
   */
  take(
    bytes: Uint8Array,
    from: number,
    to: number,
    time: number,
    expected: string,
    expectedAt: number,
    line: number,
    lineFrom: number,
  ): void;
  /** Names the host that the next messages are of: bytes[from, to); none where it is empty. */
  host(bytes: Uint8Array, from: number, to: number): void;
}

/**
 * What syslog and the journal have in common. Hosts are feeds of their own, and so is what a host forwards: those packets
 * were on their way between others.
 */
export function createLogLines(sink: FlowSink, options: FlowFormatOptions, name: string): LogLines {
  const { record, ids } = sink;
  const packet = emptyLogPacket();
  const actionOf = createPrefixActions(options.prefixes);
  let host = new Uint8Array(0);
  let isForward = false;
  let feed = name;
  sink.feed(name);

  function rename(): void {
    feed = host.length > 0 ? `${name}:${quoteAt(host, 0, host.length)}` : name;
    sink.feed(isForward ? `${feed}/forward` : feed);
  }

  return {
    host(bytes, from, to) {
      if (sameText(bytes, from, to, host)) return;
      host = bytes.slice(from, to);
      rename();
    },
    take(bytes, from, end, time, expected, expectedAt, line, lineFrom) {
      // rsyslog: "message repeated 3 times: [ prefix IN=…]"
      let begin = from;
      let to = end;
      let count = 1;
      if (startsWith(bytes, from, end, repeated)) {
        const numberAt = from + repeated.length;
        let numberEnd = numberAt;
        while (numberEnd < end && bytes[numberEnd] !== SPACE) numberEnd++;
        const number = uintUpTo(bytes, numberAt, numberEnd, 1_000_000_000);
        if (number > 0 && startsWith(bytes, numberEnd, end, times) && bytes[end - 1] === CLOSE) {
          begin = skipBlanks(bytes, numberEnd + times.length, end);
          to = end - 1;
          count = number;
        }
      }
      const at = findLogPacket(bytes, begin, to);
      if (at < 0) {
        sink.skip('messages that are no packet of a rule that logs');
        return;
      }
      const result = readLogPacket(bytes, at, to, ids, packet);
      if (result === LOG_READ.other) sink.skip('packets of other protocols than IP');
      else if (result === LOG_READ.unnamed) sink.skip('packets whose protocol the kernel could not read');
      else if (result === LOG_READ.unreadable) {
        const found = packet.problemAt < to ? `"${quoteAt(bytes, packet.problemAt, to)}"` : 'the end';
        sink.problem(`expected ${packet.problem}, found ${found}`, line, packet.problemAt - lineFrom + 1);
      } else if (Number.isNaN(time)) {
        const found = quoteAt(bytes, expectedAt, to);
        sink.problem(`expected ${expected}, found "${found}"`, line, expectedAt - lineFrom + 1);
      } else {
        const isOnItsWay = packet.hook === LOG_HOOK.forward;
        if (isOnItsWay !== isForward) {
          isForward = isOnItsWay;
          rename();
        }
        record.start = time;
        record.end = time;
        record.src = packet.src;
        record.dst = packet.dst;
        record.srcPort = packet.srcPort;
        record.dstPort = packet.dstPort;
        record.protocol = packet.protocol;
        record.action = actionOf(bytes, begin, packet.prefixEnd);
        record.direction = packet.direction;
        record.connections = packet.connections * count;
        record.packets = count;
        record.bytes = packet.bytes * count;
        if (!Number.isSafeInteger(record.bytes)) {
          sink.problem('expected a smaller number after LEN=', line, at - lineFrom + 1);
          return;
        }
        sink.add();
      }
    },
  };
}
