import { formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import type { Identities } from '../model/identity.ts';

/**
 * Says which host an address of a flow is of, by every address that hosts are known to have; undefined where none is known
 * to have it, or several are.
 */
export function hostOfAddress({
  known,
  nameOf,
}: Pick<Identities, 'known' | 'nameOf'>): (address: string) => string | undefined {
  const byAddress = new Map<string, string | null>();
  for (const { name, addresses } of known)
    for (const text of addresses) {
      const address = parseAddress(text.split('%', 1)[0] as string);
      if (!address) continue;
      const plain = formatAddress(unmapAddress(address));
      const before = byAddress.get(plain);
      byAddress.set(plain, before === undefined || before === name ? name : null);
    }
  return (address) => byAddress.get(address) ?? nameOf(address);
}
