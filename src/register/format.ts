import type { RegisterProblem } from '../model/register.ts';
import { formatEntry } from './format-entry.ts';
import { parseRegisterFile } from './load-register.ts';
import { splitLists } from './yaml-parts.ts';

/**
 * Returns a register file in its canonical form: keys in the order of the schema, addresses, ports, times and durations
 * in their one spelling, lists on one line sorted. Comments and everything that is canonical already keep their bytes,
 * and so does an entry that has an error (`problems` says which). The meaning never changes, and formatting twice
 * changes nothing more.
 */
export function formatRegisterFile(
  text: string,
  file: string,
): { readonly text: string; readonly problems: readonly RegisterProblem[] } {
  const { problems } = parseRegisterFile(text, file, { zones: null, brokenZones: [], inheritedFrom: null });
  let formatted = '';
  for (const { list, text: piece } of splitLists(text, ['ports']))
    formatted += list === null ? piece : formatEntry(piece);
  if (formatted !== '' && !formatted.endsWith('\n')) formatted += '\n';
  return { text: formatted, problems };
}
