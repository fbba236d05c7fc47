import type { TlsFacts } from '../../model/answer.ts';
import { compareText } from '../../util/compare.ts';
import {
  clientHello,
  helloFacts,
  isHelloDone,
  readServerHello,
  type ServerHello,
  SSL_3,
  TLS_1_1,
  TLS_1_2,
  versionName,
} from './identify-hello.ts';
import type { Talk } from './identify-talk.ts';

/** Opens a talk in which the server waits for a ClientHello; null where that failed. */
export type Reach = () => Promise<Talk | null>;

/**
 * Versions older than TLS 1.2 that the server agrees to when nothing newer is offered, sorted, without the one agreed on
 * anyway. One connection where there are none, one more for each that there is.
 */
export async function acceptedVersions(
  agreed: string | undefined,
  reach: Reach,
  serverName: string | undefined,
  waitMs: number,
): Promise<readonly string[]> {
  const accepted = new Set<string>();
  for (let offer = TLS_1_1; offer >= SSL_3; ) {
    const hello = await offerVersion(offer, reach, serverName, waitMs);
    const name = hello && hello.version <= offer ? versionName(hello.version) : undefined;
    // A server agrees to the newest version below the one offered, so a refusal speaks for all of them.
    if (!hello || name === undefined) break;
    accepted.add(name);
    offer = hello.version - 1;
  }
  if (agreed !== undefined) accepted.delete(agreed);
  return [...accepted].sort(compareText);
}

/** What the server says in clear when TLS 1.2 or older is offered; null: nothing that is TLS. */
export async function tlsByHello(
  reach: Reach,
  serverName: string | undefined,
  waitMs: number,
): Promise<TlsFacts | null> {
  for (const offer of [TLS_1_2, SSL_3]) {
    const hello = await offerVersion(offer, reach, serverName, waitMs);
    if (hello) return helloFacts(hello);
  }
  return null;
}

async function offerVersion(
  version: number,
  reach: Reach,
  serverName: string | undefined,
  waitMs: number,
): Promise<ServerHello | null> {
  const talk = await reach();
  if (!talk) return null;
  try {
    const answer = await talk.ask(
      clientHello(version, serverName),
      waitMs,
      (soFar) => safely(() => isHelloDone(soFar)) ?? false,
    );
    return safely(() => readServerHello(answer));
  } finally {
    talk.close();
  }
}

/** A hello that ends before what it promises says nothing. */
function safely<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
