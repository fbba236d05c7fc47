import type { StatementCounts, StatementNote } from '../model/ruleset.ts';
import type { IpSet, RulesetFile } from './dialect.ts';
import { IpSetBuilder } from './ipset-builder.ts';
import { printable } from './untrusted.ts';

/** What a file of `ipset save` holds. */
export interface IpSetReading {
  readonly sets: readonly IpSet[];
  readonly statements: StatementCounts;
  readonly notes: readonly StatementNote[];
  readonly incomplete: string | null;
  readonly assumptions: readonly string[];
}

/** Says whether a text is of `ipset save` (or `ipset list -o save`). */
export function isIpSetFile(text: string): boolean {
  return /^(?:#[^\n]*\n|\s)*(?:create|-N)[ \t]+\S+[ \t]+(?:hash|bitmap|list):[a-z,]+/.test(text.slice(0, 65536));
}

/** Most notes that one file may cause; the counts stay whole. */
const MOST_NOTES = 200;

/** Reads `ipset save`: `create NAME TYPE OPTIONS` and `add NAME ELEMENT OPTIONS`, one a line. Never throws. */
export function readIpSets(file: RulesetFile): IpSetReading {
  const builders = new Map<string, IpSetBuilder>();
  const notes: StatementNote[] = [];
  const counts = { modelled: 0, irrelevant: 0, unsupported: 0, unrecognised: 0 };
  let last: IpSetBuilder | null = null;
  let lost: string | null = null;
  const { text } = file;
  let line = 0;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf('\n', from);
    const to = newline < 0 ? text.length : newline;
    line++;
    const statement = text.slice(from, to).trimEnd();
    from = to + 1;
    if (statement === '' || statement.startsWith('#') || statement === 'COMMIT') continue;

    const note = (status: StatementNote['status'], reason: string): void => {
      counts[status]++;
      if (notes.length < MOST_NOTES)
        notes.push({ status, text: printable(statement), reason, at: { file: file.name, line }, rule: null });
    };
    // Comments stand in quotes and cannot hold any; `\` means nothing in them.
    const plain = statement.includes('"') ? statement.replace(/ comment "[^"]*"/, '') : statement;
    const words: readonly string[] | null = plain.includes('"') ? null : plain.split(' ');
    const [verb = '', name = '', what = ''] = words ?? [];
    const builder = builders.get(name);
    if (words === null) {
      lost ??= `line ${line} has a text that is not closed`;
      note('unrecognised', 'a text in it is not closed');
    } else if (verb === 'create' || verb === '-N') {
      if (builder !== undefined) {
        builder.doubt('it is created twice');
        note('unrecognised', `the set ${name} is there already`);
        continue;
      }
      last = new IpSetBuilder(name, what, words.slice(3));
      builders.set(name, last);
      if (last.problem === null) counts.modelled++;
      else note('unsupported', last.problem);
    } else if ((verb === 'add' || verb === '-A') && builder !== undefined) {
      last = builder;
      const problem = builder.add(what, words);
      if (problem === null) counts.modelled++;
      else note('unrecognised', problem);
    } else if (builder !== undefined) {
      builder.doubt(`line ${line} was not understood`);
      note('unrecognised', 'neither "create" nor "add"');
    } else {
      lost ??= `line ${line} was not understood`;
      note('unrecognised', verb === 'add' ? `no set ${printable(name, 60)} was created before` : 'not of ipset save');
    }
  }
  // A cut-off address is often an address too: 10.0.0.12 and 10.0.0.1.
  if (text !== '' && !text.endsWith('\n'))
    last?.doubt('the file may end in the middle of it: its last line has no end');
  const built = [...builders.values()];
  const timed = built.filter((builder) => builder.timed).map((builder) => builder.name);
  return {
    sets: built.map((builder) => builder.build()),
    statements: counts,
    notes,
    incomplete: lost,
    assumptions:
      timed.length === 0
        ? []
        : [
            `Members of ${listNames(timed)} come and go with a timeout: they are taken as they were when the set was listed.`,
          ],
  };
}

function listNames(names: readonly string[]): string {
  const shown = names
    .slice(0, 5)
    .map((name) => printable(name, 40))
    .join(', ');
  return `the ipset${names.length === 1 ? '' : 's'} ${shown}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
}
