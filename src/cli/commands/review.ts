import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as log } from './review/log.ts';

/** Verbs of `quietdoor review`, one file each in the folder beside this one. */
const verbs: ReadonlyArray<(parent: Command) => void> = [log];

export function define(command: Command): void {
  for (const verb of verbs) verb(command);
  withExamples(command, [['quietdoor review log -o sitting.yaml', 'what is to be reviewed since the last sitting']]);
}
