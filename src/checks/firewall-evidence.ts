import { formatAddress } from '../model/address.ts';
import type { HostFirewall, RuleReference, Witness } from '../model/admission.ts';
import { placeOfRule } from '../model/admission-compare.ts';
import type { EstateFacts, Facts } from '../model/facts.ts';
import { isInFuture, isStale } from '../model/freshness.ts';
import type { RulePlace } from '../model/ruleset.ts';

/** What every rule about packet filters lacks where nobody took any, or not lately. */
export function lacksFreshRulesets({ estate }: Facts): string | null {
  if (estate.firewalls === undefined || estate.firewalls.length === 0) return 'no ruleset was recorded';
  return freshFirewalls(estate).length === 0 ? 'no ruleset was taken lately enough to speak of now' : null;
}

/** The same for rules that say nothing of a host whose filters are not all known. */
export function lacksRulesets(facts: Facts): string | null {
  const isKnown = freshFirewalls(facts.estate).some(({ problems }) => problems.length === 0);
  return isKnown ? null : (lacksFreshRulesets(facts) ?? 'the packet filters of no host are all known');
}

/** Filters that were taken lately enough to speak of now. */
export function freshFirewalls(estate: EstateFacts): readonly HostFirewall[] {
  return (estate.firewalls ?? []).filter((f) => !isStale(f.takenAt, estate) && !isInFuture(f.takenAt, estate));
}

/** `inet filter input handle 14: ip saddr 10.0.0.0/8 accept (nft -j list ruleset; ufw allow from 10.0.0.0/8)`. */
export function ruleText(rule: RuleReference): string {
  const user = rule.origin?.userRule;
  const from = [placeText(rule.at), ...(user === undefined ? [] : [user])];
  return `${placeOfRule(rule)}: ${rule.text} (${from.join('; ')})`;
}

function placeText({ file, line }: RulePlace): string {
  return line === undefined ? file : `${file}:${line}`;
}

/** `10.20.77.1:40000 to 10.20.3.5:5432 by eth0`. */
export function witnessText({ source, sourcePort, destination, destinationPort, iif }: Witness): string {
  const to =
    destination === null ? `port ${destinationPort}` : `${bracketed(formatAddress(destination))}:${destinationPort}`;
  return `${bracketed(formatAddress(source))}:${sourcePort} to ${to}${iif === null ? '' : ` by ${iif}`}`;
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
