import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as drop } from './assets/drop.ts';
import { define as importAssets } from './assets/import.ts';
import { define as list } from './assets/list.ts';

/** Verbs of `quietdoor assets`, one file each. */
export function define(command: Command): void {
  for (const verb of [importAssets, list, drop]) verb(command);
  withExamples(command, [
    ['quietdoor assets import devices.json vms.json addresses.json', 'from NetBox'],
    ['quietdoor assets', 'every asset, and when it was last observed'],
    ['quietdoor check', 'hosts that no asset list knows, assets that nobody observes'],
  ]);
}
