import { field, firstLine } from '../identify-text.ts';
import { lineStep, linesOf, type Probe, type Reading } from './probe.ts';

/** IMAP: greeting and CAPABILITY (RFC 9051, 7.1 and 6.1.1). TLS by STARTTLS (6.2.1). */
export const imap: Probe = {
  name: 'imap',
  ports: [143],
  tlsPorts: [993],
  read(answer): Reading | null {
    const lines = linesOf(answer);
    const greeting = lines[0] ?? '';
    if (!/^\* (OK|PREAUTH|BYE)\b/.test(greeting)) return null;
    const [, product] = /\b(Dovecot|Cyrus IMAP|Courier-IMAP|Microsoft Exchange)\b/i.exec(greeting) ?? [];
    const reading: Reading = {
      facts: { service: 'imap', ...field('product', product), banner: firstLine(answer) },
      texts: { 'imap4.banner': greeting.slice(2) },
    };
    if (greeting.startsWith('* BYE')) return reading;
    if (!lines.some((line) => /^q1 (OK|NO|BAD)\b/i.test(line)))
      return { ...reading, ask: Buffer.from('q1 CAPABILITY\r\n') };
    const capabilities = lines.find((line) => /^\* CAPABILITY /i.test(line)) ?? '';
    if (!/ STARTTLS\b/i.test(capabilities)) return { ...reading, facts: { ...reading.facts, encryption: 'none' } };
    const requiresTls = / LOGINDISABLED\b/i.test(capabilities);
    return {
      ...reading,
      facts: { ...reading.facts, requiresTls },
      startTls: [lineStep('q2 STARTTLS\r\n', /^q2 /, /^q2 OK/i)],
    };
  },
};
