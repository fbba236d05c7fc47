import type { Check } from './check.ts';
import { anomalyFindings, lacksLearning } from './traffic-evidence.ts';

export const deniedBurst: Check = {
  id: 'denied-burst',
  title: 'Many refused connections',
  severity: 'medium',
  rationale:
    'Refused connections in numbers are somebody who tries what he may not: a scan, a broken client, or a rule that was closed too early.',
  remediation: 'Look at who was refused, and whether he should have been let in; if not, find out what runs there.',
  lacking: lacksLearning,
  endpoint: (facts, estate) => anomalyFindings('denied-burst', facts, estate),
};
