import { endpointKey } from '../model/endpoint.ts';
import { count, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksRulesets } from './firewall-evidence.ts';

const MAX_NAMED = 50;

export const firewallAbsent: Check = {
  id: 'firewall-absent',
  title: 'No packet filter',
  severity: 'medium',
  rationale:
    'On a host without a packet filter every service decides alone who may connect, and one that starts by mistake is ' +
    'reachable by whoever can route to it. Reported only where the rules were read whole: a host that could not be asked is a gap.',
  remediation: 'Set up a filter on the host that lets in approved sources only; `quietdoor firewall plan` writes one.',
  lacking: lacksRulesets,
  estate(estate) {
    return freshFirewalls(estate).flatMap((firewall) => {
      const exposed = firewall.exposed ?? [];
      if (firewall.filters !== 'none' || exposed.length === 0) return [];
      const names = exposed.map((e) => `${e.port}/${e.transport}`);
      return [
        {
          subject: { kind: 'host', host: firewall.host },
          endpoints: exposed,
          message: `${firewall.host} has no packet filter, and ${exposed.length === 1 ? 'a port listens' : `${count(exposed.length, 'port')} listen`} beyond loopback: ${listWords(names)}.`,
          evidence: [
            { label: 'reachable', value: listWords(exposed.map(endpointKey), MAX_NAMED) },
            { label: 'rules as of', value: utcTime(firewall.takenAt) },
          ],
          remediation: `Make rules from the register and look at them; on ${firewall.host}: sudo quietdoor firewall plan`,
        },
      ];
    });
  },
};
