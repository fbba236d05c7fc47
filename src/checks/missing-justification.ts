import { missingFields } from '../model/missing-fields.ts';
import { count, listWords } from '../util/words.ts';
import type { Check } from './check.ts';
import { approveStep, placeOf } from './remedy.ts';

export const missingJustification: Check = {
  id: 'missing-justification',
  title: 'Entry without its justification',
  severity: 'medium',
  rationale:
    'An open port is justified by what it is for, who answers for it, and who may connect. ' +
    'Without these nobody can judge at the next review whether it is still needed.',
  remediation: 'Fill in the empty fields and have the entry approved again.',
  estate(estate) {
    return estate.register.entries.flatMap((entry) => {
      // A draft says what it misses in its own finding (unapproved-entry).
      if (estate.approvals.get(entry.id)?.kind === 'draft') return [];
      const missing = missingFields(entry);
      if (missing.length === 0) return [];
      return [
        {
          subject: { kind: 'entry', entry: entry.id } as const,
          entry: entry.id,
          message: `${entry.id} is stamped as approved with ${count(missing.length, 'empty field')}: ${listWords(missing)}.`,
          evidence: missing.map((field) => ({ label: field, value: 'empty' })),
          remediation: `Fill in ${listWords(missing)} at ${placeOf(entry)}, then ${approveStep(entry.id, estate.register.policy)}`,
          at: entry.at,
        },
      ];
    });
  },
};
