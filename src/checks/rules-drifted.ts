import { type AddressSet, isEmpty } from '../model/address-set.ts';
import type { AccessChange } from '../model/admission.ts';
import { describeSources } from '../model/describe-sources.ts';
import type { Zone } from '../model/register.ts';
import { count, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksRulesets } from './firewall-evidence.ts';

const MAX_CHANGES = 20;

export const rulesDrifted: Check = {
  id: 'rules-drifted',
  title: 'Running rules are not the saved ones',
  severity: 'medium',
  rationale:
    'Rules that run and are not saved are gone after a restart; rules that are saved and do not run come back with it. Either ' +
    'way the next start changes who can connect, and nobody is there to see it. Compared by meaning: order, counters and ' +
    'rules that decide nothing make no difference.',
  remediation: 'Save the running rules if they are right, else load the saved ones.',
  lacking(facts) {
    const isKnown = freshFirewalls(facts.estate).some((f) => f.drift !== null);
    return isKnown ? null : (lacksRulesets(facts) ?? 'no saved configuration was recorded');
  },
  estate(estate) {
    const { zones } = estate.register;
    return freshFirewalls(estate).flatMap(({ host, drift, takenAt }) => {
      const changes = (drift ?? []).filter((c) => !isEmpty(c.gained) || !isEmpty(c.lost));
      if (changes.length === 0) return [];
      const gains = changes.some((c) => !isEmpty(c.gained));
      const loses = changes.some((c) => !isEmpty(c.lost));
      const what = [...(gains ? ['let in more'] : []), ...(loses ? ['refuse more'] : [])].join(' and ');
      return [
        {
          subject: { kind: 'host', host },
          message: `The rules that ${host} loads when it starts ${what} than those that run, for ${listWords(changes.map(portsOf), 3)}.`,
          evidence: [
            ...changes.slice(0, MAX_CHANGES).map((c) => ({ label: portsOf(c), value: changeText(c, zones) })),
            ...(changes.length > MAX_CHANGES
              ? [{ label: 'and', value: count(changes.length - MAX_CHANGES, 'more', 'more') }]
              : []),
            { label: 'rules as of', value: utcTime(takenAt) },
          ],
        },
      ];
    });
  },
};

function portsOf({ transport, ports: { from, to } }: AccessChange): string {
  if (from === 0 && to === 65_535) return `every ${transport} port`;
  return `${from === to ? from : `${from}-${to}`}/${transport}`;
}

function changeText({ gained, lost }: AccessChange, zones: readonly Zone[]): string {
  const said = (verb: string, set: AddressSet) => (isEmpty(set) ? [] : [`${verb} ${describeSources(set, zones, 8)}`]);
  return [...said('also lets in', gained), ...said('no longer lets in', lost)].join('; ');
}
