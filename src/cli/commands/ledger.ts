import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as archive } from './ledger/archive.ts';
import { define as checkpoint } from './ledger/checkpoint.ts';
import { define as exportRecords } from './ledger/export.ts';
import { define as prove } from './ledger/prove.ts';
import { define as rotate } from './ledger/rotate.ts';
import { define as verify } from './ledger/verify.ts';

/** Verbs of `quietdoor ledger`, one file each in the folder beside this one. */
const verbs: ReadonlyArray<(parent: Command) => void> = [verify, checkpoint, prove, exportRecords, archive, rotate];

export function define(command: Command): void {
  for (const verb of verbs) verb(command);
  withExamples(command, [['quietdoor ledger verify', 'check that no record was altered']]);
}
