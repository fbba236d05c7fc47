import { field } from '../identify-text.ts';
import type { Probe } from './probe.ts';

/**
 * PostgreSQL: SSLRequest (protocol documentation, 55.2.11), answered by one letter. Where TLS is refused, a start-up message
 * of a version that never was asks for the error that only PostgreSQL gives. Nobody is logged in.
 */
export const postgresql: Probe = {
  name: 'postgresql',
  ports: [5432, 5433, 6432],
  anywhere: true,
  request: () => Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]),
  read(answer, isEnd) {
    const letter = answer.toString('latin1', 0, 1);
    // The first byte of many another answer is such a letter too.
    if (answer.length === 1 && !isEnd) return null;
    if (answer.length === 1 && letter === 'S')
      return { facts: { service: 'postgresql', product: 'PostgreSQL' }, startTls: [], needsTls: true };
    if (answer.length === 1 && letter === 'N') return { facts: {}, ask: NO_SUCH_VERSION };
    const error = letter === 'N' ? answer.subarray(1) : answer;
    const message = errorMessage(error);
    if (message === undefined) return null;
    return {
      facts: {
        service: 'postgresql',
        product: 'PostgreSQL',
        ...field('banner', message),
        ...(letter === 'N' ? { encryption: 'none' as const } : {}),
      },
    };
  },
};

const NO_SUCH_VERSION = Buffer.from([0, 0, 0, 9, 0, 0, 0, 0, 0]);

/** Message of an ErrorResponse: E, length, fields of a letter and a text each (55.8). */
function errorMessage(answer: Buffer): string | undefined {
  if (answer.toString('latin1', 0, 1) !== 'E') return undefined;
  const length = answer.readUInt32BE(1);
  if (length < 8 || length > 8192 || answer.length < length + 1) return undefined;
  const fields = answer.toString('utf8', 5, length + 1).split('\0');
  if (!fields.some((f) => /^S(FATAL|ERROR|PANIC)$/.test(f)) && !fields.some((f) => /^C[0-9A-Z]{5}$/.test(f)))
    return undefined;
  return fields.find((f) => f.startsWith('M'))?.slice(1);
}
