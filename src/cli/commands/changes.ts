import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as drop } from './changes/drop.ts';
import { define as importChanges } from './changes/import.ts';
import { define as list } from './changes/list.ts';

/** Verbs of `quietdoor changes`, one file each. */
export function define(command: Command): void {
  for (const verb of [importChanges, list, drop]) verb(command);
  withExamples(command, [
    ['quietdoor changes import changes.csv --time-zone Europe/Berlin', 'an export of Jira or ServiceNow'],
    ['quietdoor changes', 'every ticket: what it allows, where and when'],
    ['quietdoor check', 'changes that no ticket allows, tickets whose change never came'],
  ]);
}
