import type { FlowFormat, FlowFormatOptions, FlowParser, FlowSink } from './flow-format.ts';
import { createJsonReader, JSON_KIND } from './json-reader.ts';
import { createLogLines } from './log-line.ts';
import { ascii, fieldEnd, lineEnd, quoteAt, sameText, uintAt, withoutReturn } from './scan.ts';
import { createWordTable } from './word-table.ts';

const LF = 10;
const EQUALS = 61;
const UNDERSCORE = 95;
const OPEN = 123;
const SEPARATOR = 30;
/** Longer values are no line of a packet: they are passed over, and no more than this is held of one. */
const LONGEST_VALUE = 65_536;
const LONGEST_NAME = 64;

const FIELDS = ['__REALTIME_TIMESTAMP', '_SOURCE_REALTIME_TIMESTAMP', '_TRANSPORT', '_HOSTNAME', 'MESSAGE'] as const;
const RECEIVED = 0;
const LOGGED = 1;
const TRANSPORT = 2;
const HOST = 3;
const MESSAGE = 4;
const fields = createWordTable(FIELDS);
const kernel = ascii('kernel');
const MICROSECONDS = 'expected microseconds since 1970 in __REALTIME_TIMESTAMP';

/** A value of the entry that is read: bytes that are the entry's own. */
class Held {
  bytes = new Uint8Array(256);
  length = -1;

  set(source: Uint8Array, from: number, to: number): void {
    this.length = 0;
    this.append(source, from, to);
  }

