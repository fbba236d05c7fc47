import { addressBits, formatAddress, parseAddress } from '../model/address.ts';
import { formatCidr, parseCidr } from '../model/cidr.ts';
import { cut, type Read } from './times.ts';

/**
 * Reads an address or a CIDR and returns its canonical text, without the prefix where it is the whole address. Host
 * bits must be zero: `10.0.0.5/24` could mean the network or the one address.
 */
export function readCidr(text: string): Read<string> {
  const written = text.trim();
  const slash = written.indexOf('/');
  const address = parseAddress(slash < 0 ? written : written.slice(0, slash));
  if (address === null)
    return { code: 'bad-address', message: `expected an address or a CIDR such as 10.20.0.0/16, not "${cut(text)}"` };
  const read = parseCidr(written);
  if (read.kind === 'cidr')
    return { value: read.cidr.prefix === addressBits(address.family) ? formatAddress(address) : formatCidr(read.cidr) };
  const shown = `"${cut(text)}"`;
  if (read.kind === 'invalid') {
    const most = addressBits(address.family);
    return { code: 'bad-prefix', message: `${shown} has no valid prefix length: expected /0 to /${most}` };
  }
  const hint = `write ${formatCidr(read.cidr)} for the network, or ${formatAddress(address)} for the one address`;
  return { code: 'host-bits', message: `${shown} has host bits set, so it is not certain what is meant`, hint };
}

/** Says whether a text was meant as an address or CIDR: digits, dots, colons and a slash only. */
export function looksLikeAddress(text: string): boolean {
  return /^[\d.]+(\/\d*)?$/.test(text) || (text.includes(':') && /^[\da-fA-F:.]+(\/\d*)?$/.test(text));
}
