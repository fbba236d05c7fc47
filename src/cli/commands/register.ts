import type { Command } from 'commander';
import { withExamples } from '../options.ts';
import { define as approve } from './register/approve.ts';
import { define as codeowners } from './register/codeowners.ts';
import { define as diff } from './register/diff.ts';
import { define as draft } from './register/draft.ts';
import { define as fmt } from './register/fmt.ts';
import { define as lint } from './register/lint.ts';
import { define as list } from './register/list.ts';
import { define as review } from './register/review.ts';
import { define as schema } from './register/schema.ts';

/** Verbs of `quietdoor register`, one file each. */
export function define(command: Command): void {
  for (const verb of [draft, lint, fmt, list, diff, approve, review, codeowners, schema]) verb(command);
  withExamples(command, [
    ['quietdoor register draft', 'entries for what listens and is not registered'],
    ['quietdoor register lint', 'what is wrong or missing, with file:line:column'],
    ['quietdoor register diff main', 'what changed in meaning since a git revision'],
    ['quietdoor register approve pg-orders --sign', 'approve, with your SSH key'],
  ]);
}
