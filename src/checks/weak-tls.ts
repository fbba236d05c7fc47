import type { TlsFacts } from '../model/answer.ts';
import { describePort } from '../model/describe.ts';
import { SEVERITIES, type Severity } from '../model/finding.ts';
import { vantageWords } from '../model/vantage.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const weakTls: Check = {
  id: 'weak-tls',
  title: 'Outdated TLS',
  severity: 'medium',
  rationale:
    'Versions before TLS 1.2, keys that are too short and ciphers without strength no longer keep what they promise (RFC 8996, ' +
    'RFC 7568, NIST SP 800-52 Rev. 2). As long as a service accepts them, somebody on the way can bring clients to use them.',
  remediation:
    'Allow TLS 1.2 and 1.3 only in the configuration of the service, with its default ciphers, and replace keys that are too short.',
  lacking: ({ endpoints }) =>
    endpoints.some((facts) => facts.listeners.some((s) => s.listener.answer?.tls !== undefined))
      ? null
      : 'no service was seen to speak TLS',
  endpoint(facts) {
    const found = facts.listeners.flatMap((state) => {
      const { answer } = state.listener;
      const faults = answer?.tls ? faultsOf(answer.tls) : [];
      return faults.length === 0 ? [] : [{ state, faults }];
    });
    if (found.length === 0) return [];
    const faults = found.flatMap((f) => f.faults);
    const sentences = [...new Set(faults.map((f) => f.text))];
    const addresses = [...new Set(found.map((f) => f.state.listener.address))].sort();
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        severity: faults.reduce<Severity>((worst, f) => worse(worst, f.severity), 'low'),
        message: `Port ${describePort(facts.endpoint)} on ${listWords(addresses)} ${listWords(sentences)}.`,
        evidence: found.map(({ state }) => ({
          label: `shook hands ${vantageWords(state.vantage)}`,
          value: `${state.listener.address} at ${utcTime(state.lastSeen)}: ${handshakeText(state.listener.answer?.tls ?? {})}`,
        })),
      },
    ];
  },
};

interface Fault {
  readonly severity: Severity;
  /** Goes on after the port: `accepts TLSv1`. */
  readonly text: string;
}

const OLD_VERSIONS: Readonly<Record<string, Severity>> = {
  SSLv2: 'high',
  SSLv3: 'high',
  TLSv1: 'medium',
  'TLSv1.0': 'medium',
  'TLSv1.1': 'medium',
};

function faultsOf({ protocol, accepts = [], cipher, key }: TlsFacts): readonly Fault[] {
  const faults: Fault[] = [];
  const versions = [...new Set([...(protocol === undefined ? [] : [protocol]), ...accepts])].sort();
  const old = versions.filter((v) => OLD_VERSIONS[v] !== undefined);
  if (old.length > 0)
    faults.push({
      severity: old.reduce<Severity>((worst, v) => worse(worst, OLD_VERSIONS[v] ?? 'low'), 'low'),
      text: `accepts ${listWords(old)}`,
    });
  const weakness = cipherWeakness(cipher ?? '');
  if (weakness) faults.push({ severity: weakness, text: `chose the cipher ${cipher}` });
  const severity = keyWeakness(key ?? '');
  if (severity) faults.push({ severity, text: `has a certificate with the key ${key}` });
  return faults;
}

/** By IANA's or OpenSSL's name of a suite. */
function cipherWeakness(cipher: string): Severity | null {
  if (/NULL|EXPORT|EXP-|anon|ADH|AECDH/i.test(cipher)) return 'high';
  return /RC4|3DES|DES_|DES-CBC/.test(cipher) ? 'medium' : null;
}

/** Below 112 bits of strength (NIST SP 800-57 Part 1): RSA and DSA under 2048 bits, curves under 224. */
function keyWeakness(key: string): Severity | null {
  const [, kind, bits] = /^(RSA|RSA-PSS|DSA|EC)\b.*?(\d+)/.exec(key) ?? [];
  if (kind === undefined) return null;
  if (kind === 'EC') return Number(bits) < 224 ? 'medium' : null;
  if (Number(bits) >= 2048) return null;
  return Number(bits) < 1024 ? 'high' : 'medium';
}

function worse(a: Severity, b: Severity): Severity {
  return SEVERITIES.indexOf(a) >= SEVERITIES.indexOf(b) ? a : b;
}

function handshakeText({ protocol, accepts = [], cipher, key }: TlsFacts): string {
  return [
    ...(protocol === undefined ? [] : [`agreed on ${protocol}`]),
    ...(accepts.length === 0 ? [] : [`agreed to ${listWords(accepts)} as well when nothing newer was offered`]),
    ...(cipher === undefined ? [] : [`cipher ${cipher}`]),
    ...(key === undefined ? [] : [`key ${key}`]),
  ].join('; ');
}
