import { X509Certificate } from 'node:crypto';
import { certificateFacts } from '../collectors/network/identify-certificate.ts';
import { field } from '../collectors/network/identify-text.ts';
import type { AnswerFacts } from '../model/answer.ts';
import { peekInput } from './detect.ts';
import type { ImportFormat, ImportOptions } from './import-format.ts';
import { readJson } from './json.ts';
import { asArray, asObject, secondsToMs, textOf, wholeOf } from './json-fields.ts';
import { canonicalAddress } from './outside.ts';
import { transportOf } from './port-text.ts';
import { newScanFold, type SeenPort } from './scan-fold.ts';
import { readXml, type XmlHandler } from './xml.ts';

const JSON_HEAD = /^\s*\[?\s*\{\s*"ip":\s*"[^"]{0,60}",\s*(?:"timestamp":\s*"\d+",\s*)?"ports":/;
const LINES_HEAD = /^\s*\{"ip":"[^"]{0,60}","timestamp":"\d+","port":\d+,"proto":"/;
const XML_HEAD = /<nmaprun[^>]*\sscanner="masscan"/;

/**
 * Output of masscan: JSON (`-oJ`, also with the trailing comma and the `{finished: 1}` of older versions), JSON lines
 * (`-oD`) and XML (`-oX`); src/out-json.c, out-ndjson.c and out-xml.c of masscan 1.3. It does not say what it scanned, so
 * no port that it does not name is covered.
 */
export const masscan: ImportFormat = {
  name: 'masscan',
  title: 'masscan (-oJ, -oD, -oX)',
  detect: ({ text }) => JSON_HEAD.test(text) || LINES_HEAD.test(text) || XML_HEAD.test(text),
  async *read(source, options) {
    const fold = newScanFold('masscan', 'root', () => options.observedAt);
    const { head, input } = await peekInput(source, '-', options.report);
    const ports = head.text.trimStart().startsWith('<') ? readXmlPorts(input, options) : readJsonPorts(input, options);
    for await (const port of ports) yield* fold.add(port);
    yield* fold.end();
  },
};

async function* readJsonPorts(
  input: AsyncIterable<Uint8Array>,
  { report }: ImportOptions,
): AsyncGenerator<SeenPort, void, undefined> {
  const ignores = (text: string) => /^\{\s*finished: 1\s*\}$/.test(text);
  for await (const { value, line, column, number } of readJson(input, { report, ignores })) {
    const at = { line, column, place: `record ${number}` };
    const record = asObject(value);
    const address = canonicalAddress(textOf(record?.ip) ?? '');
    const ports = record && (asArray(record.ports) ?? (record.port === undefined ? null : [record]));
    if (!record || address === null || !ports) {
      report({ ...at, message: 'this is no record of masscan: it needs an address (ip) and ports' });
      continue;
    }
    for (const item of ports) {
      const seen = portOf(asObject(item), address, secondsToMs(record.timestamp) ?? null);
      if (seen === 'no port') report({ ...at, message: 'a port of this record cannot be read' });
      else if (seen) yield seen;
    }
  }
}

/** Reads a port of a record; null for what is none (ICMP) or does not say that it is open or closed. */
function portOf(
  item: Readonly<Record<string, unknown>> | null,
  address: string,
  at: number | null,
): SeenPort | 'no port' | null {
  const protocol = textOf(item?.proto);
  const port = wholeOf(item?.port);
  if (!item || protocol === undefined || port === undefined || port > 65_535) return 'no port';
  const transport = transportOf(protocol);
  if (!transport) return null;
  const data = asObject(item.data);
  const status = textOf(item.status) ?? textOf(data?.status);
  if (status === 'open' || status === 'closed') return { address, transport, port, state: status, at };
  const service = asObject(item.service);
  const name = textOf(service?.name) ?? textOf(data?.service_name);
  if (name === undefined) return null;
  const answer = answerOf(name, textOf(service?.banner) ?? textOf(data?.banner) ?? '');
  return { address, transport, port, state: 'open', at, ...(answer && { answer }) };
}

/** IANA names of what masscan recognises, by its own names (masscan-app.c); what talks in clear is marked. */
const SERVICES: Readonly<Record<string, readonly [service: string, encryption?: 'none' | 'ssh']>> = {
  'dns-ver': ['domain'],
  ftp: ['ftp'],
  http: ['http', 'none'],
  'http.server': ['http', 'none'],
  imap4: ['imap'],
  memcached: ['memcached', 'none'],
  ntp: ['ntp'],
  pop3: ['pop3'],
  rdp: ['ms-wbt-server'],
  smb: ['microsoft-ds'],
  smtp: ['smtp'],
  snmp: ['snmp'],
  ssh: ['ssh', 'ssh'],
  telnet: ['telnet', 'none'],
  vnc: ['rfb'],
};

function answerOf(name: string, banner: string): AnswerFacts | null {
  if (name === 'ssl') return { by: 'masscan', encryption: 'tls' };
  if (name === 'X509') return certificateOf(banner);
  const known = Object.hasOwn(SERVICES, name) ? SERVICES[name] : undefined;
  const isServer = name === 'http.server';
  if (!known && name !== 'unknown') return null; // page titles, vulnerabilities
  return {
    ...field(isServer ? 'product' : 'banner', banner.split(/[\r\n]/, 1)[0]),
    ...(known && { service: known[0] }),
    ...(known?.[1] && { encryption: known[1] }),
    by: 'masscan',
  };
}

function certificateOf(base64: string): AnswerFacts {
  try {
    const tls = certificateFacts(new X509Certificate(Buffer.from(base64, 'base64')));
    return { by: 'masscan', encryption: 'tls', tls };
  } catch {
    return { by: 'masscan', encryption: 'tls' };
  }
}

/** Its XML has a host for every port. */
async function* readXmlPorts(
  input: AsyncIterable<Uint8Array>,
  { report }: ImportOptions,
): AsyncGenerator<SeenPort, void, undefined> {
  let found: SeenPort[] = [];
  let address: string | null = null;
  let at: number | null = null;
  let port: { readonly number: number; readonly protocol: string } | null = null;
  let isFinished = false;
  const handler: XmlHandler = {
    open(name, a, { line, column }) {
      if (name === 'host') {
        at = secondsToMs(a.endtime) ?? null;
        address = null;
      } else if (name === 'address') {
        address = canonicalAddress(a.addr ?? '');
        if (address === null) report({ line, column, message: 'this is no address' });
      } else if (name === 'port') port = { number: wholeOf(a.portid) ?? -1, protocol: a.protocol ?? '' };
      else if (name === 'state' && port && address !== null) {
        const transport = transportOf(port.protocol);
        const isPort = port.number >= 0 && port.number <= 65_535;
        if (transport && isPort && (a.state === 'open' || a.state === 'closed'))
          found.push({ address, transport, port: port.number, state: a.state, at });
        else if (!isPort) report({ line, column, message: 'this port cannot be read' });
      } else if (name === 'finished') isFinished = true;
    },
    close(name) {
      if (name === 'port') port = null;
      else if (name === 'host') address = null;
    },
    text() {},
    broken() {
      address = null;
    },
  };
  for await (const _ of readXml(input, handler, report)) {
    yield* found;
    found = [];
  }
  yield* found;
  if (!isFinished)
    report({ message: 'the file ends without the summary of masscan: the scan or the file was cut off' });
}
