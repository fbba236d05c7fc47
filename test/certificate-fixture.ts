import { generateKeyPairSync, sign } from 'node:crypto';
import { ber } from '../src/collectors/network/ber.ts';

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate that signed itself, made on the spot: DER by hand (RFC 5280, 4.1), so that its dates may be any. */
export function makeCertificate(
  options: { readonly name?: string; readonly from?: number; readonly to?: number; readonly bits?: number } = {},
): TestCertificate {
  const {
    name = 'test.example.org',
    from = Date.now() - 86_400_000,
    to = Date.now() + 86_400_000,
    bits = 2048,
  } = options;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const sha256WithRsa = ber(0x30, oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b), ber(5));
  const dn = ber(0x30, attribute([0x55, 4, 10], 'Example'), attribute([0x55, 4, 3], name));
  // subjectAltName: the name and 127.0.0.1.
  const names = ber(0x30, ber(0x82, Buffer.from(name)), ber(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = ber(0xa3, ber(0x30, ber(0x30, oid(0x55, 0x1d, 0x11), ber(4, names))));
  const toBeSigned = ber(
    0x30,
    ber(0xa0, ber(2, Buffer.from([2]))),
    ber(2, Buffer.from([1])),
    sha256WithRsa,
    dn,
    ber(0x30, time(from), time(to)),
    dn,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions,
  );
  const signature = ber(3, Buffer.from([0]), sign('sha256', toBeSigned, privateKey));
  const der = ber(0x30, toBeSigned, sha256WithRsa, signature);
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function oid(...bytes: number[]): Buffer {
  return ber(6, Buffer.from(bytes));
}

function attribute(type: number[], value: string): Buffer {
  return ber(0x31, ber(0x30, oid(...type), ber(0x0c, Buffer.from(value))));
}

/** GeneralizedTime, `20261121120000Z`. */
function time(ms: number): Buffer {
  return ber(0x18, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
}
