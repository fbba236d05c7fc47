import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/** Settings of connection tracking in the network namespace of this process. Null: they cannot be read. */
export interface ConntrackFacts {
  /** Packets and bytes are counted. */
  readonly accounting: boolean | null;
  /** The time that a connection began is kept. */
  readonly timestamps: boolean | null;
  /** Connections in the table, and how many fit. */
  readonly count: number | null;
  readonly most: number | null;
  /**
   * Says whether a rule of the packet filter makes the kernel track connections here. `no`: no event can come. `unknown`:
   * the rules could not be read.
   */
  readonly isTracking: 'yes' | 'no' | 'unknown';
}

export const CONNTRACK_SYSCTLS = '/proc/sys/net/netfilter';
const MOST_RULES = 64 * 1024 * 1024;

/** Words of rules that need connection tracking, as nft and iptables-save print them. */
const NEEDS_TRACKING =
  /\bct (state|status|mark|direction|original|reply|count|zone|helper|timeout|id|bytes|packets|avgpkt|expiration|l3proto|protocol|label|event|set)\b|\b(masquerade|snat|dnat|redirect|synproxy|notrack)\b|flow (add|offload) @|-m (conntrack|state|connlimit|connmark|connbytes|helper)\b|-j (MASQUERADE|SNAT|DNAT|REDIRECT|NETMAP|CONNMARK|CT)\b|xt (match|target) "?(conntrack|state|MASQUERADE|SNAT|DNAT|REDIRECT)/i;

/** Looks at the settings; changes nothing. */
export async function readConntrackFacts(): Promise<ConntrackFacts> {
  const count = readNumber('nf_conntrack_count');
  return {
    accounting: flag(readNumber('nf_conntrack_acct')),
    timestamps: flag(readNumber('nf_conntrack_timestamp')),
    count,
    most: readNumber('nf_conntrack_max'),
    isTracking: count !== null && count > 0 ? 'yes' : await readRules(),
  };
}

/** A name for the network namespace of this process; null: it cannot be told. */
export function networkNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/net');
  } catch {
    return null;
  }
}

/** Says whether the text of a packet filter uses connection tracking. */
export function usesTracking(rules: string): boolean {
  return NEEDS_TRACKING.test(rules);
}

async function readRules(): Promise<'yes' | 'no' | 'unknown'> {
  const outputs = await Promise.all([
    output('nft', ['list', 'ruleset']),
    output('iptables-legacy-save', []),
    output('ip6tables-legacy-save', []),
  ]);
  if (outputs.some((text) => text !== null && usesTracking(text))) return 'yes';
  // nft shows what iptables-nft made as well; the old tables can only exist where the old tools were loaded.
  return outputs[0] === null ? 'unknown' : 'no';
}

function output(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: MOST_RULES, timeout: 10_000 }, (error, stdout) =>
      resolve(error ? null : stdout),
    );
  });
}

function readNumber(name: string): number | null {
  try {
    const text = readFileSync(`${CONNTRACK_SYSCTLS}/${name}`, 'latin1').trim();
    return /^\d+$/.test(text) ? Number(text) : null;
  } catch {
    return null;
  }
}

function flag(value: number | null): boolean | null {
  return value === null ? null : value !== 0;
}
