import type { RegisterProblem } from '../model/register.ts';

/** Patterns of text that should not be in git. Each is anchored on a fixed word, so that matching is linear. */
// `env:NAME` and `file:PATH` say where a secret is kept.
const SECRETS: ReadonlyArray<{ readonly what: string; readonly pattern: RegExp }> = [
  { what: 'a private key', pattern: /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/ },
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { what: 'a GitHub token', pattern: /\bgh[opsur]_[A-Za-z0-9]{36}/ },
  { what: 'a Slack token', pattern: /\bxox[abprs]-[A-Za-z0-9-]{10}/ },
  { what: 'a password in a URL', pattern: /:\/\/[^\s/:@]{1,64}:[^\s/@]{3,128}@/ },
  {
    what: 'a password or token',
    pattern: /\b(?:password|passwd|pwd|secret|token|api[_-]?key)["']? ?[=:] ?["']?(?!(?:env|file):)[^\s"',}]{6}/i,
  },
];
/** Longest part of a line that is looked at. */
const LONGEST_LINE = 2000;

/** Returns a warning for each line that looks as if it held a secret. The secret itself is never shown. */
export function findSecrets(text: string, file: string): RegisterProblem[] {
  const problems: RegisterProblem[] = [];
  if (!SECRETS.some(({ pattern }) => pattern.test(text))) return problems;
  for (const [i, whole] of text.split('\n').entries()) {
    const line = whole.slice(0, LONGEST_LINE);
    for (const { what, pattern } of SECRETS) {
      const found = pattern.exec(line);
      if (!found) continue;
      const at = { file, line: i + 1, column: found.index + 1 };
      const hint = 'remove it, and change it where it is used: it is in the history of the repository';
      problems.push({ severity: 'warning', code: 'looks-like-secret', message: `looks like ${what}`, hint, at });
      break;
    }
  }
  return problems;
}
