import { endpointKey } from '../model/endpoint.ts';
import { count, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksRulesets } from './firewall-evidence.ts';

const MAX_NAMED = 50;

export const unloggedPort: Check = {
  id: 'unlogged-port',
  title: 'New connections that no rule logs',
  severity: 'info',
  rationale:
    'Who connected to a port can be told afterwards only where something wrote it down. The packet filter can, for every ' +
    'service alike and out of its reach; where none of its rules logs new connections, the logs of the service are all there is.',
  remediation:
    'Log new connections in the filter before they are let in (nft: `ct state new log prefix "…"`), or see that the service logs them.',
  lacking: lacksRulesets,
  estate(estate) {
    return freshFirewalls(estate).flatMap((firewall) => {
      const unlogged = firewall.unlogged ?? [];
      // Where there is no filter at all, that is the finding.
      if (unlogged.length === 0 || firewall.filters === 'none') return [];
      const names = unlogged.map((e) => `${e.port}/${e.transport}`);
      const all = (firewall.exposed ?? []).length;
      return [
        {
          subject: { kind: 'host', host: firewall.host },
          endpoints: unlogged,
          message: `On ${firewall.host} no rule logs new connections to ${listWords(names)}${unlogged.length === all ? '' : `, ${unlogged.length} of ${count(all, 'port')} that listen beyond loopback`}.`,
          evidence: [
            { label: 'not logged', value: listWords(unlogged.map(endpointKey), MAX_NAMED) },
            { label: 'rules as of', value: utcTime(firewall.takenAt) },
          ],
        },
      ];
    });
  },
};
