import type { KeyObject } from 'node:crypto';
import { createPublicKey, hash } from 'node:crypto';

/** Ed25519 unless FIPS 140-3 modules without it must be used. */
export const KEY_KINDS = ['ed25519', 'ecdsa-p256'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** A public key under the name that it signs notes with. */
export interface LedgerKey {
  readonly name: string;
  readonly kind: KeyKind;
  readonly publicKey: KeyObject;
  /** The four bytes that notes name it by: a hint, not proof. */
  readonly id: Buffer;
  /** `sha256:` and the hex SHA-256 of the DER form (SPKI): what people write down. */
  readonly fingerprint: string;
  /** DER (SPKI) in base64. */
  readonly spki: string;
}

/** Signature type bytes of c2sp.org/signed-note. */
const ED25519_TYPE = 0x01;
const ECDSA_TYPE = 0x02;
/** What stands before the 32 bytes of an Ed25519 key in SPKI (RFC 8410, 4). */
const ED25519_PREFIX_BYTES = 12;

/** Takes a public key in DER (SPKI, base64) or as an object. Throws TypeError where it is none of a kind that we use. */
export function ledgerKey(name: string, key: string | KeyObject): LedgerKey {
  const publicKey =
    typeof key === 'string'
      ? createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' })
      : createPublicKey(
          key.type === 'public'
            ? { key: key.export({ format: 'der', type: 'spki' }), format: 'der', type: 'spki' }
            : key,
        );
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const kind = kindOf(publicKey);
  const encoded = Buffer.concat([
    Buffer.from(`${name}\n`),
    Buffer.of(ED25519_TYPE),
    der.subarray(ED25519_PREFIX_BYTES),
  ]);
  const id = hash('sha256', kind === 'ed25519' ? encoded : der, 'buffer').subarray(0, 4);
  const fingerprint = `sha256:${hash('sha256', der, 'hex')}`;
  return { name, kind, publicKey, id, fingerprint, spki: der.toString('base64') };
}

function kindOf(key: KeyObject): KeyKind {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ecdsa-p256';
  throw new TypeError(`a ledger is signed with Ed25519 or ECDSA P-256, not with ${key.asymmetricKeyType}`);
}

/** The key as other programs for signed notes take it: `NAME+ID+BASE64`. */
export function verifierKey({ name, kind, id, publicKey, spki }: LedgerKey): string {
  const der = Buffer.from(spki, 'base64');
  const bytes =
    kind === 'ed25519'
      ? Buffer.concat([Buffer.of(ED25519_TYPE), der.subarray(ED25519_PREFIX_BYTES)])
      : Buffer.concat([Buffer.of(ECDSA_TYPE), publicKey.export({ format: 'der', type: 'spki' })]);
  return `${name}+${id.toString('hex')}+${bytes.toString('base64')}`;
}

/** A fingerprint as a person types it, in the form that LedgerKey carries; undefined where it is none. */
export function parseFingerprint(text: string): string | undefined {
  const hex = text
    .trim()
    .toLowerCase()
    .replace(/^sha256:/, '')
    .replaceAll(':', '');
  return /^[0-9a-f]{64}$/.test(hex) ? `sha256:${hex}` : undefined;
}
