import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as anomalies } from './flows/anomalies.ts';
import { define as backtest } from './flows/backtest.ts';
import { define as collect } from './flows/collect.ts';
import { define as compact } from './flows/compact.ts';
import { define as feeds } from './flows/feeds.ts';
import { define as importFiles } from './flows/import.ts';
import { define as top } from './flows/top.ts';

/** Verbs of `quietdoor flows`, one file each in the folder beside this one. */
const verbs: ReadonlyArray<(parent: Command) => void> = [
  importFiles,
  collect,
  top,
  feeds,
  compact,
  anomalies,
  backtest,
];

export function define(command: Command): void {
  for (const verb of verbs) verb(command);
  withExamples(command, [
    ['quietdoor flows import vpc.log.gz', 'take in a flow log: who connected to what, and how much'],
    ['zcat conn.*.log.gz | quietdoor flows import -', 'the same from a pipe'],
    ['quietdoor flows import --as help', 'every format that is known'],
  ]);
}
