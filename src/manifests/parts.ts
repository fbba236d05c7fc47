import { formatAddress, parseAddress } from '../model/address.ts';
import type { Transport } from '../model/endpoint.ts';
import type { PortRange } from '../model/observation.ts';

/** An untrusted value as a map; an empty one where it is none. */
export function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

/** An untrusted value as a list; an empty one where it is none. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text or a number as text, at most 200 characters; undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  return text === '' ? undefined : text.slice(0, 200);
}

/** A value as a message shows it: quoted, short, whatever it is. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}

/** A port, or a range `8000-8010`, 1 to 65535; null where it is none. */
export function portOf(value: unknown): PortRange | null {
  const m = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(textOf(value) ?? '');
  if (!m) return null;
  const from = Number(m[1]);
  const to = m[2] === undefined ? from : Number(m[2]);
  return from >= 1 && from <= to && to <= 65535 ? { from, to } : null;
}

const PROTOCOLS: Readonly<Record<string, Transport>> = { tcp: 'tcp', udp: 'udp', sctp: 'sctp', udplite: 'udplite' };

/** A transport in any letter case; null where it is none that has ports. */
export function transportOf(value: unknown): Transport | null {
  const name = textOf(value)?.toLowerCase() ?? '';
  return Object.hasOwn(PROTOCOLS, name) ? (PROTOCOLS[name] as Transport) : null;
}

/** An address in canonical text; undefined where it is none. Brackets around IPv6 are taken off. */
export function addressOf(value: unknown): string | undefined {
  const parsed = parseAddress((textOf(value) ?? '').replace(/^\[(.*)\]$/, '$1'));
  return parsed ? formatAddress(parsed) : undefined;
}
