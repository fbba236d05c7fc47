import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as admitted } from './firewall/admitted.ts';
import { define as apply } from './firewall/apply.ts';
import { define as confirm } from './firewall/confirm.ts';
import { define as drop } from './firewall/drop.ts';
import { define as dropIn } from './firewall/drop-in.ts';
import { define as generate } from './firewall/generate.ts';
import { define as importFiles } from './firewall/import.ts';
import { settleFirst } from './firewall/overdue.ts';
import { define as plan } from './firewall/plan.ts';
import { define as rollback } from './firewall/rollback.ts';
import { define as show } from './firewall/show.ts';
import { define as test } from './firewall/test.ts';
import { define as tighten } from './firewall/tighten.ts';
import { define as verify } from './firewall/verify.ts';

/** Verbs of `quietdoor firewall`, one file each in the folder beside this one. */
const verbs: ReadonlyArray<(parent: Command) => void> = [
  show,
  verify,
  test,
  admitted,
  importFiles,
  drop,
  generate,
  plan,
  apply,
  confirm,
  rollback,
  dropIn,
  tighten,
];

export function define(command: Command): void {
  for (const verb of verbs) verb(command);
  command.hook('preAction', settleFirst);
  withExamples(command, [
    ['sudo quietdoor firewall show :22', 'who can open a connection to a port, and why'],
    ['sudo quietdoor firewall verify', 'who may beside who can, for everything that listens here'],
    ['quietdoor firewall admitted --ruleset FILE --endpoint tcp/22', 'the same question to files of any host'],
  ]);
}
