import { ALL_IPV4, ALL_IPV6, difference, intersection, toCidrs } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import { count } from '../util/words.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Column, paint, renderTable, wrap } from './text-table.ts';
import { isoTime } from './time.ts';

/** Somebody who gains or loses access to ports. Sources as CIDRs. */
export interface PlannedChange {
  readonly transport: string;
  /** `22` or `6000-6010`. */
  readonly ports: string;
  readonly gained: readonly string[];
  readonly lost: readonly string[];
  readonly undecided: readonly string[];
  /** Ports among them that something listens on here (TCP). */
  readonly listening: readonly number[];
}

/** Ports that stay open to somebody by a way which the planned rules do not see: packets that are sent on. */
export interface PlannedOpening {
  readonly transport: string;
  readonly ports: string;
  readonly sources: readonly string[];
}

/** A connection that stands now and that the rules would not let in anew. */
export interface PlannedCut {
  readonly peer: string;
  readonly local: string;
  readonly port: number;
  /** `may`: rules of another tool that cannot be decided say. */
  readonly certainty: 'is' | 'may';
}

/** What is approved and stays blocked by rules that are not ours. */
export interface PlannedBlock {
  readonly entry: string;
  readonly transport: string;
  readonly port: number;
  readonly sources: readonly string[];
  /** The rule, and whose tool wrote it. */
  readonly rule: string;
  readonly tool: string | null;
}

/** What applying generated rules to this machine would do. */
export interface FirewallPlan {
  readonly schemaVersion: 1;
  /** `sha256:...` over host, target, mode, register, rules and live rules: what `apply` is held to. */
  readonly digest: string;
  readonly host: string;
  readonly target: string;
  readonly mode: string;
  readonly include: string;
  readonly logAccepted: boolean;
  /** UTC milliseconds. */
  readonly madeAt: number;
  /** Digest of the register. */
  readonly register: string;
  /** Names what the rules in force mean. */
  readonly live: string;
  readonly files: ReadonlyArray<{ readonly path: string; readonly text: string }>;
  /** Rules of ours are in force already. */
  readonly replaces: boolean;
  readonly access: ReadonlyArray<{
    readonly entry: string;
    readonly transport: string;
    readonly ports: string;
    readonly scope: string;
    readonly sources: readonly string[];
  }>;
  readonly leftOut: ReadonlyArray<{ readonly entry: string; readonly reason: string }>;
  readonly changes: readonly PlannedChange[];
  /** Why who gains and who loses is not known for certain, a sentence each; empty: it is, but for what is `undecided`. */
  readonly doubts: readonly string[];
  /** What stays open although these rules alone would not let it in. */
  readonly open: readonly PlannedOpening[];
  readonly cuts: readonly PlannedCut[];
  readonly blocked: readonly PlannedBlock[];
  /** Why applying it would lock out who applies it, a sentence each. */
  readonly lockouts: readonly string[];
  /** What else should be known before, a sentence each. */
  readonly warnings: readonly string[];
  /** How it would be kept over a restart; null: this machine has no place for it. */
  readonly persist: string | null;
}

