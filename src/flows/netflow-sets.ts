import { BOUNDS, type Domain, type MessageClock } from './netflow-exporter.ts';
import { type Message, problem, problemOnce } from './netflow-message.ts';
import { addFlow, optionsSaid, readFields } from './netflow-record.ts';
import { compileTemplate, sameTemplate } from './netflow-template.ts';

/** What NetFlow v9 and IPFIX share: sets of records that are read by templates. */

/**
 * Reads a data set, bytes[from, to), by its template. Returns how many records it has; null: not known, as its template has
 * not come. What is left behind the last record is padding.
 */
export function readDataSet(
  message: Message,
  domain: Domain,
  id: number,
  clock: MessageClock,
  from: number,
  to: number,
): number | null {
  const template = domain.templates.get(id);
  if (!template) {
    keepWaiting(message, domain, id, clock, from, to);
    return null;
  }
  const { bytes, exporter, sink } = message;
  let count = 0;
  for (let at = from; at + template.minLength <= to; ) {
    const next = readFields(template, bytes, at, to);
    if (next === -1) {
      // Padding may be as long as a short record of variable length; RFC 7011 has it be zeros.
      if (!onlyZeros(bytes, at, to)) {
        problem(message, `a record of template ${id} goes beyond the end of its set`);
        exporter.loseRecords(null);
      }
      break;
    }
    count++;
    if (next === -2) {
      problemOnce(message, `length ${id}`, `template ${id} has a field of a length that its element cannot have`);
      exporter.loseRecords(null);
      return null;
    }
    at = next;
    if (template.isOptions) {
      const said = optionsSaid(clock);
      if (said.sampling !== null && said.sampling >= 1)
        exporter.sampling = Math.max(exporter.sampling ?? 1, said.sampling);
      if (said.bootedAt !== null) domain.bootedAt = said.bootedAt;
      continue;
    }
    const isSampled = exporter.sampling !== null && exporter.sampling > 1;
    const wrong = addFlow(bytes, clock, domain.bootedAt, isSampled, sink);
    if (wrong === null) exporter.records++;
    else {
      problem(message, `record ${count} of template ${id}: ${wrong}`);
      exporter.loseRecords(1);
    }
  }
  return count;
}

function onlyZeros(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Keeps a data set until its template comes; one that there is no room for is lost, which is said. */
function keepWaiting(
  message: Message,
  domain: Domain,
  template: number,
  clock: MessageClock,
  from: number,
  to: number,
): void {
  const { exporter, budget } = message;
  const size = to - from;
  if (
    exporter.waitingBytes + size > BOUNDS.waitingBytes ||
    budget.waitingBytes + size > BOUNDS.allWaitingBytes ||
    domain.waiting.length >= BOUNDS.waitingSets
  ) {
    exporter.undecoded++;
    exporter.loseRecords(null);
    problemOnce(message, 'waiting', 'too many data sets without a template; the rest is not read');
    return;
  }
  exporter.waitingBytes += size;
  budget.waitingBytes += size;
  domain.waiting.push({ template, bytes: message.bytes.slice(from, to), clock, since: message.receivedAt });
}

/** Takes a template: makes it, replaces it, or says why not. Data sets that waited for it are read now. */
export function putTemplate(
  message: Message,
  domain: Domain,
  id: number,
  isOptions: boolean,
  fields: readonly number[],
): void {
  const { exporter } = message;
  const count = fields.length / 2;
  const before = domain.templates.get(id);
  const room = BOUNDS.allFields - exporter.fields + (before?.reads.length ?? 0);
  if (count > BOUNDS.fields || count > room || (!before && domain.templates.size >= BOUNDS.templates)) {
    problemOnce(
      message,
      'templates',
      `template ${id} is beyond what is kept of one exporter (${BOUNDS.templates} templates a domain, ${BOUNDS.fields} fields each, ${BOUNDS.allFields} in all)`,
    );
    return;
  }
  const template = compileTemplate(id, isOptions, fields);
  if (!template) {
    problemOnce(message, `empty ${id}`, `template ${id} describes records of no length, or longer than a datagram`);
    return;
  }
  if (before && sameTemplate(before, template)) return;
  exporter.fields += count - (before?.reads.length ?? 0);
  domain.templates.set(id, template);
  readWaiting(message, domain, id);
}

/** Forgets a template (RFC 7011, 8.1); what comes next with its number waits for a new one. */
export function dropTemplate(message: Message, domain: Domain, id: number): void {
  message.exporter.fields -= domain.templates.get(id)?.reads.length ?? 0;
  domain.templates.delete(id);
}

/** Forgets the templates of a kind. */
export function dropTemplates(message: Message, domain: Domain, isOptions: boolean): void {
  for (const template of [...domain.templates.values()])
    if (template.isOptions === isOptions) dropTemplate(message, domain, template.id);
}

function readWaiting(message: Message, domain: Domain, id: number): void {
  if (domain.waiting.length === 0) return;
  const ready = domain.waiting.filter((set) => set.template === id);
  domain.waiting = domain.waiting.filter((set) => set.template !== id);
  for (const { bytes, clock } of ready) {
    message.exporter.waitingBytes -= bytes.length;
    message.budget.waitingBytes -= bytes.length;
    readDataSet({ ...message, bytes, length: bytes.length }, domain, id, clock, 0, bytes.length);
  }
}
