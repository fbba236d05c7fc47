import { field } from '../collectors/network/identify-text.ts';
import type { AnswerFacts } from '../model/answer.ts';
import { cpeFromUri } from './cpe.ts';
import { type ScriptOutput, tlsFacts } from './nmap-tls.ts';

/** What a `<port>` says of its service. */
export interface NmapService {
  /** Attributes of `<service>`. */
  readonly service: Readonly<Record<string, string>> | null;
  /** Text of its `<cpe>`; of an application where there are several. */
  readonly cpe: string | undefined;
  /** Output of the script `banner`. */
  readonly banner: string | undefined;
  /** Structured output of the scripts about TLS, by their name. */
  readonly scripts: ReadonlyMap<string, ScriptOutput>;
}

/** Protocols of nmap that say in clear what they are and have no STARTTLS: answered without a tunnel, it was in clear. */
const CLEAR = new Set(['http', 'http-proxy', 'telnet', 'redis', 'memcached', 'mongodb', 'rtsp', 'mqtt', 'vnc']);

/** What nmap found out of the service of an open port; null where it did not ask. */
export function nmapAnswer(p: NmapService): AnswerFacts | null {
  const { service: s, banner } = p;
  const isProbed = s?.method === 'probed'; // else it is only the usual name of the number
  const name = isProbed && s?.name !== 'unknown' && s?.name !== 'tcpwrapped' ? s?.name : undefined;
  const tls = tlsFacts(p.scripts.get('ssl-cert') ?? NONE, p.scripts.get('ssl-enum-ciphers') ?? NONE);
  const encryption =
    s?.tunnel === 'ssl' ? 'tls' : name === 'ssh' ? 'ssh' : name && CLEAR.has(name) && !tls ? 'none' : null;
  const cpe = p.cpe === undefined || !isProbed ? null : cpeFromUri(p.cpe);
  const answer = {
    ...field('service', name),
    ...(isProbed && { ...field('product', s?.product), ...field('version', s?.version) }),
    ...(cpe !== null && { cpe }),
    ...field('banner', banner?.split(/\\x0D|\\x0A|[\r\n]/, 1)[0]),
    ...(encryption !== null && { encryption }),
    ...(tls && { tls }),
  } satisfies AnswerFacts;
  return Object.keys(answer).length > 0 ? { ...answer, by: 'nmap' } : null;
}

const NONE: ReadonlyMap<string, string> = new Map();
