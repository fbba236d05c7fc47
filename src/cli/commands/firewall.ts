import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as admitted } from './firewall/admitted.ts';
import { define as generate } from './firewall/generate.ts';

/** Verbs of `quietdoor firewall`, one file each in the folder beside this one. */
const verbs: ReadonlyArray<(parent: Command) => void> = [admitted, generate];

export function define(command: Command): void {
  for (const verb of verbs) verb(command);
  withExamples(command, [['quietdoor firewall show web-1:443', 'who can open a connection to a port, and why']]);
}
