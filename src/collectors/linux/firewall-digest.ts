import { sha256 } from '../../util/sha256.ts';
import { readText } from './files.ts';
import { firstOf } from './firewall.ts';
import { type FirewallProgram, ROOT_PATH } from './firewall-dump.ts';

/**
 * What is asked to see whether anything of the packet filters changed, in a tenth of the time that taking them whole needs.
 * Handles are in it: the kernel never gives one again, so that a rule in the place of another shows, even one of iptables
 * whose parameters nft does not print.
 */
const QUICK: ReadonlyArray<Omit<FirewallProgram, 'name' | 'onlyWith'>> = [
  { ways: [['nft', '--stateless', '--handle', 'list', 'ruleset']] },
];
const LEGACY: ReadonlyArray<FirewallProgram> = [
  { name: '', ways: [['iptables-legacy-save']], onlyWith: 'ip_tables_names' },
  { name: '', ways: [['ip6tables-legacy-save']], onlyWith: 'ip6_tables_names' },
];
const IPSET: FirewallProgram['ways'] = [['ipset', 'save']];

/** Digest of the packet filters in force in our network namespace; null: they could not be listed. Needs root. */
export async function firewallDigest(path: string = ROOT_PATH): Promise<string | null> {
  const asked: FirewallProgram['ways'][] = QUICK.map(({ ways }) => ways);
  for (const { ways, onlyWith } of LEGACY)
    if (onlyWith !== undefined && (readText(`/proc/net/${onlyWith}`) ?? '').trim() !== '') asked.push(ways);
  if (/^ip_set /m.test(readText('/proc/modules', 1024 * 1024) ?? '')) asked.push(IPSET);
  const outputs = await Promise.all(asked.map((ways) => firstOf(ways, path)));
  if (outputs.some(({ status }) => status !== 'ok' && status !== 'missing')) return null;
  return sha256(outputs.map(({ text }) => withoutTimes(text)).join('\n'));
}

/** The date that iptables-save prints, its counters, and the age of elements. */
function withoutTimes(text: string): string {
  return text
    .replace(/^#.*$/gm, '')
    .replace(/\[\d+:\d+\]/g, '')
    .replace(/ expires [\dwdhms]+/g, '')
    .replace(/ timeout \d+/g, '');
}
