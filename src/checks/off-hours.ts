import type { Check } from './check.ts';
import { anomalyFindings, lacksLearning } from './traffic-evidence.ts';

export const offHours: Check = {
  id: 'off-hours',
  title: 'Traffic at an hour that was always empty',
  severity: 'low',
  rationale:
    'A port that is used in working hours only, and at night this time, is maintenance or somebody who does not want to be seen.',
  remediation: 'Look at who contributed, and ask the owner whether work was announced.',
  lacking: lacksLearning,
  endpoint: (facts, estate) => anomalyFindings('off-hours', facts, estate),
};
