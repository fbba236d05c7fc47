import { ACTION, DIRECTION } from '../model/flow.ts';
import type { FlowRecord } from './flow-format.ts';
import type { NameTable } from './name-table.ts';
import { hasPorts } from './protocols.ts';

/** No plain record is longer: from here on every look ahead is inside the bytes. */
export const LONGEST_PLAIN = 320;

const LF = 10;
const SPACE = 32;
const DOT = 46;
const ZERO = 48;
/** Four letters as a word in little-endian order. */
const ACCE = 0x45434341;
const PT_O = 0x4f205450;
const REJE = 0x454a4552;
const CT_O = 0x4f205443;
const K = 75;
/** Bytes of the columns before the interface at most: `2 123456789012 `. */
const LONGEST_LEAD = 32;
const LONGEST_INTERFACE = 64;

const SRC_PORT = 0;
const DST_PORT = 1;
const PROTOCOL_NUMBER = 2;
const PACKETS = 3;
const BYTES = 4;

/**
 * Reads the records that nearly every line of a default (version 2) log is: IPv4, no column left out, status OK. What is
 * different in any way is left to the reader of all fields, which is slower.
 */
export interface PlainReader {
  /** Number of the interface of the record that was read. */
  interface: number;
  /**
   * Reads the line at `from` into the record; at least LONGEST_PLAIN bytes are there. `view`: of the same bytes. Returns
   * where the next one begins; -1: it is no plain record, and nothing is said about it.
   */
  read(bytes: Uint8Array, view: DataView, from: number): number;
}

/** The value of four digits, given as a word in little-endian order; -1: some of them is none. */
function fourDigits(word: number): number {
  const digits = word ^ 0x30303030;
  if (((digits | (digits + 0x06060606)) & 0xf0f0f0f0) !== 0) return -1;
  const pairs = Math.imul(digits, 10) + (digits >>> 8);
  return (pairs & 255) * 100 + ((pairs >>> 16) & 255);
}

export function createPlainReader(record: FlowRecord, interfaces: NameTable): PlainReader {
  /** The columns before the interface are the same in most lines: their bytes in the line that was looked at in full. */
  const lead = new Uint8Array(LONGEST_LEAD);
  const leadView = new DataView(lead.buffer);
  let leadLength = 0;
  let interfaceLength = 21;
  const addresses = new Int32Array(2);
  const numbers = new Float64Array(5);
  const times = new Float64Array(2);

  /** Notes the version and the account of a line. False: they are not what they are in a plain record. */
  function learn(bytes: Uint8Array, from: number): boolean {
    leadLength = 0;
    let at = from;
    for (let column = 0; column < 2; column++) {
      const start = at;
      while (at - from < LONGEST_LEAD && (bytes[at] as number) > SPACE) at++;
      if (at === start || bytes[at] !== SPACE || ++at - from > LONGEST_LEAD) return false;
    }
    lead.set(bytes.subarray(from, at));
    leadLength = at - from;
    return true;
  }

  function isLed(view: DataView, from: number): boolean {
    if (leadLength < 4) return false;
    // By words; the last one may overlap the one before it.
    const last = leadLength - 4;
    for (let i = 0; i < last; i += 4) if (view.getInt32(from + i, true) !== leadView.getInt32(i, true)) return false;
    return view.getInt32(from + last, true) === leadView.getInt32(last, true);
  }

  /** The number of the interface at `from`, and in interfaceLength how long it is; -1: it has none yet. */
  function interfaceAt(bytes: Uint8Array, view: DataView, from: number): number {
    if (bytes[from + interfaceLength] !== SPACE) {
      let length = 0;
      while (length < LONGEST_INTERFACE && (bytes[from + length] as number) > SPACE) length++;
      interfaceLength = length;
    }
    const to = from + interfaceLength;
    // A known name has no blank in it, so what is the same is one column.
    return interfaces.find(view, from, to);
  }

  const reader: PlainReader = {
    interface: -1,
    read(bytes, view, from) {
      if (!isLed(view, from) && !learn(bytes, from)) return -1;
      let i = from + leadLength;
      const number = interfaceAt(bytes, view, i);
      if (number < 0) return -1;
      i += interfaceLength + 1;

      for (let n = 0; n < 2; n++) {
        let value = 0;
        for (let parts = 0; parts < 4; parts++) {
          let part = (bytes[i] as number) ^ ZERO;
          if (part > 9) return -1;
          let digit = (bytes[++i] as number) ^ ZERO;
          if (digit <= 9) {
            if (part === 0) return -1;
            part = part * 10 + digit;
            digit = (bytes[++i] as number) ^ ZERO;
            if (digit <= 9) {
              part = part * 10 + digit;
              if (part > 255) return -1;
              digit = (bytes[++i] as number) ^ ZERO;
            }
          }
          if (digit !== (parts < 3 ? DOT ^ ZERO : SPACE ^ ZERO)) return -1;
          i++;
          value = (value << 8) | part;
        }
        addresses[n] = value;
      }

      for (let n = 0; n < 5; n++) {
        const start = i;
        let value = (bytes[i] as number) ^ ZERO;
        if (value > 9) return -1;
        let digit = (bytes[++i] as number) ^ ZERO;
        while (digit <= 9) {
          value = value * 10 + digit;
          digit = (bytes[++i] as number) ^ ZERO;
        }
        if (digit !== (SPACE ^ ZERO) || i - start > 15) return -1;
        i++;
        numbers[n] = value;
      }

      for (let n = 0; n < 2; n++) {
        // Ten digits, as there are from 2001 to 2286.
        const high = fourDigits(view.getInt32(i, true));
        const middle = fourDigits(view.getInt32(i + 4, true));
        const tens = (bytes[i + 8] as number) ^ ZERO;
        const ones = (bytes[i + 9] as number) ^ ZERO;
        if (high < 0 || middle < 0 || tens > 9 || ones > 9 || bytes[i + 10] !== SPACE) return -1;
        times[n] = high * 1_000_000 + middle * 100 + tens * 10 + ones;
        i += 11;
      }

      const first = view.getInt32(i, true);
      const second = view.getInt32(i + 4, true);
      let action: number = ACTION.accepted;
      if (first !== ACCE || second !== PT_O) {
        if (first !== REJE || second !== CT_O) return -1;
        action = ACTION.denied;
      }
      if (bytes[i + 8] !== K || bytes[i + 9] !== LF) return -1;

      const srcPort = numbers[SRC_PORT] as number;
      const dstPort = numbers[DST_PORT] as number;
      const protocol = numbers[PROTOCOL_NUMBER] as number;
      const start = times[0] as number;
      const end = times[1] as number;
      if (srcPort > 65_535 || dstPort > 65_535 || protocol > 255 || end < start) return -1;
      const isWithPorts = hasPorts(protocol);
      record.start = start;
      record.end = end;
      record.src = (addresses[0] as number) >>> 0;
      record.dst = (addresses[1] as number) >>> 0;
      record.srcPort = isWithPorts ? srcPort : -1;
      record.dstPort = isWithPorts ? dstPort : -1;
      record.protocol = protocol;
      record.action = action;
      record.direction = DIRECTION.unknown;
      record.connections = 1;
      record.packets = numbers[PACKETS] as number;
      record.bytes = numbers[BYTES] as number;
      reader.interface = number;
      return i + 10;
    },
  };
  return reader;
}
