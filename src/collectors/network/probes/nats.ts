import { field, firstLine } from '../identify-text.ts';
import { textOf } from './http-answer.ts';
import type { Probe } from './probe.ts';

/** NATS: the INFO that it greets with (NATS client protocol). TLS begins after it where it says so. */
export const nats: Probe = {
  name: 'nats',
  ports: [4222],
  read(answer) {
    const text = /^INFO (\{[^\r\n]*\})\s*\r\n/.exec(answer.toString('utf8'))?.[1];
    if (text === undefined) return null;
    const info: unknown = JSON.parse(text);
    if (typeof info !== 'object' || info === null) return null;
    const says = (name: string) => (info as Record<string, unknown>)[name] === true;
    const offersTls = says('tls_required') || says('tls_available') || says('tls_verify');
    return {
      facts: {
        service: 'nats',
        product: 'NATS',
        ...field('version', textOf(info, 'version')),
        ...field('banner', firstLine(answer)),
        unauthenticated: !says('auth_required'),
        ...(offersTls ? { requiresTls: says('tls_required') } : { encryption: 'none' as const }),
      },
      ...(offersTls ? { startTls: [] } : {}),
    };
  },
};
