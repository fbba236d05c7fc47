import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const Baseline = z.object({
  schemaVersion: z.literal(1),
  findings: z.array(
    z.object({ fingerprint: z.string().regex(/^[0-9a-f]{32}$/), rule: z.string(), message: z.string() }),
  ),
});

/** Text of a baseline file: the findings known today, so that a check fails on new ones only. */
export function renderBaseline(findings: readonly Finding[]): string {
  const known = findings
    .map(({ fingerprint, rule, message }) => ({ fingerprint, rule, message }))
    .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1));
  return `${JSON.stringify({ schemaVersion: 1, findings: known }, null, 2)}\n`;
}

/** Fingerprints of a baseline file. Throws UserError that says what is wrong with it. */
export function readBaseline(path: string): ReadonlySet<string> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`could not read the baseline ${path}: ${(error as Error).message}`, {
      hint: `Make one with: quietdoor check --write-baseline ${path}`,
      cause: error,
    });
  }
  if (text.length > MAX_BYTES) throw new UserError(`the baseline ${path} is larger than 64 MiB`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new UserError(`the baseline ${path} is no JSON: ${(error as Error).message}`, { cause: error });
  }
  const parsed = Baseline.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UserError(
      `the baseline ${path} is not of the form that --write-baseline writes: ${issue?.path.join('.')}: ${issue?.message}`,
    );
  }
  return new Set(parsed.data.findings.map((finding) => finding.fingerprint));
}
