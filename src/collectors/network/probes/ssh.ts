import { field, printable } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/** SSH: the identification line, which may follow other lines (RFC 4253, 4.2). It encrypts all that comes after. */
export const ssh: Probe = {
  name: 'ssh',
  ports: [22, 2222],
  read(answer) {
    const match = /(?:^|\n)SSH-(\d\.\d+)-([^\r\n ]*)([^\r\n]*)\r?\n/.exec(answer.toString('latin1'));
    if (!match) return null;
    const [, protocol = '', software = '', comment = ''] = match;
    const [product = '', version] = split(software);
    return {
      facts: {
        service: 'ssh',
        ...field('product', product),
        ...field('version', version),
        banner: printable(`SSH-${protocol}-${software}${comment}`),
        encryption: 'ssh',
      },
      texts: { 'ssh.banner': `${software}${comment}`.trim() },
    };
  },
};

/** `OpenSSH_9.2p1` and `dropbear_2022.83` say product and version by an underscore or a hyphen before a digit. */
function split(software: string): readonly [string?, string?] {
  const match = /^(.*?)[_-]v?(\d.*)$/.exec(software);
  return match ? [match[1] ?? '', match[2] ?? ''] : [software];
}
