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

/** Peers that an interface leads to, as the routes have it; null: not known. */
export type PeersBehind = (iif: string) => AddressSet | null;

/** What is known of where packets come from. */
export interface Neighbourhood {
  readonly behind: PeersBehind;
  /** Addresses that another machine may have. */
  readonly senders: AddressSet;
}

/**
 * A packet per verdict and family that shows the answer: if there is one, of a source that routes lead to by the
 * interface it comes in by, whose connection also completes, and that another machine may have.
 */
export function chooseWitnesses(
  samples: readonly Sample[],
  total: AddressBounds,
  { behind, senders }: Neighbourhood,
): Witness[] {
  const witnesses: Witness[] = [];
  const martians = fromCidrs(MARTIANS);
  for (const family of ['ipv4', 'ipv6'] as const) {
    const ofFamily = samples.filter(({ question }) => question.address.family === family);
    // a port as clients have them convinces more
    const own = [...ofFamily.filter(hasUsualPort), ...ofFamily.filter((sample) => !hasUsualPort(sample))];
    if (own.length === 0) continue;
    const everyone = family === 'ipv4' ? ALL_IPV4 : ALL_IPV6;
    const usual = intersection(difference(everyone, martians), senders);
    const wanted: [Witness['verdict'], AddressSet, (sample: Sample) => AddressSet][] = [
      ['admitted', familyPart(total.lower, family), (sample) => sample.admitted.lower],
      ['undecided', familyPart(difference(total.upper, total.lower), family), undecidedOf],
      ['refused', difference(everyone, total.upper), (sample) => difference(everyone, sample.admitted.upper)],
    ];
    for (const [verdict, sources, of] of wanted) {
      const preferred: ((sample: Sample) => AddressSet | null)[] = [
        ({ question: { iif }, completes }) => {
          const peers = iif === null ? null : behind(iif);
          return peers && intersection(intersection(peers, usual), verdict === 'admitted' ? completes.lower : everyone);
        },
        ({ completes }) => (verdict === 'admitted' ? intersection(completes.lower, usual) : null),
        () => usual,
        () => everyone,
      ];
      const found = firstOf(preferred, (within) =>
        firstOf(own, (sample) => {
          const allowed = within(sample);
          const source = allowed && pick(intersection(intersection(of(sample), sources), allowed));
          return source ? { sample, source } : undefined;
        }),
      );
      if (found === undefined) continue;
      const { address, iif, port, peerPort } = found.sample.question;
      witnesses.push({
        ...{ source: found.source, sourcePort: clientPort(peerPort), destination: address.address, verdict },
        ...{ destinationPort: port, iif: iif?.endsWith('\u0000') ? null : iif },
      });
    }
  }
  return witnesses;
}

/** The first answer that one of the items gives. */
function firstOf<T, R>(items: readonly T[], ask: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const answer = ask(item);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function undecidedOf({ admitted }: Sample): AddressSet {
  return difference(admitted.upper, admitted.lower);
}

/** The second address of the first interval that has one: the first may be the network's own. */
function pick(set: AddressSet): Address | null {
  if (isEmpty(set)) return null;
  const ranges = toRanges(set);
  const range = ranges.find(({ first, last }) => first.value !== last.value) ?? ranges[0];
  if (!range) return null;
  const { first, last } = range;
  if (first.value === last.value) return first;
  return first.family === 'ipv4'
    ? { family: 'ipv4', value: first.value + 1 }
    : { family: 'ipv6', value: first.value + 1n };
}

const USUAL_PORT = 40_000;

function hasUsualPort({ question: { peerPort } }: Sample): boolean {
  return peerPort.from <= USUAL_PORT && USUAL_PORT <= peerPort.to;
}

/** A port as clients have them, where the range holds one. */
function clientPort({ from, to }: { readonly from: number; readonly to: number }): number {
  if (from <= USUAL_PORT && USUAL_PORT <= to) return USUAL_PORT;
  return to > USUAL_PORT ? from : to;
}
