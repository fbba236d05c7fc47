import { formatPosition } from '../model/errors.ts';
import type { Policy, RegisterEntry } from '../model/register.ts';
import { listWords } from '../util/words.ts';

/**
 * The step of a remedy that has an entry approved, so that following it leads to no further finding: signed, and by
 * somebody who may. Goes on after "then" or "and"; ends in the command.
 */
export function approveStep(id: string, { approvers }: Policy): string {
  const who = approvers.length === 0 ? 'an approver' : `one of policy.approvers (${listWords(approvers, 3)})`;
  return `have ${who} other than its last author sign it: quietdoor register approve ${id} --sign`;
}

/** `register/ports.yaml:12:5`, where the entry is written. */
export function placeOf(entry: RegisterEntry): string {
  return formatPosition(entry.at);
}

/** A word for a POSIX shell: as it is where nothing in it is special, else in single quotes. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * A text as a YAML value of a block or flow map: plain where that is safe, else double-quoted, whose escapes are those of
 * JSON (YAML 1.2.2, 5.7).
 */
export function yamlValue(text: string): string {
  return /^[A-Za-z/][\w./@+-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
