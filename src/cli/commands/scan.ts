import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as local } from './scan/local.ts';

/** Verbs of `quietdoor scan`, one file each. */
export function define(command: Command): void {
  for (const verb of [local]) verb(command);
  withExamples(command, [['sudo quietdoor scan', 'this machine, every owner visible']]);
}
