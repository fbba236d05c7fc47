import { isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { TlsFacts } from '../../model/answer.ts';
import { certificateFacts } from './identify-certificate.ts';
import { type Budget, type Talk, talkOver } from './identify-talk.ts';

/** A finished handshake. */
export interface Handshake {
  readonly facts: TlsFacts;
  /** Protocol that was agreed on by ALPN (RFC 7301), or false. */
  readonly alpn: string | false;
  /** The talk inside TLS. */
  readonly talk: Talk;
}

/** What the person is told of a handshake that failed: OpenSSL's code, `ERR_SSL_WRONG_VERSION_NUMBER`. */
export interface FailedHandshake {
  readonly code: string;
}

/**
 * Does a TLS handshake over an open socket, with the oldest versions and ciphers allowed that the OpenSSL build has, and
 * without verifying the certificate: it is looked at, nothing secret is sent to it.
 */
export function handshake(
  socket: Socket,
  serverName: string | undefined,
  alpn: readonly string[],
  waitMs: number,
  budget: Budget,
): Promise<Handshake | FailedHandshake> {
  return new Promise((resolve) => {
    const ms = Math.min(waitMs, budget.left());
    const secure = connect({
      socket,
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      ciphers: 'ALL:@SECLEVEL=0',
      ...(serverName !== undefined && isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
    });
    const settle = (result: Handshake | FailedHandshake) => {
      clearTimeout(timer);
      budget.signal?.removeEventListener('abort', stop);
      secure.removeListener('error', fail);
      secure.removeListener('close', stop);
      if ('code' in result) {
        secure.on('error', () => {});
        secure.destroy();
        socket.destroy();
      }
      resolve(result);
    };
    const stop = () => settle({ code: 'ETIMEDOUT' });
    const fail = (error: Error & { code?: string }) => settle({ code: error.code ?? error.message });
    const timer = setTimeout(stop, Math.max(ms, 0));
    budget.signal?.addEventListener('abort', stop, { once: true });
    secure.once('error', fail);
    secure.once('close', stop);
    secure.once('secureConnect', () => {
      const certificate = secure.getPeerX509Certificate();
      const facts: TlsFacts = {
        protocol: secure.getProtocol() ?? 'unknown',
        cipher: secure.getCipher().standardName,
        ...(secure.alpnProtocol ? { alpn: secure.alpnProtocol } : {}),
        ...(certificate ? certificateFacts(certificate) : {}),
      };
      settle({ facts, alpn: secure.alpnProtocol ?? false, talk: talkOver(secure, budget) });
    });
  });
}
