import { NO_STATEMENTS } from '../model/ruleset.ts';
import type { Dialect } from './dialect.ts';

/** `iptables-save` and `ip6tables-save`, of the legacy and the nf_tables variant. */
export const iptables: Dialect = {
  id: 'iptables-save',
  title: 'iptables-save, ip6tables-save',
  detect: (text) => /^\*(filter|nat|mangle|raw|security)[ \t]*\r?$/m.test(text),
  read: () => ({ layers: [], statements: NO_STATEMENTS, notes: [], incomplete: 'not built yet' }),
};
