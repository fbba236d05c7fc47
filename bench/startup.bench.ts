// Start of the program against the start of bare Node, by turns in one run.
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { median, printTable } from './measure.ts';

const executable = join(resolve(import.meta.dirname, '..'), 'bin/quietdoor.js');
const cases: Record<string, readonly string[]> = {
  'bare Node: node -e 0': ['-e', '0'],
  'quietdoor --version': [executable, '--version'],
  'quietdoor --help': [executable, '--help'],
  'quietdoor explain wrong-process': [executable, 'explain', 'wrong-process'],
};
const times: Record<string, number[]> = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let round = 0; round < 12; round++)
  for (const [name, args] of Object.entries(cases)) {
    const started = performance.now();
    execFileSync(process.execPath, args, { stdio: 'ignore' });
    if (round > 0) times[name]?.push(performance.now() - started); // the first fills the compile cache
  }
const bare = median(times['bare Node: node -e 0'] as number[]);
printTable(
  ['case', 'ms (median of 11)', '× bare'],
  Object.entries(times).map(([name, ms]) => [name, median(ms).toFixed(0), (median(ms) / bare).toFixed(2)]),
);
