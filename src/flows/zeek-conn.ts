import { ACTION, DIRECTION, PROTOCOL } from '../model/flow.ts';
import type { FlowRecord } from './flow-format.ts';
import { createWordTable } from './word-table.ts';

/** Fields of conn.log that a record is read from, by the names that both of its forms have. */
export const ZEEK_FIELDS = [
  'ts',
  'id.orig_h',
  'id.orig_p',
  'id.resp_h',
  'id.resp_p',
  'proto',
  'ip_proto',
  'duration',
  'orig_bytes',
  'resp_bytes',
  'conn_state',
  'history',
  'orig_pkts',
  'orig_ip_bytes',
  'resp_pkts',
  'resp_ip_bytes',
] as const;

/** States of a TCP connection in conn.log, with what they say became of it. */
const TCP_STATES: readonly (readonly [string, number])[] = [
  // Nobody answered the SYN. Dropped, no host there, or the answer took another way: the record does not say.
  ['S0', ACTION.unknown],
  // A SYN ACK was seen: the connection came about.
  ['S1', ACTION.accepted],
  ['S2', ACTION.accepted],
  ['S3', ACTION.accepted],
  ['SF', ACTION.accepted],
  ['RSTO', ACTION.accepted],
  ['RSTR', ACTION.accepted],
  ['RSTRH', ACTION.accepted],
  ['SHR', ACTION.accepted],
  // The SYN was answered by a reset: by the host, where nothing listens, or by a filter that rejects. Either way the
  // connection was refused, and nothing was let in. Which of the two it was, conn.log does not say.
  ['REJ', ACTION.denied],
  // The client gave up before anything was answered.
  ['RSTOS0', ACTION.unknown],
  ['SH', ACTION.unknown],
  // Seen from the middle.
  ['OTH', ACTION.unknown],
];
const states = createWordTable(TCP_STATES.map(([name]) => name));
const SF = TCP_STATES.findIndex(([name]) => name === 'SF');
const OTH = TCP_STATES.findIndex(([name]) => name === 'OTH');

const FLIPPED = 94; // ^
const SYN = 83; // S, s
const SYN_ACK = 72; // H, h

/**
 * Sets action and direction of a record of conn.log. The originator is the client, with two exceptions: of a TCP
 * connection of which neither SYN nor SYN ACK was seen it is who sent first; and `^` in the history says that Zeek turned
 * the two around, which without one of those packets it does by the port number. Then the direction is unknown.
 */
export function readZeekOutcome(
  record: FlowRecord,
  bytes: Uint8Array,
  stateFrom: number,
  stateTo: number,
  historyFrom: number,
  historyTo: number,
): void {
  const state = states.indexOf(bytes, stateFrom, stateTo);
  let isFlipped = false;
  let hasHandshake = false;
  let hasOwnSyn = false;
  let hasOwnSynAck = false;
  for (let i = historyFrom; i < historyTo; i++) {
    const byte = bytes[i] as number;
    if (byte === FLIPPED) isFlipped = true;
    else if ((byte & ~32) === SYN || (byte & ~32) === SYN_ACK) {
      hasHandshake = true;
      if (byte === SYN) hasOwnSyn = true;
      else if (byte === SYN_ACK) hasOwnSynAck = true;
    }
  }
  if (record.protocol !== PROTOCOL.tcp) {
    // Both sides sent. One side alone is usual with UDP, and says nothing of a filter.
    record.action = state === SF ? ACTION.accepted : ACTION.unknown;
    record.direction = isFlipped ? DIRECTION.unknown : DIRECTION.forward;
    return;
  }
  record.action = state < 0 ? ACTION.unknown : (TCP_STATES[state]?.[1] ?? ACTION.unknown);
  // Who sends a SYN ACK, and never a SYN, is the server.
  if (hasOwnSynAck && !hasOwnSyn) record.direction = DIRECTION.reply;
  else if (hasHandshake) record.direction = DIRECTION.forward;
  else record.direction = isFlipped || state === OTH || state < 0 ? DIRECTION.unknown : DIRECTION.forward;
}
