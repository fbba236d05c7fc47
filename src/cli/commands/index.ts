import type { Command } from 'commander';

/** One command of the command line. `define` adds arguments, options, examples and the action. */
export interface CommandModule {
  define(command: Command): void;
}

/** Every command: one line here, one file beside it. Loaded when asked for, so that the others cost nothing. */
export const commands: Readonly<Record<string, { summary: string; load: () => Promise<CommandModule> }>> = {
  quickstart: {
    summary: 'inventory, register draft, checks and report of this machine, in one go',
    load: () => import('./quickstart.ts'),
  },
  init: { summary: 'make a workspace', load: () => import('./init.ts') },
  scan: { summary: 'look at what listens and record it', load: () => import('./scan.ts') },
  import: { summary: 'take over what other scanners and inventories saw', load: () => import('./import.ts') },
  assets: {
    summary: 'inventories (CMDB): what machines there are said to be, beside what is observed',
    load: () => import('./assets.ts'),
  },
  changes: {
    summary: 'change tickets: what was allowed to change, where and when',
    load: () => import('./changes.ts'),
  },
  flows: { summary: 'flow logs: who connects to what, over time', load: () => import('./flows.ts') },
  declared: {
    summary: 'ports that deployment files and security plans declare (list, drop)',
    load: () => import('./declared.ts'),
  },
  register: {
    summary: 'draft, lint, fmt, list, diff, approve, review the register of approved ports',
    load: () => import('./register.ts'),
  },
  check: { summary: 'compare what is approved with what is observed; findings', load: () => import('./check.ts') },
  explain: { summary: 'everything known about one port, or about a rule', load: () => import('./explain.ts') },
  close: {
    summary: 'stop what listens on a port and keep it from starting again; a plan first',
    load: () => import('./close.ts'),
  },
  watch: {
    summary: 'tell of what opens, closes and changes on this machine, at once',
    load: () => import('./watch.ts'),
  },
  events: { summary: 'what opened, closed and changed, newest first', load: () => import('./events.ts') },
  review: {
    summary: 'periodic reviews by people: the records, alerts and unusual patterns (log)',
    load: () => import('./review.ts'),
  },
  alerts: {
    summary: 'who is told of trouble: run, list, show, ack, snooze, resolve, maintenance, test, dead',
    load: () => import('./alerts.ts'),
  },
  ledger: {
    summary: 'prove that the record of events was not altered (verify, checkpoint, prove, export, archive, rotate)',
    load: () => import('./ledger.ts'),
  },
  firewall: {
    summary: 'who can open a connection to which port, by the packet filters of a host',
    load: () => import('./firewall.ts'),
  },
  report: { summary: 'a self-contained HTML report for people', load: () => import('./report.ts') },
  config: { summary: 'settings in force and where each comes from', load: () => import('./config.ts') },
  doctor: { summary: 'what this machine allows and lacks', load: () => import('./doctor.ts') },
  completion: { summary: 'completion script for bash, zsh or fish', load: () => import('./completion.ts') },
};
