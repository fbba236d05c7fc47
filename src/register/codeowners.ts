import { posix } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { Register } from '../model/register.ts';
import { compareText } from '../util/compare.ts';

const BEGIN = '# quietdoor: begin (written by quietdoor register codeowners; change the register instead)';
const END = '# quietdoor: end';
const BEGIN_MARK = '# quietdoor: begin';

/** Files whose change is a change of policy: who may approve, what zones hold, what is accepted, who is trusted. */
const POLICY_FILES = ['allowed_signers', 'exceptions.yaml', 'quietdoor.yaml'];

/**
 * Returns a block of CODEOWNERS lines, each ending in a newline: every register file of the workspace with the handles
 * of the owners of its entries, policy files with the approvers. The last matching line wins there, so the general ones
 * come first. Syntax: GitHub "About code owners", GitLab "Code Owners syntax".
 */
export function renderCodeowners(
  register: Register,
  files: ReadonlyArray<{ readonly path: string }>,
  workspacePathInRepo: string,
): string {
  const approvers = [...new Set(register.policy.approvers)].sort(compareText);
  const own = [...new Set(files.map((file) => file.path))].filter(isInWorkspace).sort(compareText);
  const lines: string[] = [];
  const add = (path: string, handles: readonly string[]) => {
    const pattern = patternOf(posix.join('/', workspacePathInRepo, path));
    if (handles.length > 0) lines.push(`${pattern} ${handles.join(' ')}`);
    else lines.push(`# ${pattern} has no owner with a CODEOWNERS handle`);
  };
  if (approvers.length > 0) add('register/', approvers);
  for (const path of own.filter((path) => !POLICY_FILES.includes(path))) add(path, handlesOf(register, path));
  if (approvers.length > 0) for (const path of POLICY_FILES) add(path, approvers);
  return [BEGIN, ...lines, END, ''].join('\n');
}

/**
 * Returns a CODEOWNERS text with the generated block replaced, or added at its end; the rest keeps its bytes. Throws
 * UserError where a mark of the block is missing.
 */
export function updateCodeowners(existing: string, block: string): string {
  const eol = existing.includes('\r\n') ? '\r\n' : '\n';
  const text = block.replaceAll('\n', eol);
  const start = lineStart(existing, BEGIN_MARK, 0);
  if (start < 0) {
    if (lineStart(existing, END, 0) >= 0) throw brokenBlock('an end without a begin');
    if (existing.trim() === '') return text;
    return `${existing}${existing.endsWith('\n') ? '' : eol}${eol}${text}`;
  }
  const end = lineStart(existing, END, start);
  if (end < 0) throw brokenBlock('a begin without an end');
  const next = existing.indexOf('\n', end);
  return existing.slice(0, start) + text + (next < 0 ? '' : existing.slice(next + 1));
}

function brokenBlock(what: string): UserError {
  return new UserError(`the generated block of CODEOWNERS has ${what}`, {
    hint: `Delete what is left of it, from "${BEGIN_MARK}" to "${END}", and run it again.`,
  });
}

function lineStart(text: string, mark: string, from: number): number {
  for (let at = text.indexOf(mark, from); at >= 0; at = text.indexOf(mark, at + 1))
    if (at === 0 || text[at - 1] === '\n') return at;
  return -1;
}

function handlesOf(register: Register, path: string): readonly string[] {
  const owners = new Set(register.entries.filter((e) => e.at.file === path).map((e) => e.owner));
  const handles = register.owners.filter((owner) => owners.has(owner.name)).flatMap((owner) => owner.codeowners);
  return [...new Set(handles)].sort(compareText);
}

function isInWorkspace(path: string): boolean {
  return !path.startsWith('/') && !path.startsWith('../');
}

/** A path as a pattern that matches only itself: blanks and the signs of patterns escaped (gitignore(5)). */
function patternOf(path: string): string {
  return path.replaceAll(/[\\ #!*?[\]]/g, '\\$&');
}
