import { formatAddress } from '../../model/address.ts';
import {
  type AddressSet,
  ALL,
  ALL_IPV4,
  ALL_IPV6,
  equals,
  has,
  isEmpty,
  size,
  toCidrs,
} from '../../model/address-set.ts';
import type { EndpointAdmission, RuleReference } from '../../model/admission.ts';
import {
  type AdmissionStanding,
  compareAdmission,
  type JudgedBy,
  placeOfRule,
  someClient,
} from '../../model/admission-compare.ts';
import { describeSources, shortCidr } from '../../model/describe-sources.ts';
import type { EndpointFacts } from '../../model/facts.ts';
import { formatNumber } from '../words.ts';
import { type Child, html, type Markup } from './escape.ts';
import { code, listed, pair, sentence, time, unknown } from './format.ts';
import { countAddresses, sourceBar, sourceTotal, sourceWords } from './sources.ts';

/** What can be said of who can connect; also the word that the table filters by. */
export type Can = 'loopback' | 'unknown' | 'approved' | 'wider' | 'undecided' | 'open';

export const CAN_WORDS: Record<Can, string> = {
  loopback: 'on loopback, reachable from this host only',
  approved: 'only sources of the entry can connect',
  wider: 'more can connect than the entry says',
  undecided: 'whether more can connect is not decided',
  open: 'known who can connect, not said who may',
  unknown: 'reachable beyond loopback; the filters in front were not read, or too long ago',
};

/** Orders the kinds from what is wrong to what is settled. */
export const CANS: readonly Can[] = ['wider', 'undecided', 'open', 'unknown', 'approved', 'loopback'];

export function canOf(facts: EndpointFacts, judged: JudgedBy): Can {
  const standing = compareAdmission(facts, judged);
  switch (standing.kind) {
    case 'inside':
      return 'loopback';
    case 'not-known':
    case 'stale':
    case 'in-future':
      return 'unknown';
    case 'compared':
      if (!isEmpty(standing.tooMany)) return 'wider';
      return isEmpty(standing.undecided) ? 'approved' : 'undecided';
    default:
      return 'open';
  }
}

/** The cell of the table: how many, and for whom it is not settled. */
export function canCell(facts: EndpointFacts, can: Can): Child {
  const { admission } = facts;
  if (can === 'unknown' || admission === undefined) return unknown('not verified');
  const { lower, upper } = admission.admission.admitted;
  const words = html`<b>${equals(lower, upper) ? null : 'at most '}${amountWords(upper)}</b>`;
  if (can === 'wider') return html`${words} <br><span class="bad">✗ too many</span>`;
  return can === 'undecided' ? html`${words} <br>${unknown('undecided')}` : words;
}

const SHOWN = 8;
const SHOWN_RULES = 4;

/** The column of one endpoint, where filters were read. */
export function admittedColumn(facts: EndpointFacts, judged: JudgedBy): Markup {
  const known = facts.admission as EndpointAdmission;
  const { admission } = known;
  const { lower, upper } = admission.admitted;
  const exact = equals(lower, upper);
  const count = countAddresses(upper);
  const open = new Set(admission.undecided.map((part) => part.rule.id));
  const accepting = admission.deciding.filter((part) => part.verdict === 'accept' && !open.has(part.rule.id));
  const standing = compareAdmission(facts, judged);
  const old = standing.kind === 'stale' || standing.kind === 'in-future';
  return html`<div class="can"><h3>Admitted <b>can</b></h3><p class="big">${exact ? null : 'at most '}${amountWords(upper)}</p>${
    exact ? sourceBar(sourceTotal(count)) : html`<div class="hatch"></div>`
  }<dl>${pair('Sources', isEmpty(upper) ? 'nobody from outside the host' : blocks(upper, judged))}${
    !exact && pair('Certain', isEmpty(lower) ? 'nobody' : blocks(lower, judged))
  }${!sameSets(known) && pair('Completes', describeSources(admission.completes.upper, judged.register.zones, SHOWN))}${
    accepting.length > 0 && pair('Let in by', rules(accepting.map((part) => part.rule)))
  }${admission.undecided.length > 0 && pair('Undecided', listedLines(admission.undecided.slice(0, SHOWN_RULES).map((part) => html`${ruleWords(part.rule)}: ${part.reason}`)))}${
    (known.doubts ?? []).length > 0 &&
    pair('Not known', listedLines((known.doubts ?? []).map((doubt) => sentence(doubt))))
  }${witness(facts, standing)}${pair('Logged', logged(known))}${pair(
    'Rules',
    html`${old ? unknown('of') : 'as of'} ${time(known.takenAt)}${known.source ? html` from ${known.source}` : null}`,
  )}</dl></div>`;
}

