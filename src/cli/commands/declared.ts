import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as drop } from './declared/drop.ts';
import { define as list } from './declared/list.ts';

/** Verbs of `quietdoor declared`, one file each. */
export function define(command: Command): void {
  for (const verb of [list, drop]) verb(command);
  withExamples(command, [
    ['quietdoor import compose.yaml --host web-1', 'take over what a file declares'],
    ['helm template web ./chart | quietdoor import -', 'the same from a rendered chart'],
    ['quietdoor declared', 'everything that is declared'],
    ['quietdoor declared drop compose.yaml', 'forget a file'],
  ]);
}
