import type { X509Certificate } from 'node:crypto';
import type { TlsFacts } from '../../model/answer.ts';
import { compareText } from '../../util/compare.ts';
import { printable } from './identify-text.ts';

/** Names of a certificate that are kept at most. */
const MAX_NAMES = 100;

type CertificateFacts = Omit<TlsFacts, 'protocol' | 'cipher' | 'accepts'>;

/** What a certificate says of itself (RFC 5280). Nothing of it is verified but whether it signed itself. */
export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  const subject = distinguishedName(certificate.subject);
  const issuer = distinguishedName(certificate.issuer);
  const names = alternativeNames(certificate.subjectAltName ?? '');
  const key = keyOf(certificate);
  return {
    ...(subject === '' ? {} : { subject }),
    ...(issuer === '' ? {} : { issuer }),
    ...(names.length === 0 ? {} : { names }),
    ...time('notBefore', certificate.validFrom),
    ...time('notAfter', certificate.validTo),
    selfSigned: isSelfSigned(certificate),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    ...(key === undefined ? {} : { key }),
  };
}

/** One line, the most specific part first as RFC 4514 has it; node:crypto gives a line per part, the least specific first. */
function distinguishedName(lines: string | undefined): string {
  return printable((lines ?? '').split('\n').reverse().filter(Boolean).join(', '));
}

/** DNS names and addresses of `DNS:a, IP Address:10.0.0.1, DNS:"b, c"` (quoted where it could be misread), sorted. */
function alternativeNames(text: string): string[] {
  const names = new Set<string>();
  for (const [, kind, quoted, plain] of text.matchAll(/([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,]*))/g)) {
    if (kind?.trim() !== 'DNS' && kind?.trim() !== 'IP Address') continue;
    const name = printable(quoted ?? plain ?? '');
    if (name !== '') names.add(name);
    if (names.size === MAX_NAMES) break;
  }
  return [...names].sort(compareText);
}

/** node:crypto gives times as OpenSSL prints them: `Nov 21 12:00:00 2026 GMT`. */
function time<K extends string>(name: K, text: string): { readonly [P in K]?: number } {
  const ms = Date.parse(text);
  return (Number.isNaN(ms) ? {} : { [name]: ms }) as { readonly [P in K]?: number };
}

function isSelfSigned(certificate: X509Certificate): boolean {
  try {
    return certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey);
  } catch {
    return false;
  }
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function keyOf(certificate: X509Certificate): string | undefined {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
    if (type === undefined) return undefined;
    if (type === 'ec') return `EC ${CURVES[details?.namedCurve ?? ''] ?? details?.namedCurve ?? ''}`.trim();
    if (details?.modulusLength !== undefined) return `${type.toUpperCase()} ${details.modulusLength}`;
    return type.startsWith('ed') ? `Ed${type.slice(2)}` : type.toUpperCase();
  } catch {
    // A key of a kind that OpenSSL does not know.
    return undefined;
  }
}
