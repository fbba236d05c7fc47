import { matchesGlob } from '../util/glob.ts';
import type { Listener, ProcessFacts } from './listener.ts';
import type { ProcessRule } from './register.ts';
import type { ListenerState } from './state.ts';

/** A field in which a process is another than the entry says. */
export interface ProcessDifference {
  readonly field: keyof ProcessRule;
  readonly approved: string;
  readonly observed: string;
  readonly pid: number;
}

export interface ProcessComparison {
  readonly differences: readonly ProcessDifference[];
  /** Fields that the entry names and that were not visible: neither a match nor a difference. */
  readonly unknown: readonly (keyof ProcessRule)[];
}

const FIELDS = ['exe', 'user', 'unit', 'package', 'sha256'] as const;

/** Every process known to hold the listening socket, the oldest first; empty where none is visible. */
export function holdersOf(listener: Listener): readonly ProcessFacts[] {
  return listener.process === null ? listener.sharedWith : [listener.process, ...listener.sharedWith];
}

/** Says whether a process known to hold one of the sockets fulfils a condition. */
export function someHolder(states: readonly ListenerState[], is: (process: ProcessFacts) => boolean): boolean {
  for (const { listener } of states)
    if ((listener.process !== null && is(listener.process)) || listener.sharedWith.some(is)) return true;
  return false;
}

/** systemd as pid 1: it opens sockets for the services it starts (systemd.socket(5)) and keeps holding them. */
export function isSocketActivator(process: ProcessFacts): boolean {
  return process.pid === 1 && (process.name === 'systemd' || (process.exe?.endsWith('/systemd') ?? false));
}

const NO_DIFFERENCE: ProcessComparison = { differences: [], unknown: [] };

/** Says whether a rule restricts a field; an empty list of hashes restricts nothing. */
function isNamed(rule: ProcessRule, field: keyof ProcessRule): boolean {
  return field === 'sha256' ? (rule.sha256?.length ?? 0) > 0 : rule[field] !== undefined;
}

/**
 * Compares the processes behind a listener with what an entry says of them, field by field and only where both sides
 * know it. The user is compared for the oldest holder alone, as servers start as root and give the socket to workers.
 */
export function compareProcess(rule: ProcessRule, listener: Listener): ProcessComparison {
  if (isPlainMatch(rule, listener)) return NO_DIFFERENCE;
  const named = FIELDS.filter((field) => isNamed(rule, field));
  if (named.length === 0) return NO_DIFFERENCE;
  const holders = judgedHolders(rule, listener);
  if (holders.length === 0) return { differences: [], unknown: named };
  const differences: ProcessDifference[] = [];
  const unknown = new Set<keyof ProcessRule>();
  if (listener.process === null) for (const field of named) unknown.add(field);
  for (const [i, holder] of holders.entries()) {
    for (const field of named) {
      if (field === 'user' && i > 0) continue;
      const observed = observedValue(rule, field, holder);
      if (observed === undefined) unknown.add(field);
      else if (!matches(rule, field, observed))
        differences.push({ field, approved: approvedText(rule, field), observed, pid: holder.pid });
    }
  }
  return differences.length + unknown.size === 0 ? NO_DIFFERENCE : { differences, unknown: [...unknown] };
}

/** The usual case, decided without further ado: one holder, and every named field is known and right. */
function isPlainMatch(rule: ProcessRule, listener: Listener): boolean {
  const { process, sharedWith } = listener;
  if (process === null || sharedWith.length > 0 || isSocketActivator(process)) return false;
  for (const field of FIELDS) {
    if (!isNamed(rule, field)) continue;
    const observed = observedValue(rule, field, process);
    if (observed === undefined || !matches(rule, field, observed)) return false;
  }
  return true;
}

/**
 * systemd is judged only where the entry names it; else the service that it started is. Before it has started one,
 * nobody can be judged: which program will answer is not visible.
 */
function judgedHolders(rule: ProcessRule, listener: Listener): readonly ProcessFacts[] {
  const holders = holdersOf(listener);
  if (!holders.some(isSocketActivator)) return holders;
  const activators = holders.filter(isSocketActivator);
  const isNamed = ({ exe }: ProcessFacts) => rule.exe !== undefined && exe !== undefined && matchesGlob(rule.exe, exe);
  if (activators.some(isNamed)) return activators;
  return holders.filter((holder) => !isSocketActivator(holder));
}

function observedValue(rule: ProcessRule, field: keyof ProcessRule, process: ProcessFacts): string | undefined {
  switch (field) {
    case 'exe':
    case 'unit':
    case 'sha256':
      return process[field];
    case 'user':
      return /^\d+$/.test(rule.user ?? '') ? process.uid?.toString() : process.user;
    case 'package':
      return process.package?.name;
  }
}

function matches(rule: ProcessRule, field: keyof ProcessRule, observed: string): boolean {
  if (field === 'sha256') return rule.sha256?.includes(observed) ?? true;
  const pattern = rule[field];
  return pattern === undefined || matchesGlob(pattern, observed);
}

function approvedText(rule: ProcessRule, field: keyof ProcessRule): string {
  return field === 'sha256' ? (rule.sha256 ?? []).join(' or ') : (rule[field] ?? '');
}
