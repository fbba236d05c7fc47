import { answerWords } from '../model/answer-words.ts';
import { showsHost } from '../model/asset-match.ts';
import { describeAddresses, describePort } from '../model/describe.ts';
import { endpointKey, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import { areOfDifferentTimes, insideLookAt } from '../model/looks.ts';
import { isSeenInside, vantageKind, vantageWords } from '../model/vantage.ts';
import { count, duration, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { shellWord } from './remedy.ts';

export const vantageDisagreement: Check = {
  id: 'vantage-disagreement',
  title: 'Reachable, but unknown to the host',
  severity: 'medium',
  rationale:
    'A port that answers over the network and that the socket tables of the host do not show is answered by somebody else: ' +
    'address translation, a published container port, another machine with the same address, or a process that hides. ' +
    'Each of them means that the register is about another thing than what clients reach.',
  remediation:
    'Look from both sides again. If it stays, find out what answers: address translation (nft list ruleset, iptables -t nat -S), a published container port, another machine with this address (arp), or a process that hides.',
  lacking({ estate: { hosts } }) {
    const byHost = Map.groupBy(hosts.filter(showsHost), (state) => state.host.name);
    const isSeenTwice = [...byHost.values()].some(
      (states) => new Set(states.map((s) => vantageKind(s.vantage))).size > 1,
    );
    return isSeenTwice ? null : 'no host was looked at both from itself and over the network';
  },
  endpoint(facts, estate) {
    if (facts.endpoint.scope !== UNKNOWN_SCOPE || isSeenInside(facts.listeners)) return [];
    // The host knows several that may have answered: nothing contradicts, it only cannot be told which one.
    if (facts.listeners.some((s) => s.possibleScopes)) return [];
    const look = insideLookAt(facts);
    const answered = facts.listeners.toSorted((a, b) => b.lastSeen - a.lastSeen)[0];
    if (!look || !answered) return [];
    const { state, everyScope } = look;
    const { endpoint } = facts;
    const isApart = areOfDifferentTimes(state.lastObservedAt, answered.lastSeen, estate);
    const apart = duration(Math.abs(state.lastObservedAt - answered.lastSeen));
    const said = [
      ...new Set(facts.listeners.flatMap(({ listener: { answer } }) => (answer ? [answerWords(answer)] : []))),
    ];
    const where = `Port ${describePort(endpoint)} of ${endpoint.host}`;
    return [
      {
        subject: { kind: 'endpoint', endpoint },
        severity: isApart ? 'info' : everyScope ? 'medium' : 'low',
        message: isApart
          ? `${where} answered ${vantageWords(answered.vantage)}, and a look ${vantageWords(state.vantage)} ${apart} ${state.lastObservedAt < answered.lastSeen ? 'before' : 'after'} knows no listener there; it may have changed in between.`
          : `${where} answers on ${describeAddresses(facts)} ${vantageWords(answered.vantage)}, and ${everyScope ? `no socket table of ${endpoint.host} shows a listener there` : `${endpoint.host} itself knows no listener there, as far as its own network namespace goes`}.`,
        evidence: [
          ...facts.listeners.map((s) => ({
            label: `seen ${vantageWords(s.vantage)}`,
            value: `${s.listener.address} open at ${utcTime(s.lastSeen)}`,
          })),
          ...said.filter((text) => text !== '').map((value) => ({ label: 'says of itself', value })),
          {
            label: `seen ${vantageWords(state.vantage)}`,
            value: `no listener at ${utcTime(state.lastObservedAt)} (${everyScope ? 'every network namespace' : 'its own network namespace only'}, ${state.privilege === 'root' ? 'as root' : 'not as root'})`,
          },
          ...(state.gaps.length === 0 ? [] : [{ label: 'not seen by it', value: count(state.gaps.length, 'gap') }]),
        ],
        remediation: isApart
          ? `Look from both sides at one time: sudo quietdoor scan local on ${endpoint.host}, then the network scan again.`
          : `Look again: sudo quietdoor scan local on ${endpoint.host}, then the network scan. If it stays, find out what answers there: address translation (sudo nft list ruleset), a published container port, another machine with this address (ip neigh), or a process that hides. quietdoor explain ${shellWord(endpointKey(endpoint))}`,
      },
    ];
  },
};
