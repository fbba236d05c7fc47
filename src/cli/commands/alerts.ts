import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as ack } from './alerts/ack.ts';
import { define as dead } from './alerts/dead.ts';
import { define as list } from './alerts/list.ts';
import { define as maintenance } from './alerts/maintenance.ts';
import { define as resolve } from './alerts/resolve.ts';
import { define as run } from './alerts/run.ts';
import { define as show } from './alerts/show.ts';
import { define as snooze } from './alerts/snooze.ts';
import { define as test } from './alerts/test.ts';

/** Verbs of `quietdoor alerts`, one file each in the folder beside this one. */
const verbs: ReadonlyArray<(parent: Command) => void> = [
  ...[run, list, show, ack, snooze, resolve, maintenance, test, dead],
];

export function define(command: Command): void {
  for (const verb of verbs) verb(command);
  withExamples(command, [
    ['quietdoor alerts run', 'what a timer calls every few minutes'],
    ['quietdoor alerts', 'what is open, and who has it'],
    ['quietdoor alerts show Q-7K3M2', 'why, since when, who was told'],
  ]);
}
