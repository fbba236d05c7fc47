import { showsHost } from '../model/asset-match.ts';
import type { EstateFacts } from '../model/facts.ts';
import type { FindingDraft } from '../model/finding.ts';
import { silentLooks } from '../model/looks.ts';
import { coversAll, type Gap } from '../model/observation.ts';
import type { HostState } from '../model/state.ts';
import { vantageKind, vantageWords } from '../model/vantage.ts';
import { compareText } from '../util/compare.ts';
import { count, listWords } from '../util/words.ts';
import type { Check } from './check.ts';

/** Subjects of one gap, or names in one list, that the evidence spells out. */
const MAX_NAMED = 20;

export const coverageGap: Check = {
  id: 'coverage-gap',
  title: 'Something could not be seen',
  severity: 'info',
  rationale:
    'A check is as good as what was looked at. What could not be read is named here, so that nobody takes silence for absence.',
  remediation: 'Observe again with the rights or tools that the gap names; usually `sudo quietdoor scan`.',
  estate(estate) {
    return [...silentAddresses(estate), ...hostGaps(estate), ...unobserved(estate)];
  },
};

/** Addresses that gave no answer at all to a look from outside: there may be no host, so they are told of together. */
function silentAddresses(estate: EstateFacts): FindingDraft[] {
  const silent = silentLooks(estate.hosts);
  return [...Map.groupBy(silent, (h) => h.vantage)]
    .sort(([a], [b]) => compareText(a, b))
    .map(([vantage, looks]) => {
      const addresses = looks.map((h) => h.recordedAs ?? h.host.name).sort(compareText);
      return {
        subject: { kind: 'estate' },
        discriminator: `silent ${vantage}`,
        message: `${count(looks.length, 'address', 'addresses')} asked ${vantageWords(vantage)} gave no answer at all: no host, one that is down, or a filter in front of everything.`,
        evidence: [{ label: 'no answer from', value: listWords(addresses, MAX_NAMED) }],
        remediation:
          'Where there should be a host, look on it: sudo quietdoor scan local   or see that the scan may reach it.',
      };
    });
}

/** One finding for each cause on each host, whatever number of things it hid and from wherever it was looked. */
function hostGaps(estate: EstateFacts): FindingDraft[] {
  const found: FindingDraft[] = [];
  const byHost = Map.groupBy(
    estate.hosts.filter((h) => h.gaps.length > 0 && showsHost(h)),
    (h) => h.host.name,
  );
  const all = byHost.size === 0 ? undefined : Map.groupBy(estate.hosts, (h) => h.host.name);
  for (const [host, states] of byHost) {
    const looks = all?.get(host) ?? [];
    const byCode = Map.groupBy(
      states.filter((s) => !isMadeUp(s, looks)).flatMap((s) => s.gaps),
      (gap) => gap.code,
    );
    for (const [code, gaps] of [...byCode].sort(([a], [b]) => compareText(a, b))) {
      const distinct = [...new Map(gaps.map((g) => [g.subject, g])).values()].sort((a, b) =>
        compareText(a.subject, b.subject),
      );
      const first = distinct[0] as Gap;
      found.push({
        subject: { kind: 'host', host },
        discriminator: code,
        message:
          distinct.length === 1
            ? first.message
            : `${first.message} The same holds for ${count(distinct.length - 1, 'more')}.`,
        evidence: [
          { label: 'gap', value: code },
          {
            label: 'concerns',
            value: listWords(
              distinct.map((g) => g.subject),
              MAX_NAMED,
            ),
          },
        ],
        remediation: first.remedy ?? `On ${host}: sudo quietdoor scan`,
      });
    }
  }
  return found;
}

/** A later look with the same or more rights covered all that this one did: what it could not see is seen. */
function isMadeUp(state: HostState, looks: readonly HostState[]): boolean {
  return looks.some(
    (other) =>
      other.lastObservedAt > state.lastObservedAt &&
      vantageKind(other.vantage) === vantageKind(state.vantage) &&
      (other.privilege === 'root' || state.privilege === 'user') &&
      state.coverage.length > 0 &&
      coversAll(other.coverage, state.coverage),
  );
}

/** Hosts that are declared, and entries that choose hosts, of which no observation exists. */
function unobserved(estate: EstateFacts): FindingDraft[] {
  const found: FindingDraft[] = [];
  if (estate.hosts.length === 0)
    return [
      {
        subject: { kind: 'estate' },
        discriminator: 'nobody-looked',
        message: 'No host was observed yet, so nothing is known of any port.',
        evidence: [],
        remediation: 'On the host itself: sudo quietdoor scan',
      },
    ];
  const observed = new Set(
    estate.hosts.flatMap(({ host }) => [host.name, ...(host.names ?? [])].map((n) => n.toLowerCase())),
  );
  const hosts = estate.register.hosts.map((h) => h.name).filter((name) => !observed.has(name.toLowerCase()));
  if (hosts.length > 0)
    found.push({
      subject: { kind: 'estate' },
      discriminator: 'hosts-not-observed',
      message: `${hosts.length} of ${count(estate.register.hosts.length, 'declared host')} ${hosts.length === 1 ? 'was' : 'were'} never observed: ${listWords(hosts.sort(compareText))}.`,
      evidence: [{ label: 'never observed', value: listWords(hosts, MAX_NAMED) }],
      remediation: 'On each of them: sudo quietdoor scan',
    });
  const { entries } = estate.register;
  const idle = entries.filter((e) => (estate.hostsByEntry.get(e.id) ?? []).length === 0).map((e) => e.id);
  if (idle.length > 0)
    found.push({
      subject: { kind: 'estate' },
      discriminator: 'entries-not-observed',
      message: `${idle.length} of ${count(entries.length, 'entry', 'entries')} ${idle.length === 1 ? 'chooses' : 'choose'} no host that was observed, so nothing can be said of them: ${listWords(idle)}.`,
      evidence: [{ label: 'entries', value: listWords(idle, MAX_NAMED) }],
      remediation:
        'Observe their hosts with: sudo quietdoor scan   or correct their hosts, then: quietdoor register lint',
    });
  return found;
}