/** A plan as `table` or `json`. */
export function renderFirewallPlan(plan: FirewallPlan, format: string, options: RenderOptions): string {
  if (format === 'json') return `${printableJson({ ...plan, madeAt: isoTime(plan.madeAt) }, 2)}\n`;
  if (format !== 'table') throw new Error(`a plan has no format ${format}`);
  const { color, width } = options;
  const head = (text: string) => ['', paint('bold', text, color)];
  const list = (lines: readonly string[]) =>
    lines.flatMap((line) => wrap(line, width - 4).map((part, i) => `${i === 0 ? '  - ' : '    '}${part}`));
  const lines = [
    paint(
      'bold',
      `Plan ${shortPlan(plan.digest)}: rules of ${plan.target} for ${printable(plan.host)}, mode ${plan.mode}`,
      color,
    ),
    ...wrap(
      `${plan.replaces ? 'Replaces our own rules' : 'Adds our own rules'} by register ${plan.register.replace('sha256:', '').slice(0, 6)}; nothing of another tool is touched.`,
      width,
    ),
  ];
  if (plan.lockouts.length > 0) lines.push('', paint('red', 'This would lock you out:', color), ...list(plan.lockouts));
  lines.push(...head(`Let in: ${count(plan.access.length, 'approved access', 'approved accesses')}`));
  if (plan.access.length > 0)
    lines.push(
      ...renderTable(
        ACCESS,
        plan.access.map((a) => [a.entry, `${a.transport}/${a.ports}`, sourceWords(a.sources), a.scope]),
        { ...options, indent: '  ' },
      ),
    );
  lines.push(
    ...head(
      `Who gains and who loses access: ${plan.doubts.length > 0 && plan.changes.length === 0 ? 'not known' : count(plan.changes.length, 'change')}`,
    ),
  );
  if (plan.doubts.length > 0) lines.push(...list(plan.doubts));
  if (plan.changes.length > 0)
    lines.push(...renderTable(CHANGES, plan.changes.flatMap(changeRows), { ...options, indent: '  ' }));
  if (plan.open.length > 0)
    lines.push(
      ...head('Stays open all the same: published ports of containers and other packets that are sent on'),
      ...renderTable(
        OPEN,
        plan.open.slice(0, MOST_ROWS).map((o) => [`${o.transport}/${o.ports}`, sourceWords(o.sources)]),
        { ...options, indent: '  ' },
      ),
      ...(plan.open.length > MOST_ROWS ? [`  … and ${plan.open.length - MOST_ROWS} more (--format json)`] : []),
      '  By which way and rules: quietdoor firewall show :PORT',
    );
  lines.push(...head(`Connections that stand and would not be let in again: ${plan.cuts.length}`));
  if (plan.cuts.length > 0)
    lines.push(
      ...renderTable(
        CUTS,
        plan.cuts.slice(0, MOST_ROWS).map((c) => [c.peer, `${c.local}:${c.port}`, c.certainty === 'is' ? '' : 'may']),
        { ...options, indent: '  ' },
      ),
      ...(plan.cuts.length > MOST_ROWS ? [`  … and ${plan.cuts.length - MOST_ROWS} more (--format json)`] : []),
    );
  if (plan.blocked.length > 0)
    lines.push(
      ...head('Approved, and still blocked by rules that are not ours'),
      ...list(
        plan.blocked.map(
          (b) =>
            `${b.entry} ${b.transport}/${b.port} from ${sourceWords(b.sources)}: ${b.tool === null ? '' : `${b.tool}, `}${b.rule}`,
        ),
      ),
    );
  if (plan.leftOut.length > 0)
    lines.push(
      ...head('Entries that no rules are made of'),
      ...list(plan.leftOut.map((l) => `${l.entry}: ${l.reason}`)),
    );
  if (plan.warnings.length > 0) lines.push(...head('To know before'), ...list(plan.warnings));
  lines.push(
    ...head('Kept over a restart'),
    ...wrap(
      plan.persist ?? 'No place was found that this machine loads rules from: they hold until it restarts.',
      width - 2,
    ).map((line) => `  ${line}`),
  );
  return `${lines.join('\n')}\n`;
}

/** The first twelve digits, by which people name a plan. */
export function shortPlan(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

const MOST_ROWS = 20;

const ACCESS: readonly Column[] = [
  { title: 'entry', min: 8 },
  { title: 'port' },
  { title: 'from', min: 12 },
  { title: 'scope', optional: true },
];

const CHANGES: readonly Column[] = [
  { title: 'port' },
  { title: '', style: (text) => (text.startsWith('gains') ? 'green' : text.startsWith('loses') ? 'yellow' : 'gray') },
  { title: 'who', min: 20 },
  { title: 'listens here', optional: true },
];

const OPEN: readonly Column[] = [{ title: 'port' }, { title: 'from', min: 20 }];

const CUTS: readonly Column[] = [{ title: 'from', min: 12 }, { title: 'to' }, { title: '' }];

function changeRows(change: PlannedChange): string[][] {
  const port = `${change.transport}/${change.ports}`;
  return (
    [
      ['gains', change.gained],
      ['loses', change.lost],
      ['not decided', change.undecided],
    ] as const
  )
    .filter(([, sources]) => sources.length > 0)
    .map(([what, sources]) => [port, what, sourceWords(sources), portWords(change.listening)]);
}

function portWords(ports: readonly number[]): string {
  return ports.length > 6 ? `${ports.slice(0, 6).join(', ')} and ${ports.length - 6} more` : ports.join(', ');
}

/** The shorter of who it is and who it is not. */
function sourceWords(sources: readonly string[]): string {
  if (sources.length === 0) return 'nobody from outside the host';
  const set = fromCidrs(sources);
  const words = (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const all = family === 'ipv4' ? ALL_IPV4 : ALL_IPV6;
    const held = toCidrs(intersection(set, all));
    // Loopback is nobody from elsewhere: without it is as good as all.
    const missing = toCidrs(difference(difference(all, set), OWN));
    const name = family === 'ipv4' ? 'IPv4' : 'IPv6';
    if (held.length === 0) return [];
    if (missing.length === 0) return [`all of ${name}`];
    return missing.length < held.length ? [`all of ${name} but ${short(missing)}`] : [short(held)];
  });
  return words.join(words.some((w) => w.includes(' but ')) ? '; ' : ', ');
}

const OWN = fromCidrs(['127.0.0.0/8', '::1/128']);

function short(cidrs: readonly string[]): string {
  return cidrs.length > 8 ? `${cidrs.slice(0, 8).join(', ')} and ${cidrs.length - 8} more` : cidrs.join(', ');
}
