import { field, firstLine } from '../identify-text.ts';
import { lineStep, linesOf, type Probe, type Reading } from './probe.ts';

/** SMTP: greeting and EHLO (RFC 5321, 4.1.1.1). TLS by STARTTLS (RFC 3207). Sends no mail. */
export const smtp: Probe = {
  name: 'smtp',
  ports: [25, 587, 2525],
  tlsPorts: [465],
  read(answer): Reading | null {
    const lines = linesOf(answer);
    const greeting = lines.findIndex((line) => /^(220|554|421) /.test(line));
    if (greeting < 0 || !lines.slice(0, greeting).every((line) => /^(220|554)-/.test(line))) return null;
    const text = lines[greeting] ?? '';
    if (/\bftp|filezilla/i.test(text)) return null;
    const [, product, version] =
      /\b(Postfix|Exim|Sendmail|Haraka|OpenSMTPD|Microsoft ESMTP MAIL Service)\b(?:[ /](\d[\w.]*))?/i.exec(text) ?? [];
    const reading: Reading = {
      facts: { service: 'smtp', ...field('product', product), ...field('version', version), banner: firstLine(answer) },
      texts: { 'smtp.banner': text.slice(4) },
    };
    if (!text.startsWith('220')) return /smtp|mail/i.test(text) ? reading : null;
    const reply = lines.slice(greeting + 1);
    if (reply.length === 0) return { ...reading, ask: Buffer.from('EHLO quietdoor.invalid\r\n') };
    const isWhole = reply.some((line) => /^\d\d\d /.test(line));
    if (!isWhole || !reply.some((line) => /^250/.test(line))) return null;
    return reply.some((line) => /^250[ -]STARTTLS\b/i.test(line))
      ? { ...reading, startTls: [lineStep('STARTTLS\r\n', /^\d\d\d /, /^220/)] }
      : { ...reading, facts: { ...reading.facts, encryption: 'none' } };
  },
};
