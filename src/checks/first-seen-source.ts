import type { Check } from './check.ts';
import { anomalyFindings, lacksLearning } from './traffic-evidence.ts';

export const firstSeenSource: Check = {
  id: 'first-seen-source',
  title: 'A source that was never seen before',
  severity: 'low',
  rationale:
    'A new client of an internal port is a deployment that somebody knows of, or somebody who found a door. Whether the register approves it is another question: see unapproved-source.',
  remediation:
    'Ask the owner of the port whether the client is known. If it is, nothing has to be done: the next time it is not new any more.',
  lacking: lacksLearning,
  endpoint: (facts, estate) => anomalyFindings('first-seen-source', facts, estate),
};
