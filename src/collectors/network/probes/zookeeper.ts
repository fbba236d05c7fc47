import { field, firstLine } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/** ZooKeeper: the four-letter word `srvr` (Administrator's Guide, The Four Letter Words), or that it is not allowed. */
export const zookeeper: Probe = {
  name: 'zookeeper',
  ports: [2181],
  tlsPorts: [2281],
  request: () => Buffer.from('srvr'),
  read(answer) {
    const text = answer.toString('utf8', 0, 1024);
    const match = /^Zookeeper version: ([^-,\s]+)[^\n]*\n/i.exec(text);
    if (!match && !/^srvr is not executed because it is not in the whitelist/.test(text)) return null;
    return {
      facts: {
        service: 'zookeeper',
        product: 'Apache ZooKeeper',
        ...field('version', match?.[1]),
        ...field('banner', firstLine(answer)),
        encryption: 'none',
        ...(match ? { unauthenticated: true } : {}),
      },
    };
  },
};
