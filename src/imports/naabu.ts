import { csvRecords } from './csv-rows.ts';
import { peekInput } from './detect.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { readJson } from './json.ts';
import { asObject, textOf, wholeOf } from './json-fields.ts';
import { canonicalAddress } from './outside.ts';
import { transportOf } from './port-text.ts';
import { newScanFold, type SeenPort } from './scan-fold.ts';

const CSV_HEAD = /^host,ip,port(?:,|\r?\n|$)/;

/**
 * JSON lines (`naabu -json`) and CSV (`naabu -csv`) of naabu 2: v2/pkg/runner/output.go. It names open ports only, so no
 * other one is covered.
 */
export const naabu: ImportFormat = {
  name: 'naabu',
  title: 'naabu (-json, -csv)',
  detect: (head) => CSV_HEAD.test(head.text) || isNaabuLine(head),
  async *read(source, options) {
    const fold = newScanFold('naabu', 'user', () => options.observedAt);
    const { head, input } = await peekInput(source, '-', options.report);
    for await (const { record, at } of CSV_HEAD.test(head.text)
      ? csvLines(input, options)
      : jsonLines(input, options)) {
      const seen = seenPort(record);
      if (typeof seen === 'string') options.report({ ...at, message: seen });
      else yield* fold.add(seen);
    }
    yield* fold.end();
  },
};

/** The first line: an object with a port and an address or name, and nothing of what masscan or an inventory writes. */
function isNaabuLine({ text }: ImportHead): boolean {
  const line = text.trimStart().split('\n', 1)[0] ?? '';
  if (!line.startsWith('{') || line.length > 4096) return false;
  try {
    const record = asObject(JSON.parse(line));
    if (!record || record.rec_type !== undefined || record.proto !== undefined) return false;
    return (textOf(record.ip) !== undefined || textOf(record.host) !== undefined) && numberOf(record) !== undefined;
  } catch {
    return false;
  }
}

interface NaabuLine {
  readonly record: Readonly<Record<string, unknown>>;
  readonly at: { readonly line: number; readonly column: number };
}

async function* jsonLines(
  input: AsyncIterable<Uint8Array>,
  { report }: ImportOptions,
): AsyncGenerator<NaabuLine, void, undefined> {
  for await (const { value, line, column } of readJson(input, { report })) {
    const record = asObject(value);
    if (record) yield { record, at: { line, column } };
    else report({ line, column, message: 'this is no record of naabu' });
  }
}

async function* csvLines(
  input: AsyncIterable<Uint8Array>,
  { report }: ImportOptions,
): AsyncGenerator<NaabuLine, void, undefined> {
  for await (const { fields, line } of csvRecords(input, report)) {
    // naabu repeats the head for every host.
    if (fields.get('host') === 'host' && fields.get('port') === 'port') continue;
    yield { record: Object.fromEntries(fields), at: { line, column: 1 } };
  }
}

/** The port; before 2.1 an object. */
function numberOf(record: Readonly<Record<string, unknown>>): number | undefined {
  return wholeOf(record.port) ?? wholeOf(asObject(record.port)?.Port);
}

/** Returns the open port of a record, or why it is none. */
function seenPort(record: Readonly<Record<string, unknown>>): SeenPort | string {
  const [host, ip] = [textOf(record.host), textOf(record.ip)];
  const address = canonicalAddress(ip ?? host ?? '');
  if (address === null)
    return ip === undefined ? 'this record has no address (ip)' : `"${ip.slice(0, 60)}" is no address`;
  const old = asObject(record.port);
  const port = numberOf(record);
  if (port === undefined || port > 65_535) return 'this record has no port';
  const protocol = textOf(record.protocol) ?? (old?.Protocol === 1 ? 'udp' : 'tcp'); // naabu 2.0 knew no other
  const transport = transportOf(protocol);
  if (!transport) return `"${protocol.slice(0, 20)}" is no transport; expected tcp or udp`;
  const time = Date.parse(textOf(record.timestamp)?.replace(/ ([+-]\d{4}) [A-Z]+$/, '$1') ?? '');
  const isTls = (record.tls ?? old?.TLS) === true || record.tls === 'true';
  return {
    address,
    transport,
    port,
    state: 'open',
    at: Number.isNaN(time) ? null : time,
    ...(host !== undefined && canonicalAddress(host) === null && /^[\x21-\x7e]{1,253}$/.test(host) && { name: host }),
    ...(isTls && { answer: { by: 'naabu', encryption: 'tls' } as const }),
  };
}
