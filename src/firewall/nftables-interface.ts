import type { HostNetwork } from '../model/host-network.ts';
import { ALWAYS, type Condition, type InterfacePattern } from '../model/ruleset.ts';
import { anyOf, type Field } from './nftables-field.ts';
import { interfaceName } from './nftables-values.ts';
import { shown } from './untrusted.ts';

/**
 * The interface that a packet came in by or goes out by. `byIndex`: the rule holds its number, which nft prints as a name
 * while there is such an interface.
 */
export function interfaceField(
  kind: 'in-interface' | 'out-interface',
  byIndex: boolean,
  network: HostNetwork | null,
): Field {
  return {
    kind: 'other',
    guard: [],
    oneOf: (values, reading) => {
      const names: InterfacePattern[] = [];
      let rest: readonly Condition[] = [];
      for (const value of values) {
        if (value === '*') return ALWAYS;
        const number = byIndex && /^[0-9]{1,10}$/.test(String(value)) ? Number(value) : null;
        const name = number === null ? interfaceName(value) : nameOfIndex(number, network);
        if (name !== null) names.push(name);
        else if (number !== null) rest = [reading.unsupported(`the interface of number ${number} is not known`)];
        else rest = [reading.unrecognised(`${shown(value)} is not an interface`)];
      }
      return anyOf([...(names.length > 0 || rest.length === 0 ? [{ kind, names }] : []), ...rest]);
    },
  };
}

function nameOfIndex(index: number, network: HostNetwork | null): InterfacePattern | null {
  // no interface: none in prerouting, and everywhere for packets of this host itself
  if (index === 0) return { name: '', prefix: false };
  const found = network?.interfaces.find((device) => device.index === index);
  return found === undefined ? null : { name: found.name, prefix: false };
}
