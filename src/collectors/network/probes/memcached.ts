import { field, firstLine } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/** memcached: `version` of its text protocol (memcached protocol.txt). It answers whoever asks. */
export const memcached: Probe = {
  name: 'memcached',
  ports: [11211],
  anywhere: true,
  request: () => Buffer.from('version\r\n'),
  read(answer) {
    const match = /^VERSION ([^\r\n]{1,100})\r\n/.exec(answer.toString('latin1', 0, 200));
    if (!match) return null;
    return {
      facts: {
        service: 'memcache',
        product: 'memcached',
        ...field('version', match[1]),
        ...field('banner', firstLine(answer)),
        encryption: 'none',
        unauthenticated: true,
      },
    };
  },
};
