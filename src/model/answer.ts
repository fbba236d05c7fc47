/** What a TLS handshake showed (RFC 8446, RFC 5246; certificate fields as RFC 5280 names them). */
export interface TlsFacts {
  /** Version that was agreed on: `TLSv1.2`, `TLSv1.3`... Absent: not told (an import that kept the certificate only). */
  readonly protocol?: string;
  readonly cipher?: string;
  /** Protocol that ALPN agreed on (RFC 7301): `h2`, `http/1.1`. Absent: none. */
  readonly alpn?: string;
  /** Older versions that the service accepts too, as far as they were tried; sorted. */
  readonly accepts?: readonly string[];
  /** Distinguished names as one line: `CN=db-1.example.org, O=Example`. */
  readonly subject?: string;
  readonly issuer?: string;
  /** DNS names and addresses of the certificate, sorted. */
  readonly names?: readonly string[];
  /** UTC milliseconds. */
  readonly notBefore?: number;
  /** UTC milliseconds. */
  readonly notAfter?: number;
  readonly selfSigned?: boolean;
  /** SHA-256 of the certificate in DER, hex. */
  readonly fingerprint?: string;
  /** Key of the certificate: `RSA 2048`, `EC P-256`. */
  readonly key?: string;
}

/**
 * What a service said of itself when it was asked over the network. Its own words, so never proof of what runs there. An
 * absent field was not found out.
 */
export interface AnswerFacts {
  /** IANA name of the protocol that answered, where it was recognised: `ssh`, `http`, `postgresql`. */
  readonly service?: string;
  readonly product?: string;
  readonly version?: string;
  /** CPE 2.3, where the identification names one. */
  readonly cpe?: string;
  /** First line of what it said: printable characters only, at most 256. */
  readonly banner?: string;
  /**
   * `tls`: it speaks TLS from the first byte. `starttls`: it offers TLS and talks in clear before. `ssh`: encrypted by SSH.
   * `none`: it answered a request in clear and offered no TLS. Absent: not found out.
   */
  readonly encryption?: 'tls' | 'starttls' | 'ssh' | 'none';
  readonly tls?: TlsFacts;
  /** With `starttls`: it says itself that it goes no further without TLS. Absent: not found out. */
  readonly requiresTls?: boolean;
  /** It asks no password for what it answered, where the protocol tells (`redis` PING, `memcached` version). */
  readonly unauthenticated?: boolean;
  /** Name of the probe that recognised it. */
  readonly by?: string;
}
