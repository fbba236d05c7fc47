import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as due } from './scan/due.ts';
import { define as local } from './scan/local.ts';
import { define as network } from './scan/network.ts';
import { define as ssh } from './scan/ssh.ts';

/** Verbs of `quietdoor scan`, one file each. */
export function define(command: Command): void {
  for (const verb of [local, network, ssh, due]) verb(command);
  withExamples(command, [['sudo quietdoor scan', 'this machine, every owner visible']]);
}
