import { utcDay } from '../util/words.ts';
import type { AnswerFacts, TlsFacts } from './answer.ts';

const CLEAR_WORDS = {
  tls: 'speaks TLS',
  starttls: 'talks in clear first, offers STARTTLS',
  ssh: 'encrypted by SSH',
  none: 'in clear, offers no TLS',
} as const;

/** What a service said of itself, as a phrase: `postgresql, PostgreSQL 15.4, TLSv1.3`. Empty where it said nothing known. */
export function answerWords({
  service,
  product,
  version,
  encryption,
  tls,
  banner,
  unauthenticated,
}: AnswerFacts): string {
  const what = product === undefined ? undefined : [product, version].filter((part) => part !== undefined).join(' ');
  const facts = [
    ...(service === undefined ? [] : [service]),
    ...(what === undefined ? [] : [what]),
    ...(tls?.protocol ? [tls.protocol] : encryption ? [CLEAR_WORDS[encryption]] : []),
    ...(unauthenticated ? ['asks for no password'] : []),
  ];
  return facts.length > 0 ? facts.join(', ') : banner === undefined ? '' : `says "${banner}"`;
}

/** The certificate as phrases: whose it is, how long it holds at `now` (UTC ms), who signed it. */
export function certificateWords(
  { subject, names, notAfter, selfSigned, issuer, key }: TlsFacts,
  now: number,
): string[] {
  const whose = subject ?? names?.[0];
  return [
    ...(whose === undefined ? [] : [`certificate of ${whose}`]),
    ...(notAfter === undefined ? [] : [`${notAfter <= now ? 'expired on' : 'valid until'} ${utcDay(notAfter)}`]),
    ...(selfSigned ? ['self-signed'] : issuer === undefined ? [] : [`issued by ${issuer}`]),
    ...(key === undefined ? [] : [key]),
  ];
}
