import type { Check } from './check.ts';
import { anomalyFindings, lacksLearning } from './traffic-evidence.ts';

export const dormantPortActive: Check = {
  id: 'dormant-port-active',
  title: 'A port that was silent for months is used',
  severity: 'medium',
  rationale:
    'A quiet port that pulses with traffic is the question that nobody can answer a year later. Either a service was taken into use again, or somebody uses what was forgotten.',
  remediation: 'Ask the owner what uses it. If nobody knows, close it: quietdoor close.',
  lacking: lacksLearning,
  endpoint: (facts, estate) => anomalyFindings('dormant-port-active', facts, estate),
};
