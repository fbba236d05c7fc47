import { field, firstLine } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/**
 * Redis and its kin: PING and INFO as inline commands (RESP specification). Without a password it answers; with one it says
 * NOAUTH, and then has no work.
 */
export const redis: Probe = {
  name: 'redis',
  ports: [6379, 6380, 7000, 26379],
  tlsPorts: [6379, 6380, 26379],
  anywhere: true,
  request: () => Buffer.from('PING\r\nINFO server\r\nQUIT\r\n'),
  read(answer, isEnd) {
    const text = answer.toString('utf8');
    if (/^-(NOAUTH|DENIED Redis|ERR operation not permitted|NOPERM)/.test(text))
      return {
        facts: {
          service: 'redis',
          ...field('banner', firstLine(answer)),
          encryption: 'none',
          ...(text.startsWith('-DENIED') ? {} : { unauthenticated: false }),
        },
      };
    if (!text.startsWith('+PONG\r\n')) return null;
    if (!isEnd && !text.endsWith('\r\n+OK\r\n')) return null;
    const version = /\r\n(?:redis|valkey)_version:([^\r\n]+)/.exec(text)?.[1];
    const product = /\r\nserver_name:valkey/.test(text) ? 'Valkey' : version === undefined ? undefined : 'Redis';
    return {
      facts: {
        service: 'redis',
        ...field('product', product),
        ...field('version', version),
        banner: '+PONG',
        encryption: 'none',
        unauthenticated: true,
      },
    };
  },
};
