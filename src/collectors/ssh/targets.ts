import { parseAddress } from '../../model/address.ts';

/** A machine to look at. */
export interface SshTarget {
  /** How people call it: the alias, host name or address that was given, without user and port. */
  readonly name: string;
  /** What the client is told to connect to. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** No blank, quote, slash or sign that a shell, a ProxyCommand or an option could take for its own. */
const HOST = /^[A-Za-z0-9_][\w.%:-]{0,254}$/;
const USER = /^[A-Za-z0-9_][\w.@+-]{0,254}$/;

/**
 * Reads `host`, `user@host`, `host:port`, `[v6]:port`, `ssh://user@host:port`; an ssh alias is a host. Returns a sentence
 * where it is none of these.
 */
export function parseSshTarget(text: string): SshTarget | string {
  const shown = JSON.stringify(text.slice(0, 100));
  if (text.startsWith('-')) return `${shown} begins with "-", which no host may`;
  const rest = text.replace(/^ssh:\/\//, '').replace(/\/$/, '');
  const at = rest.lastIndexOf('@');
  const user = at < 0 ? undefined : rest.slice(0, at);
  const place = rest.slice(at + 1);
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(place);
  const plain = /^([^:]*):(\d{1,5})$/.exec(place);
  const [host, port] = bracketed
    ? [bracketed[1] as string, bracketed[2]]
    : plain
      ? [plain[1] as string, plain[2]]
      : [place, undefined];
  return makeSshTarget({ name: host, host, user, port: port === undefined ? undefined : Number(port) }, shown);
}

/** Checks the parts of a target, wherever they come from; returns a sentence where one cannot be used. */
export function makeSshTarget(
  parts: {
    readonly name: string;
    readonly host: string;
    readonly user?: string | undefined;
    readonly port?: number | undefined;
  },
  shown: string,
): SshTarget | string {
  const { name, host, user, port } = parts;
  const isAddress = parseAddress(host.replace(/%.*$/, '')) !== null;
  if (!HOST.test(host) && !(isAddress && /^[0-9A-Fa-f:.]+(?:%[\w.-]{1,32})?$/.test(host)))
    return `${shown} is no host that can be given to ssh`;
  if (host.includes(':') && !isAddress) return `${shown} is neither an address nor host:port`;
  if (!HOST.test(name) && !isAddress) return `${shown} has a name that cannot be used`;
  if (user !== undefined && !USER.test(user)) return `${shown} has a user that cannot be given to ssh`;
  if (port !== undefined && (port < 1 || port > 65_535)) return `${shown} has no port between 1 and 65535`;
  return { name, host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}
