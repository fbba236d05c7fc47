import { formatAddress } from '../model/address.ts';
import { type AddressSet, toCidrs } from '../model/address-set.ts';
import type { AddressBounds, Admission, AdmissionPath, RuleReference } from '../model/admission.ts';
import type { Ruleset } from '../model/ruleset.ts';

/** A set as JSON: the fewest CIDRs of each family, ascending. */
export function setJson(set: AddressSet) {
  return { ipv4: toCidrs({ ipv4: set.ipv4, ipv6: [] }), ipv6: toCidrs({ ipv4: [], ipv6: set.ipv6 }) };
}

export function boundsJson({ lower, upper }: AddressBounds) {
  return { lower: setJson(lower), upper: setJson(upper) };
}

/** A rule as JSON. Other tools rely on these names. */
export function ruleJson({ id, text, layer, chain, position, handle, at, origin, counter }: RuleReference) {
  return { id, text, layer, chain, position, handle, file: at.file, line: at.line ?? null, origin, counter };
}

/** An answer as JSON, without what it shares with others from the same files. */
export function admissionJson(a: Admission) {
  return {
    admitted: boundsJson(a.admitted),
    completes: boundsJson(a.completes),
    deciding: a.deciding.map(({ sources, rule, verdict }) => ({
      sources: setJson(sources),
      rule: ruleJson(rule),
      verdict,
    })),
    undecided: a.undecided.map(({ sources, rule, reason }) => ({
      sources: setJson(sources),
      rule: ruleJson(rule),
      reason,
    })),
    witnesses: a.witnesses.map((w) => ({
      source: formatAddress(w.source),
      sourcePort: w.sourcePort,
      destination: w.destination === null ? null : formatAddress(w.destination),
      destinationPort: w.destinationPort,
      iif: w.iif,
      verdict: w.verdict,
    })),
    layers: a.layers.map(({ layer, title, admitted, completes }) => ({
      layer,
      title,
      admitted: boundsJson(admitted),
      completes: boundsJson(completes),
    })),
    paths: a.paths.map(pathJson),
    logged: setJson(a.logged),
  };
}

function pathJson({ address, port, deliveredTo, by, admitted }: AdmissionPath) {
  return {
    address: address === null ? null : formatAddress(address),
    port,
    deliveredTo: {
      address: deliveredTo.address === null ? null : formatAddress(deliveredTo.address),
      port: deliveredTo.port,
      local: deliveredTo.local,
    },
    by: by === null ? null : ruleJson(by),
    admitted: boundsJson(admitted),
  };
}

/** What became of the statements of the files, as JSON. */
export function filesJson({ statements, notes, files }: Pick<Ruleset, 'statements' | 'notes' | 'files'>) {
  return {
    statements,
    notes: notes.map(({ status, text, reason, at, rule }) => ({
      status,
      text,
      reason,
      file: at.file,
      line: at.line ?? null,
      rule,
    })),
    files,
  };
}
