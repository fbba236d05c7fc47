import type { Check } from './check.ts';
import { anomalyFindings, lacksLearning } from './traffic-evidence.ts';

export const unexpectedSilence: Check = {
  id: 'unexpected-silence',
  title: 'No traffic where there always is some',
  severity: 'low',
  rationale:
    'A port that goes quiet is a service that failed, a filter that closed too much, or a sensor that stopped seeing. All three want to be known.',
  remediation:
    'Look whether the service runs and its clients reach it: quietdoor explain, and the feeds: quietdoor flows feeds.',
  lacking: lacksLearning,
  endpoint: (facts, estate) => anomalyFindings('unexpected-silence', facts, estate),
};
