import { field, firstLine } from '../identify-text.ts';
import { lineStep, linesOf, type Probe, type Reading } from './probe.ts';

/** POP3: greeting (RFC 1939, 4) and CAPA (RFC 2449). TLS by STLS (RFC 2595, 4). */
export const pop3: Probe = {
  name: 'pop3',
  ports: [110],
  tlsPorts: [995],
  read(answer): Reading | null {
    const lines = linesOf(answer);
    const greeting = lines[0] ?? '';
    if (!/^\+OK\b/.test(greeting)) return null;
    const [, product] = /\b(Dovecot|Cyrus POP3|Courier|Qpopper)\b/i.exec(greeting) ?? [];
    const reading: Reading = {
      facts: { service: 'pop3', ...field('product', product), banner: firstLine(answer) },
      texts: { 'pop3.banner': greeting.slice(4) },
    };
    if (lines.length === 1) return { ...reading, ask: Buffer.from('CAPA\r\n') };
    const reply = lines[1] ?? '';
    if (reply.startsWith('-ERR')) return { ...reading, startTls: [STLS] };
    if (!lines.includes('.')) return null;
    return lines.some((line) => /^STLS\b/i.test(line))
      ? { ...reading, startTls: [STLS] }
      : { ...reading, facts: { ...reading.facts, encryption: 'none' } };
  },
};

const STLS = lineStep('STLS\r\n', /^(\+OK|-ERR)/, /^\+OK/);