  append(source: Uint8Array, from: number, to: number): void {
    const length = this.length + to - from;
    if (length > this.bytes.length) {
      const larger = new Uint8Array(length * 2);
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    this.bytes.set(source.subarray(from, to), this.length);
    this.length = length;
  }
}

/**
 * Entries of the kernel in `journalctl -o export` and `-o json`. Who wrote an entry is what journald itself noted
 * (_TRANSPORT), not what the writer claims.
 *
 * The export format is one of lines only as long as no value has a line end or a control character in it. Such a value
 * comes as its name, a line end, eight bytes of length and the bytes: it may be cut anywhere between two calls.
 */
function open(sink: FlowSink, options: FlowFormatOptions): FlowParser {
  const logLines = createLogLines(sink, options, 'journal');
  const json = createJsonReader(FIELDS);
  const held = FIELDS.map(() => new Held());

  // --- the export format: where in an entry the bytes are ---
  let lineNumber = 1;
  let hasFields = false;
  let isBroken = false;
  let entryLine = 0;
  let messageLine = 0;
  let messageColumn = 1;
  /** Bytes of a length that were read; -1: none is expected. */
  let lengthBytes = -1;
  let remaining = 0;
  let binaryField = -1;
  /** The line end behind a binary value comes next. */
  let isLineEndDue = false;
  const length = new Uint8Array(8);
  /** Number of the line that comes next. */
  let nextLine = 1;
  /** A line of a binary value was left out: of what the bytes behind it are cannot be known. */
  let isLost = false;

  function text(field: number): Held {
    return held[field] as Held;
  }

  function time(bytes: Uint8Array, from: number, to: number): number {
    const micros = uintAt(bytes, from, to);
    return micros < 0 ? Number.NaN : micros / 1e6;
  }

  function finishEntry(): void {
    if (!hasFields) return;
    hasFields = false;
    if (isBroken) {
      isBroken = false;
      return; // it was told of
    }
    const transport = text(TRANSPORT);
    const message = text(MESSAGE);
    const host = text(HOST);
    if (transport.length < 0 || !sameText(transport.bytes, 0, transport.length, kernel)) {
      sink.skip('entries that are not of the kernel');
      return;
    }
    if (message.length < 0) {
      sink.skip('entries without a message');
      return;
    }
    const stamp = text(text(RECEIVED).length >= 0 ? RECEIVED : LOGGED);
    const at = time(stamp.bytes, 0, Math.max(0, stamp.length));
    if (Number.isNaN(at)) {
      sink.problem(MICROSECONDS, entryLine, 1);
      return;
    }
    logLines.host(host.bytes, 0, Math.max(0, host.length));
    logLines.take(message.bytes, 0, message.length, at, '', 0, messageLine, 1 - messageColumn);
  }

  function startField(): void {
    if (hasFields) return;
    hasFields = true;
    isBroken = false;
    entryLine = lineNumber;
    for (const value of held) value.length = -1;
  }

  function breakEntry(message: string, line: number, column: number): void {
    if (!isBroken) sink.problem(message, line, column);
    isBroken = true;
  }

  /**
   * A line that is longer than is read was left out. It may have been part of a binary value, so where that ends is not known,
   * and what looks like an entry may be inside of it: from there on nothing of the export format is believed.
   */
  function loseTrack(line: number): void {
    if (lengthBytes >= 0 || remaining > 0) {
      isLost = true;
      sink.problem('expected the rest of a binary value: the rest of the input is not read', line, 1);
      hasFields = false;
    } else if (hasFields) breakEntry('expected the rest of an entry', line, 1);
    lengthBytes = -1;
    remaining = 0;
    isLineEndDue = false;
  }

  function oneLine(bytes: Uint8Array, from: number, to: number, isEnded: boolean): void {
    if (isLost) {
      if (from < to) sink.skip('lines behind a binary value that was not read whole');
      return;
    }
    if (from === to) {
      finishEntry();
      return;
    }
    if (isJsonLine(bytes[from])) {
      finishEntry();
      oneJson(bytes, from, withoutReturn(bytes, from, to), lineNumber);
      return;
    }
    startField();
    const equals = fieldEnd(bytes, from, Math.min(to, from + LONGEST_NAME + 1), EQUALS);
    const field = fields.indexOf(bytes, from, equals);
    if (equals < to && bytes[equals] === EQUALS) {
      if (field < 0) return;
      if (to - equals > LONGEST_VALUE)
        breakEntry(`expected no more than ${LONGEST_VALUE} bytes`, lineNumber, equals - from + 2);
      else text(field).set(bytes, equals + 1, to);
      if (field === MESSAGE) {
        messageLine = lineNumber;
        messageColumn = equals - from + 2;
      }
      return;
    }
    if (!isName(bytes, from, to) || !isEnded) {
      breakEntry(`expected NAME=value, found "${quoteAt(bytes, from, to)}"`, lineNumber, 1);
      return;
    }
    binaryField = field;
    lengthBytes = 0;
  }

  function read(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (lengthBytes >= 0) {
        const byte = bytes[at++] as number;
        if (byte === LF) lineNumber++;
        length[lengthBytes++] = byte;
        if (lengthBytes < 8) continue;
        lengthBytes = -1;
        remaining = 0;
        for (let i = 7; i >= 0; i--) remaining = remaining * 256 + (length[i] as number);
        if (remaining > 2 ** 32) {
          // No such length: what follows cannot be told apart any more, until the next empty line.
          breakEntry('expected eight bytes of a length', lineNumber, 1);
          remaining = 0;
          continue;
        }
        if (binaryField === MESSAGE) {
          messageLine = lineNumber;
          messageColumn = 1;
        }
        if (binaryField >= 0) {
          text(binaryField).length = 0;
          if (remaining > LONGEST_VALUE) {
            breakEntry(`expected no more than ${LONGEST_VALUE} bytes`, lineNumber, 1);
            binaryField = -1;
          }
        }
        isLineEndDue = remaining === 0;
      } else if (remaining > 0) {
        const end = Math.min(to, at + remaining);
        if (binaryField >= 0) text(binaryField).append(bytes, at, end);
        for (let i = at; i < end; i++) if (bytes[i] === LF) lineNumber++;
        remaining -= end - at;
        at = end;
        isLineEndDue = remaining === 0;
      } else if (isLineEndDue) {
        isLineEndDue = false;
        if (bytes[at] === LF) {
          at++;
          lineNumber++;
        } else breakEntry('expected a line end behind a binary value', lineNumber, 1);
      } else {
        const end = lineEnd(bytes, at, to);
        oneLine(bytes, at, end, end < to);
        if (end < to) lineNumber++;
        at = end + 1;
      }
    }
  }

  /** A list of bytes, as which the journal writes a message that is no UTF-8; false: it is none. */
  function bytesOf(value: Held, source: Uint8Array, from: number, to: number): boolean {
    value.length = 0;
    const one = new Uint8Array(1);
    for (let at = from + 1; at < to; ) {
      let end = at;
      while (end < to && isDigit(source[end] as number)) end++;
      if (end === at) {
        at++;
        continue;
      }
      const number = uintAt(source, at, end);
      if (number < 0 || number > 255 || value.length >= LONGEST_VALUE) return false;
      one[0] = number;
      value.append(one, 0, 1);
      at = end;
    }
    return true;
  }

