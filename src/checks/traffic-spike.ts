import type { Check } from './check.ts';
import { anomalyFindings, lacksLearning } from './traffic-evidence.ts';

export const trafficSpike: Check = {
  id: 'traffic-spike',
  title: 'Much more traffic than usual',
  severity: 'low',
  rationale:
    'Traffic far above what is usual at this hour of the week is a batch job, a retry storm, or data on its way out.',
  remediation: 'Look at who contributed, and ask the owner whether it is known.',
  lacking: lacksLearning,
  endpoint: (facts, estate) => anomalyFindings('traffic-spike', facts, estate),
};
