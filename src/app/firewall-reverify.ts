import { hostAccess, isOfHost, LOOPBACK, PORT_TRANSPORTS, sourcesAt } from '../enforce/demand.ts';
import type { EnforceClaim, EnforceInput, EnforceOutput } from '../enforce/target.ts';
import { createEvaluator, type Evaluator } from '../firewall/evaluate.ts';
import { readRuleset } from '../firewall/read.ts';
import { type Address, formatAddress } from '../model/address.ts';
import {
  type AddressSet,
  ALL,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  equals,
  intersection,
  isEmpty,
  isSubset,
} from '../model/address-set.ts';
import { toText } from '../model/address-set-text.ts';
import type { AddressBounds } from '../model/admission.ts';
import { HOST_SCOPE, type Transport } from '../model/endpoint.ts';
import { differentAddresses, differentPorts } from './firewall-classes.ts';

/** Differences that are told; whoever has so many does not need the next one. */
const MOST_TOLD = 20;

/**
 * Reads generated rules back and asks them who can connect, with the engine that judges live rules. Returns where the
 * answer is not exactly what is approved, a sentence each; none: every port of every transport is as it should be. Ports
 * and addresses that no rule and no entry tells apart are asked about once.
 */
export function reverify(input: EnforceInput, output: EnforceOutput): readonly string[] {
  const ruleset = readRuleset(output.readBack);
  const wrong: string[] = ruleset.files.flatMap((file) =>
    file.incomplete === null ? [] : [`${file.name} could not be read back: ${file.incomplete}.`],
  );
  const evaluator = createEvaluator(ruleset);
  const claims = output.claims ?? [{ scope: HOST_SCOPE, addresses: null, access: hostAccess(input) }];
  for (const claim of claims) {
    const addresses = claim.addresses ?? differentAddresses(ruleset, claim.access);
    for (const transport of claim.transports ?? PORT_TRANSPORTS)
      for (const port of differentPorts(ruleset, claim.access, transport))
        for (const address of addresses) {
          if (wrong.length >= MOST_TOLD) return wrong;
          const differs = askOne(evaluator, input, claim, { transport, port, address });
          if (differs !== null) wrong.push(differs);
        }
  }
  return wrong;
}

function askOne(
  evaluator: Evaluator,
  { mode }: EnforceInput,
  { scope, access }: EnforceClaim,
  at: { readonly transport: Transport; readonly port: number; readonly address: Address },
): string | null {
  const { transport, port, address } = at;
  if (transport === 'raw') return 'IP protocols without ports cannot be verified.';
  const expected = mode === 'enforce' ? sourcesAt(access, at) : everybody(address);
  const { admitted, completes } = evaluator.admission({
    ...{ transport, port, addresses: [address], iif: null, scope, view: 'client', explain: false },
  });
  const where = `${port}/${transport} at ${formatAddress(address)}${isOfHost(scope) ? '' : ` of ${scope}`}`;
  return (
    compare(where, 'let in', expected, admitted) ?? compare(where, 'let connections complete from', expected, completes)
  );
}

function everybody({ family }: Address): AddressSet {
  return difference(family === 'ipv4' ? ALL_IPV4 : ALL_IPV6, LOOPBACK);
}

function compare(where: string, verb: string, expected: AddressSet, found: AddressBounds): string | null {
  const outside = (set: AddressSet) => difference(set, LOOPBACK);
  const [lower, upper] = [outside(found.lower), outside(found.upper)];
  if (equals(lower, expected) && equals(upper, expected)) return null;
  const tooMany = difference(upper, expected);
  const tooFew = difference(expected, lower);
  const short = (set: AddressSet) => (equals(set, outside(ALL)) ? 'everybody' : cut(toText(set)));
  return [
    `${where}: the rules`,
    isEmpty(tooMany)
      ? ''
      : ` ${isSubset(tooMany, lower) ? 'would' : 'might'} ${verb} ${short(tooMany)}, who is not approved`,
    isEmpty(tooFew)
      ? ''
      : `${isEmpty(tooMany) ? '' : ', and'} ${isEmpty(intersection(tooFew, upper)) ? 'would' : 'might'} not ${verb} ${short(tooFew)}, who is approved`,
    '.',
  ].join('');
}

function cut(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