  function oneJson(bytes: Uint8Array, from: number, to: number, line: number): void {
    const begin = bytes[from] === SEPARATOR ? from + 1 : from;
    if (!json.read(bytes, begin, to)) {
      const found = quoteAt(bytes, json.problemAt, to);
      sink.problem(`expected ${json.problem}, found "${found}"`, line, json.problemAt - from + 1);
      return;
    }
    const { kind, source, from: starts, to: ends } = json;
    const start = (field: number) => starts[field] as number;
    const end = (field: number) => ends[field] as number;
    if (kind[TRANSPORT] !== JSON_KIND.text || !sameText(source, start(TRANSPORT), end(TRANSPORT), kernel)) {
      sink.skip('entries that are not of the kernel');
      return;
    }
    const message = text(MESSAGE);
    if (kind[MESSAGE] === JSON_KIND.text) message.set(source, start(MESSAGE), end(MESSAGE));
    else if (kind[MESSAGE] !== JSON_KIND.array || !bytesOf(message, source, start(MESSAGE), end(MESSAGE))) {
      // null: longer than journalctl shows, which no line of a packet is.
      sink.skip('entries without a message');
      return;
    }
    const stamp = kind[RECEIVED] !== JSON_KIND.missing ? RECEIVED : LOGGED;
    const hasStamp = kind[stamp] === JSON_KIND.text || kind[stamp] === JSON_KIND.number;
    const at = hasStamp ? time(source, start(stamp), end(stamp)) : Number.NaN;
    if (Number.isNaN(at)) {
      sink.problem(MICROSECONDS, line, 1);
      return;
    }
    const isHost = kind[HOST] === JSON_KIND.text;
    logLines.host(source, isHost ? start(HOST) : 0, isHost ? end(HOST) : 0);
    logLines.take(message.bytes, 0, message.length, at, '', 0, line, from - (json.place[MESSAGE] as number));
  }

  return {
    lines(bytes, from, to, number) {
      if (number === 1) {
        // Another input, or the same from its beginning.
        finishEntry();
        isLost = false;
        lengthBytes = -1;
        remaining = 0;
        isLineEndDue = false;
      } else if (number !== nextLine) loseTrack(nextLine);
      lineNumber = number;
      read(bytes, from, to);
      let lines = 0;
      for (let i = from; i < to; i++) if (bytes[i] === LF) lines++;
      if (to > from && bytes[to - 1] !== LF) lines++;
      nextLine = number + lines;
      return lines;
    },
    end() {
      if (lengthBytes >= 0 || remaining > 0)
        breakEntry('expected more bytes of a binary value (a file that was cut?)', entryLine, 1);
      finishEntry();
    },
  };
}

/** Capital letters, digits and underscores. */
function isName(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from > LONGEST_NAME) return false;
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (!(byte >= 65 && byte <= 90) && !isDigit(byte) && byte !== UNDERSCORE) return false;
  }
  return true;
}

/** No name of a field begins like this. `-o json-seq` begins each record with a separator. */
function isJsonLine(byte: number | undefined): boolean {
  return byte === OPEN || byte === SEPARATOR;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** It begins with an entry of the journal. */
function detect(head: Uint8Array): boolean {
  const firstEnd = lineEnd(head, 0, head.length);
  const begin = head[0] === SEPARATOR ? 1 : 0;
  const isCursor = [ascii('__CURSOR='), ascii('__REALTIME_TIMESTAMP='), ascii('_BOOT_ID=')].some((name) =>
    sameText(head, 0, Math.min(name.length, head.length), name),
  );
  if (isCursor) return true;
  if (head[begin] !== OPEN) return false;
  const json = createJsonReader(FIELDS);
  return json.read(head, begin, firstEnd) && json.kind[RECEIVED] !== JSON_KIND.missing && findsMessage(json.kind);
}

function findsMessage(kind: Uint8Array): boolean {
  return kind[MESSAGE] !== JSON_KIND.missing || kind[TRANSPORT] !== JSON_KIND.missing;
}

export const journalExport: FlowFormat = {
  name: 'journal',
  title: 'packets logged by iptables, nftables, ufw or firewalld, in journalctl -o export or -o json',
  coverage: 'none',
  detect,
  open,
};
