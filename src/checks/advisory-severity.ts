import type { Advisory } from '../model/advisory.ts';
import { cvssBaseScore } from '../model/cvss.ts';
import type { Severity } from '../model/finding.ts';

/** Words of distributions: Debian's urgencies, Ubuntu's priorities, ratings of Red Hat and those who follow it. */
const WORDS: Readonly<Record<string, Severity>> = {
  unimportant: 'info',
  negligible: 'info',
  none: 'info',
  low: 'low',
  untriaged: 'low',
  moderate: 'medium',
  medium: 'medium',
  important: 'high',
  high: 'high',
  critical: 'high',
  // no more updates for this release: nobody will judge it
  'end-of-life': 'medium',
};

/**
 * How bad an advisory is: critical only where somebody is known to exploit it; else as its source judges it. Where that
 * says nothing, medium if a fix was published and low if not.
 */
export function advisorySeverity({ exploited, severity = '', fixed }: Advisory): Severity {
  if (exploited) return 'critical';
  const word = severity.toLowerCase().replace(/\*+$/, '');
  if (Object.hasOwn(WORDS, word)) return WORDS[word] as Severity;
  const score = cvssBaseScore(severity);
  if (score !== null) return score >= 7 ? 'high' : score >= 4 ? 'medium' : score > 0 ? 'low' : 'info';
  return fixed === undefined ? 'low' : 'medium';
}
