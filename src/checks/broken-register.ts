import type { FindingDraft } from '../model/finding.ts';
import { count } from '../util/words.ts';
import type { Check } from './check.ts';

/** Errors that get a finding each; the rest is counted, as a broken file may hold one per line. */
const MAX_ERRORS = 100;

export const brokenRegister: Check = {
  id: 'broken-register',
  title: 'Part of the register cannot be read',
  severity: 'high',
  rationale:
    'What cannot be read may have approved a port or forbidden it. The valid rest is still checked, ' +
    'but ports that the broken part might be about cannot be said to conform.',
  remediation: 'Correct the place named, then run `quietdoor register lint`.',
  estate(estate) {
    const errors = estate.register.problems.filter((p) => p.severity === 'error');
    const seen = new Map<string, number>();
    const found: FindingDraft[] = errors.slice(0, MAX_ERRORS).map((problem) => {
      const { at, code, message, hint } = problem;
      // Line numbers move with every edit; the n-th error of a kind in a file stays itself.
      const place = `${at.file} ${code}`;
      const n = (seen.get(place) ?? 0) + 1;
      seen.set(place, n);
      return {
        subject: { kind: 'estate' },
        discriminator: `${place} ${n}`,
        message: `${at.file}:${at.line}:${at.column}: ${message}`,
        evidence: [
          { label: 'problem', value: code },
          ...(hint === undefined ? [] : [{ label: 'expected', value: hint }]),
        ],
        remediation: `${hint === undefined ? '' : `${hint}   `}Correct it, then: quietdoor register lint`,
        at,
      };
    });
    if (errors.length > MAX_ERRORS)
      found.push({
        subject: { kind: 'estate' },
        discriminator: 'more',
        message: `The register holds ${count(errors.length - MAX_ERRORS, 'more error')} besides the ${MAX_ERRORS} listed.`,
        evidence: [{ label: 'errors', value: String(errors.length) }],
        remediation: 'List them all with: quietdoor register lint',
      });
    return found;
  },
};
