import { u16, u32 } from './netflow-bytes.ts';
import { ipfixElement } from './netflow-elements.ts';
import type { Domain, MessageClock } from './netflow-exporter.ts';
import { clockOf, type Message, problem, problemOnce } from './netflow-message.ts';
import { contentHash } from './netflow-sequence.ts';
import { dropTemplate, dropTemplates, putTemplate, readDataSet } from './netflow-sets.ts';

const HEADER = 16;
const TEMPLATES = 2;
const OPTIONS_TEMPLATES = 3;
const FIRST_DATA = 256;
const ENTERPRISE = 0x8000;

/** IPFIX (RFC 7011; elements of RFC 7012; both directions in one record by RFC 5103). Its sequence numbers count data records. */
export function readIpfix(message: Message): void {
  const { bytes, length, exporter, sink } = message;
  if (length < HEADER) {
    problem(message, `an IPFIX header of ${HEADER} bytes was expected, not ${length} bytes`);
    return;
  }
  const promised = u16(bytes, 2);
  const to = Math.min(promised, length);
  if (promised !== length) problem(message, `an IPFIX message of ${promised} bytes was expected, not ${length} bytes`);
  const clock = clockOf(message, u32(bytes, 4), null);
  const domain = exporter.domain(10 * 2 ** 32 + u32(bytes, 12));
  if (!domain) {
    problemOnce(message, 'domains', 'too many observation domains; those beyond the first 64 are not read');
    return;
  }
  if (!exporter.begin(domain, u32(bytes, 8), 'records', clock, contentHash(bytes, length), sink)) return;
  exporter.end(domain, readSets(message, domain, clock, to), 'records');
}

/** Reads the sets of a message; how many data records it has, null: not known. */
function readSets(message: Message, domain: Domain, clock: MessageClock, to: number): number | null {
  const { bytes, exporter } = message;
  let records: number | null = 0;
  let at = HEADER;
  while (at + 4 <= to) {
    const id = u16(bytes, at);
    const end = at + u16(bytes, at + 2);
    if (end < at + 4 || end > to) {
      exporter.loseRecords(null);
      problem(message, `set ${id} at byte ${at}: a length from 4 to ${to - at} was expected`);
      return null;
    }
    if (id === TEMPLATES || id === OPTIONS_TEMPLATES) readTemplates(message, domain, id, at + 4, end);
    else if (id >= FIRST_DATA) {
      const count = readDataSet(message, domain, id, clock, at + 4, end);
      records = records === null || count === null ? null : records + count;
    }
    at = end;
  }
  return records;
}

/** Reads a set of templates, or of options templates, and withdrawals: templates without fields. */
function readTemplates(message: Message, domain: Domain, kind: number, from: number, to: number): void {
  const { bytes } = message;
  const isOptions = kind === OPTIONS_TEMPLATES;
  let at = from;
  while (at + 4 <= to) {
    const id = u16(bytes, at);
    const count = u16(bytes, at + 2);
    if (id === 0) return; // padding
    at += 4;
    if (count === 0) {
      if (id === kind) dropTemplates(message, domain, isOptions);
      else dropTemplate(message, domain, id);
      continue;
    }
    if (id < FIRST_DATA) {
      problem(message, `template ${id}: a number from 256 on was expected`);
      return;
    }
    let scopes = 0;
    if (isOptions) {
      if (at + 2 > to) {
        problem(message, `options template ${id} is cut off`);
        return;
      }
      scopes = u16(bytes, at);
      at += 2;
      if (scopes === 0 || scopes > count) {
        problem(message, `options template ${id}: 1 to ${count} scope fields were expected, not ${scopes}`);
        return;
      }
    }
    const fields: number[] = [];
    for (let field = 0; field < count; field++) {
      const hasEnterprise = at + 2 <= to && (u16(bytes, at) & ENTERPRISE) !== 0;
      const size = hasEnterprise ? 8 : 4;
      if (at + size > to) {
        problem(message, `template ${id}: ${count} fields do not fit its set`);
        return;
      }
      const enterprise = hasEnterprise ? u32(bytes, at + 4) : 0;
      fields.push(ipfixElement(enterprise, u16(bytes, at) & 0x7fff), u16(bytes, at + 2));
      at += size;
    }
    putTemplate(message, domain, id, isOptions, fields);
  }
}
