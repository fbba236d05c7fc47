import { X509Certificate } from 'node:crypto';
import { certificateFacts } from '../collectors/network/identify-certificate.ts';
import { field } from '../collectors/network/identify-text.ts';
import type { TlsFacts } from '../model/answer.ts';
import { compareText } from '../util/compare.ts';

/** The structured output of a script of nmap, by path: `subject/commonName`, `TLSv1.2/ciphers/0/name`. */
export type ScriptOutput = ReadonlyMap<string, string>;

/** Order of age. Names as ssl-enum-ciphers.nse prints them. */
const PROTOCOLS = ['SSLv3', 'TLSv1.0', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** What `ssl-cert` and `ssl-enum-ciphers` found out of the TLS of a port; null where neither says anything. */
export function tlsFacts(certificate: ScriptOutput, ciphers: ScriptOutput): TlsFacts | null {
  if (certificate.size === 0 && ciphers.size === 0) return null;
  const tables = new Set([...ciphers.keys()].map((path) => path.slice(0, path.indexOf('/'))));
  const spoken = PROTOCOLS.filter((name) => tables.has(name));
  const protocol = spoken.at(-1);
  const accepts = spoken.slice(0, -1).sort(compareText);
  const facts = {
    ...(protocol !== undefined && { protocol: shortProtocol(protocol) }),
    ...(accepts.length > 0 && { accepts: accepts.map(shortProtocol) }),
    ...certificateOf(certificate),
  };
  return Object.keys(facts).length > 0 ? facts : null;
}

/** As node:tls and OpenSSL name them: the first version has no `.0`. */
function shortProtocol(name: string): string {
  return name === 'TLSv1.0' ? 'TLSv1' : name;
}

function certificateOf(script: ScriptOutput): Omit<TlsFacts, 'protocol' | 'accepts'> {
  const pem = script.get('pem');
  if (pem !== undefined) {
    try {
      return certificateFacts(new X509Certificate(pem));
    } catch {
      // Cut by the script or made up: the fields that it printed are left.
    }
  }
  const time = (path: string) => Date.parse(`${script.get(path) ?? ''}Z`);
  const [notBefore, notAfter] = [time('validity/notBefore'), time('validity/notAfter')];
  return {
    ...field('subject', nameOf(script, 'subject')),
    ...field('issuer', nameOf(script, 'issuer')),
    ...(Number.isNaN(notBefore) ? {} : { notBefore }),
    ...(Number.isNaN(notAfter) ? {} : { notAfter }),
  };
}

const SHORT: Readonly<Record<string, string>> = {
  commonName: 'CN',
  organizationName: 'O',
  organizationalUnitName: 'OU',
  countryName: 'C',
};

/** `CN=db-1.example.org, O=Example`; the most usual parts alone, as nobody matches on the others. */
function nameOf(script: ScriptOutput, table: string): string | undefined {
  const parts = Object.entries(SHORT).flatMap(([long, short]) => {
    const value = script.get(`${table}/${long}`);
    return value === undefined ? [] : [`${short}=${value}`];
  });
  return parts.length > 0 ? parts.join(', ') : undefined;
}
