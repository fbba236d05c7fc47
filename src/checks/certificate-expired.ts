import type { TlsFacts } from '../model/answer.ts';
import { describePort } from '../model/describe.ts';
import type { EndpointFacts, EstateFacts } from '../model/facts.ts';
import type { FindingDraft, Severity } from '../model/finding.ts';
import { DAY_MS, type RegisterEntry } from '../model/register.ts';
import { vantageWords } from '../model/vantage.ts';
import { count, listWords, utcDay, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

/** Days before a certificate expires at which that is reported, where the policy does not say. */
const WARN_DAYS = 30;

export const certificateExpired: Check = {
  id: 'certificate-expired',
  title: 'Certificate not valid, or not for long',
  severity: 'high',
  rationale:
    'Clients refuse a certificate that has expired, or were told not to look, and then any certificate will do. Expiry is the most ' +
    'foreseeable outage there is. A certificate that signed itself proves to nobody who answers.',
  remediation: 'Renew the certificate, have the service load it, and scan the port again.',
  lacking: ({ endpoints }) =>
    endpoints.some((facts) => facts.listeners.some((s) => s.listener.answer?.tls !== undefined))
      ? null
      : 'no service was seen to speak TLS',
  endpoint(facts, estate) {
    const entry = facts.entries[0]?.entry;
    return certificatesOf(facts).flatMap((c) => [...validity(c, facts, estate), ...selfSigned(c, facts, entry)]);
  },
};

interface Certificate {
  readonly tls: TlsFacts;
  readonly addresses: readonly string[];
  readonly evidence: readonly { readonly label: string; readonly value: string }[];
}

/** Every certificate of the endpoint once, with where it was shown. */
function certificatesOf(facts: EndpointFacts): readonly Certificate[] {
  const shown = facts.listeners.flatMap((state) => {
    const tls = state.listener.answer?.tls;
    return tls ? [{ state, tls }] : [];
  });
  const key = ({ fingerprint, subject, notAfter }: TlsFacts) => fingerprint ?? `${subject} ${notAfter}`;
  return [...Map.groupBy(shown, ({ tls }) => key(tls)).values()].map((same) => {
    const { tls } = same[0] as (typeof same)[number];
    const known: [string, string | undefined][] = [
      ['subject', tls.subject],
      ['issuer', tls.issuer],
      ['valid from', tls.notBefore === undefined ? undefined : utcTime(tls.notBefore)],
      ['valid until', tls.notAfter === undefined ? undefined : utcTime(tls.notAfter)],
      ['SHA-256', tls.fingerprint],
    ];
    return {
      tls,
      addresses: [...new Set(same.map((s) => s.state.listener.address))].sort(),
      evidence: [
        ...known.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value }])),
        ...same.map(({ state }) => ({
          label: `shown ${vantageWords(state.vantage)}`,
          value: `${state.listener.address} at ${utcTime(state.lastSeen)}`,
        })),
      ],
    };
  });
}

function validity(certificate: Certificate, facts: EndpointFacts, { now, register }: EstateFacts): FindingDraft[] {
  const { notBefore, notAfter } = certificate.tls;
  const warnDays = register.policy.certificateWarnDays ?? WARN_DAYS;
  if (notAfter !== undefined && notAfter <= now) {
    const days = Math.floor((now - notAfter) / DAY_MS);
    const ago = days === 0 ? 'less than a day ago' : `${count(days, 'day')} ago`;
    return [draft(certificate, facts, 'expired', 'high', `expired on ${utcDay(notAfter)}, ${ago}`)];
  }
  if (notBefore !== undefined && notBefore > now)
    return [draft(certificate, facts, 'not yet valid', 'medium', `is not valid before ${utcTime(notBefore)}`)];
  if (notAfter !== undefined && notAfter - now <= warnDays * DAY_MS) {
    const days = Math.floor((notAfter - now) / DAY_MS);
    const left = days === 0 ? 'in less than a day' : `in ${count(days, 'day')}`;
    return [draft(certificate, facts, 'expires soon', 'low', `expires on ${utcDay(notAfter)}, ${left}`)];
  }
  return [];
}

/** Low where the entry demands TLS, which needs a certificate that clients can check; else a remark. */
function selfSigned(certificate: Certificate, facts: EndpointFacts, entry: RegisterEntry | undefined): FindingDraft[] {
  if (certificate.tls.selfSigned !== true) return [];
  const isDemanded = entry?.encryption === 'tls' || entry?.encryption === 'mtls';
  const severity = isDemanded && facts.listeners.some((s) => s.listener.bind !== 'loopback') ? 'low' : 'info';
  return [
    {
      ...draft(
        certificate,
        facts,
        'self-signed',
        severity,
        'is signed by itself alone, so clients cannot tell who answers',
      ),
      remediation:
        'Have the certificate issued by an authority that clients trust, or give its fingerprint to every client and accept this finding with that as the reason.',
    },
  ];
}

function draft(
  { tls, addresses, evidence }: Certificate,
  facts: EndpointFacts,
  discriminator: string,
  severity: Severity,
  what: string,
): FindingDraft {
  const name = tls.subject === undefined ? '' : ` (${tls.subject})`;
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    discriminator: `${discriminator} ${tls.fingerprint ?? tls.subject ?? ''}`.trim(),
    severity,
    message: `The certificate${name} of port ${describePort(facts.endpoint)} on ${listWords(addresses)} ${what}.`,
    evidence,
  };
}
