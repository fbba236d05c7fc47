import { field, firstLine } from '../identify-text.ts';
import { lineStep, linesOf, type Probe } from './probe.ts';

/** FTP: the greeting (RFC 959, 5.4). TLS by AUTH TLS (RFC 4217, 4). */
export const ftp: Probe = {
  name: 'ftp',
  ports: [21, 2121],
  tlsPorts: [990],
  read(answer) {
    const lines = linesOf(answer);
    const greeting = lines[0] ?? '';
    if (!/^(220|421)[ -]/.test(greeting)) return null;
    // A mail server would have understood the question of the probe for mail.
    const refusesMail = lines.some((line) => /^5\d\d /.test(line));
    if (!refusesMail && !/ftp|filezilla/i.test(lines.join(' '))) return null;
    const [, product, version] =
      /\b(vsFTPd|ProFTPD|Pure-FTPd|FileZilla Server|Microsoft FTP Service)\b(?: v?(\d[\w.]*))?/i.exec(greeting) ?? [];
    return {
      facts: { service: 'ftp', ...field('product', product), ...field('version', version), banner: firstLine(answer) },
      texts: { 'ftp.banner': greeting.slice(4) },
      ...(greeting.startsWith('220') ? { startTls: [lineStep('AUTH TLS\r\n', /^[2345]\d\d /, /^234 /)] } : {}),
    };
  },
};
