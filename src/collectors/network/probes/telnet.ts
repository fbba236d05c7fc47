import { firstLine } from '../identify-text.ts';
import type { Probe } from './probe.ts';

const IAC = 255;
const SB = 250;
const SE = 240;
const START_TLS = 46;

/** Telnet: it begins by negotiating options (RFC 854, RFC 855). */
export const telnet: Probe = {
  name: 'telnet',
  ports: [23, 2323],
  tlsPorts: [992],
  read(answer) {
    const command = answer[1] ?? 0;
    if (answer[0] !== IAC || command < SB || command > 254 || answer.length < 3) return null;
    const text: number[] = [];
    let offersTls = false;
    for (let i = 0; i < answer.length; i++) {
      if (answer[i] !== IAC) {
        text.push(answer[i] ?? 0);
        continue;
      }
      offersTls ||= (answer[i + 1] ?? 0) > SB && answer[i + 2] === START_TLS;
      i += answer[i + 1] === SB ? lengthOfOption(answer, i) : 2;
    }
    const banner = firstLine(Buffer.from(text));
    return {
      facts: {
        service: 'telnet',
        ...(banner === '' ? {} : { banner }),
        encryption: offersTls ? 'starttls' : 'none',
      },
      texts: { 'telnet.banner': Buffer.from(text).toString('latin1') },
    };
  },
};

/** Bytes from IAC SB to IAC SE, without the last. */
function lengthOfOption(answer: Buffer, from: number): number {
  const end = answer.indexOf(Buffer.from([IAC, SE]), from + 2);
  return (end < 0 ? answer.length : end + 1) - from;
}