/** What lies between may and can. */
export function admittedGutter(facts: EndpointFacts, judged: JudgedBy): Child {
  const standing = compareAdmission(facts, judged);
  if (standing.kind === 'inside') return null;
  if (standing.kind !== 'compared') return html`<b class="q">?</b> not compared`;
  const { tooMany, undecided, blocked } = standing;
  const parts: Child[] = [];
  if (!isEmpty(tooMany)) parts.push(html`<b>✗ wider</b> ${amountWords(tooMany)} too many`);
  else if (!isEmpty(undecided)) parts.push(html`<b class="q">?</b> undecided for ${amountWords(undecided)}`);
  if (!isEmpty(blocked)) parts.push(html`<b>✗ blocked</b> ${amountWords(blocked)} approved`);
  return parts.length === 0
    ? html`<b class="ok">✓</b> nobody else`
    : parts.map((part, i) => html`${i > 0 ? html`<br>` : null}${part}`);
}

/** How many addresses; of a family that is whole, or nearly so, no number is worth reading. */
function amountWords(set: AddressSet): Child {
  if (equals(set, ALL)) return html`every <span>address</span>`;
  const isMost = (own: AddressSet, all: AddressSet) => size(own) * 2n > size(all);
  const ipv4 = { ipv4: set.ipv4, ipv6: [] };
  const ipv6 = { ipv4: [], ipv6: set.ipv6 };
  const families = [
    { name: 'IPv4', own: ipv4, all: ALL_IPV4 },
    { name: 'IPv6', own: ipv6, all: ALL_IPV6 },
  ];
  if (!families.some(({ own, all }) => isMost(own, all))) return sourceWords(countAddresses(set));
  return listed(
    families
      .filter(({ own }) => !isEmpty(own))
      .map(({ name, own, all }) =>
        equals(own, all)
          ? html`every ${name} <span>address</span>`
          : isMost(own, all)
            ? html`most ${name} <span>addresses</span>`
            : sourceWords(countAddresses(own)),
      ),
  );
}

function sameSets({ admission: { admitted, completes } }: EndpointAdmission): boolean {
  return equals(admitted.upper, completes.upper) && equals(admitted.lower, completes.lower);
}

/** The blocks themselves where they are few, else in words; zones by name. */
function blocks(set: AddressSet, { register }: JudgedBy): Child {
  const cidrs = toCidrs(set);
  if (size(set) > 0n && cidrs.length <= SHOWN && describeSources(set, register.zones) !== 'every address') {
    const words = describeSources(set, register.zones, SHOWN);
    return words.startsWith('every') || words.includes('zone:') ? words : listed(cidrs.map(shortCidr).map(code));
  }
  return describeSources(set, register.zones, SHOWN);
}

function rules(all: readonly RuleReference[]): Child {
  const distinct = [...new Map(all.map((rule) => [rule.id, rule])).values()];
  const more = distinct.length - SHOWN_RULES;
  return html`${listedLines(distinct.slice(0, SHOWN_RULES).map(ruleWords))}${more > 0 ? html` <span class="note">and ${formatNumber(more)} more</span>` : null}`;
}

function ruleWords(rule: RuleReference): Markup {
  const user = rule.origin?.userRule;
  const at = rule.at.line === undefined ? rule.at.file : `${rule.at.file}:${rule.at.line}`;
  return html`${placeOfRule(rule)} ${code(rule.text)} <span class="note">${user ? `${user}, ` : null}${at}</span>`;
}

function listedLines(lines: readonly Child[]): Markup {
  return html`<ul class="plain">${lines.map((line) => html`<li>${line}`)}</ul>`;
}

/** A packet that shows what differs. */
function witness({ admission }: EndpointFacts, standing: AdmissionStanding): Child {
  if (standing.kind !== 'compared' || isEmpty(standing.tooMany)) return null;
  const { tooMany } = standing;
  const packet = admission?.admission.witnesses.find((w) => w.verdict === 'admitted' && has(tooMany, w.source));
  const source = packet?.source ?? someClient(tooMany);
  return pair('Witness', html`${code(formatAddress(source))} is let in`);
}

function logged({ admission: { logged: some, admitted } }: EndpointAdmission): Child {
  if (isEmpty(admitted.upper)) return 'no connection to log';
  return isEmpty(some) ? 'new connections are not logged' : 'new connections may be logged';
}
