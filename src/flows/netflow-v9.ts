import { u16, u32 } from './netflow-bytes.ts';
import { v9Element } from './netflow-elements.ts';
import type { Domain } from './netflow-exporter.ts';
import { clockOf, type Message, problem, problemOnce } from './netflow-message.ts';
import { contentHash } from './netflow-sequence.ts';
import { putTemplate, readDataSet } from './netflow-sets.ts';
import { VARIABLE } from './netflow-template.ts';

const HEADER = 20;
const TEMPLATES = 0;
const OPTIONS_TEMPLATES = 1;
const FIRST_DATA = 256;

/** NetFlow version 9 (RFC 3954). Its sequence numbers count datagrams of a source id. */
export function readV9(message: Message): void {
  const { bytes, length, exporter, sink } = message;
  if (length < HEADER) {
    problem(message, `a NetFlow v9 header of ${HEADER} bytes was expected, not ${length} bytes`);
    return;
  }
  const clock = clockOf(message, u32(bytes, 8), u32(bytes, 4));
  const domain = exporter.domain(9 * 2 ** 32 + u32(bytes, 16));
  if (!domain) {
    problemOnce(message, 'domains', 'too many source ids; those beyond the first 64 are not read');
    return;
  }
  const hash = contentHash(bytes, length);
  if (!exporter.begin(domain, u32(bytes, 12), 'datagrams', clock, hash, sink)) return;
  exporter.end(domain, 1, 'datagrams');
  let at = HEADER;
  while (at + 4 <= length) {
    const id = u16(bytes, at);
    const end = at + u16(bytes, at + 2);
    if (end < at + 4 || end > length) {
      exporter.loseRecords(null);
      problem(message, `flow set ${id} at byte ${at}: a length from 4 to ${length - at} was expected`);
      return;
    }
    if (id === TEMPLATES) readTemplates(message, domain, at + 4, end);
    else if (id === OPTIONS_TEMPLATES) readOptionsTemplates(message, domain, at + 4, end);
    else if (id >= FIRST_DATA) readDataSet(message, domain, id, clock, at + 4, end);
    at = end;
  }
}

function readTemplates(message: Message, domain: Domain, from: number, to: number): void {
  const { bytes } = message;
  let at = from;
  while (at + 4 <= to) {
    const id = u16(bytes, at);
    const count = u16(bytes, at + 2);
    if (id < FIRST_DATA) return; // padding
    if (at + 4 + count * 4 > to) {
      problem(message, `template ${id}: ${count} fields do not fit its flow set`);
      return;
    }
    putTemplate(message, domain, id, false, fieldsOf(bytes, at + 4, count));
    at += 4 + count * 4;
  }
}

function readOptionsTemplates(message: Message, domain: Domain, from: number, to: number): void {
  const { bytes } = message;
  let at = from;
  while (at + 6 <= to) {
    const id = u16(bytes, at);
    const scopes = u16(bytes, at + 2);
    const options = u16(bytes, at + 4);
    if (id < FIRST_DATA) return;
    if (scopes % 4 !== 0 || options % 4 !== 0 || at + 6 + scopes + options > to) {
      problem(message, `options template ${id}: lengths that fit its flow set were expected`);
      return;
    }
    const fields = fieldsOf(bytes, at + 6, (scopes + options) / 4);
    // Scopes are numbered apart (RFC 3954, 6.1): they are passed over.
    for (let i = 0; i < scopes / 2; i += 2) fields[i] = 0;
    putTemplate(message, domain, id, true, fields);
    at += 6 + scopes + options;
  }
}

/** Fields as compileTemplate takes them. NetFlow v9 has none of variable length: such a length is refused as too long. */
function fieldsOf(bytes: Uint8Array, from: number, count: number): number[] {
  const fields: number[] = [];
  for (let at = from; at < from + count * 4; at += 4) {
    const length = u16(bytes, at + 2);
    fields.push(v9Element(u16(bytes, at)), length === VARIABLE ? VARIABLE - 1 : length);
  }
  return fields;
}
