import { field, firstLine } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/** rsync daemon: its greeting names the protocol (rsyncd.conf(5); no RFC). The list of modules is not asked for. */
export const rsync: Probe = {
  name: 'rsync',
  ports: [873],
  tlsPorts: [874],
  read(answer) {
    const match = /^@RSYNCD: (\d+(?:\.\d+)?)[^\n]*\n/.exec(answer.toString('latin1', 0, 256));
    if (!match) return null;
    return {
      facts: { service: 'rsync', ...field('banner', firstLine(answer)), encryption: 'none' },
    };
  },
};
