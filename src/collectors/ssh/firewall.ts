import type { RulesetDump } from '../../model/admission.ts';
import {
  type DumpOrigin,
  dumpOf,
  FIREWALL_PROGRAMS,
  legacyTables,
  notTaken,
  type ProgramOutput,
} from '../linux/firewall-dump.ts';
import type { Section } from './sections.ts';

/** The packet filters that the probe printed. Nothing in them is trusted to be true, only bounded. */
export function readFirewall(sections: readonly Section[], origin: DumpOrigin): RulesetDump {
  const uid = sections.find((s) => s.kind === 'begin')?.words[1];
  if (uid !== '0') return notTaken(origin, 'packet filters can only be read as root: add --sudo');
  const outputs = new Map<string, ProgramOutput>();
  for (const { kind, words, body } of sections) {
    const [status, ...command] = words;
    if (kind !== 'rules' || !isStatus(status)) continue;
    const name = nameOf(command.join(' '));
    if (name === undefined || outputs.has(name)) continue;
    const text = body.toString('utf8');
    outputs.set(name, status === 'ok' ? { status, text, error: '' } : { status, text: '', error: text.slice(0, 300) });
  }
  if (!sections.some((s) => s.kind === 'nftables'))
    return notTaken(origin, 'the look broke off before the packet filters');
  const tables = sections.find((s) => s.kind === 'nftables')?.words[0];
  const legacyIpv4 = legacyTables(textOf(sections, '/proc/net/ip_tables_names'));
  const legacyIpv6 = legacyTables(textOf(sections, '/proc/net/ip6_tables_names'));
  return dumpOf(origin, outputs, {
    ...{ legacyIpv4, legacyIpv6 },
    hasNfTables: tables === 'yes' ? true : tables === 'no' ? false : null,
  });
}

function isStatus(
  word: string | undefined,
): word is ProgramOutput['status'] & ('ok' | 'missing' | 'failed' | 'too-long') {
  return word === 'ok' || word === 'missing' || word === 'failed' || word === 'too-long';
}

/** The name that the output of a command goes by; undefined where nobody asked for it. */
function nameOf(command: string): string | undefined {
  return FIREWALL_PROGRAMS.find(({ ways }) => ways.some((way) => way.join(' ') === command))?.name;
}

/** Empty where the probe printed no such file: root reads whatever is there. */
function textOf(sections: readonly Section[], path: string): string {
  return sections.find((s) => s.kind === 'file' && s.words[0] === path)?.body.toString('latin1') ?? '';
}
