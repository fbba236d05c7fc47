import type { Address } from '../model/address.ts';
import {
  type AddressSet,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  intersection,
  isEmpty,
  toRanges,
} from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { AddressBounds, Witness } from '../model/admission.ts';
import type { Sample } from './admission-total.ts';
import { familyPart } from './packet-classes.ts';

/** Addresses that no packet of another machine rightly has: a witness among them would not convince. */
const MARTIANS = [
  ...['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'],
  ...['::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8'],
];

/** A packet per verdict and family that shows the answer; sources as another machine may have them, where there are any. */
export function chooseWitnesses(samples: readonly Sample[], total: AddressBounds, port: number): Witness[] {
  const witnesses: Witness[] = [];
  const martians = fromCidrs(MARTIANS);
  for (const family of ['ipv4', 'ipv6'] as const) {
    const own = samples.filter(({ question }) => question.address.family === family);
    if (own.length === 0) continue;
    const everyone = family === 'ipv4' ? ALL_IPV4 : ALL_IPV6;
    const wanted: [Witness['verdict'], AddressSet, (sample: Sample) => AddressSet][] = [
      ['admitted', familyPart(total.lower, family), (sample) => sample.admitted.lower],
      ['undecided', familyPart(difference(total.upper, total.lower), family), undecidedOf],
      ['refused', difference(everyone, total.upper), (sample) => difference(everyone, sample.admitted.upper)],
    ];
    for (const [verdict, sources, of] of wanted) {
      for (const sample of own) {
        const source = pick(intersection(familyPart(of(sample), family), sources), martians);
        if (!source) continue;
        const { question } = sample;
        const iif = question.iif?.endsWith('\u0000') ? null : question.iif;
        const sourcePort = clientPort(question.peerPort);
        const destination = question.address.address;
        witnesses.push({ source, sourcePort, destination, destinationPort: question.port ?? port, iif, verdict });
        break;
      }
    }
  }
  return witnesses;
}

function undecidedOf({ admitted }: Sample): AddressSet {
  return difference(admitted.upper, admitted.lower);
}

/** The first address of the first interval, the network's own address excepted; not a martian if that can be helped. */
function pick(set: AddressSet, martians: AddressSet): Address | null {
  if (isEmpty(set)) return null;
  const [range] = toRanges(difference(set, martians));
  const [any] = toRanges(set);
  const chosen = range ?? any;
  if (!chosen) return null;
  const { first, last } = chosen;
  if (first.value === last.value) return first;
  return first.family === 'ipv4'
    ? { family: 'ipv4', value: first.value + 1 }
    : { family: 'ipv6', value: first.value + 1n };
}

/** A port as clients have them, where the range holds one. */
function clientPort({ from, to }: { readonly from: number; readonly to: number }): number {
  const usual = 40_000;
  if (from <= usual && usual <= to) return usual;
  return to > usual ? from : to;
}
