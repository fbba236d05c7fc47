import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';

export const orphanOwner: Check = {
  id: 'orphan-owner',
  title: 'Owner that nobody knows',
  severity: 'medium',
  rationale:
    'An owner who is not among the owners of the workspace cannot be asked, reminded or held to a review. ' +
    'It usually is a team that was renamed or dissolved, or a slip of the pen.',
  remediation: 'Add the owner under `owners` in quietdoor.yaml, or name one that is there.',
  estate(estate) {
    const known = new Set(estate.register.owners.map((o) => o.name));
    return estate.register.entries.flatMap((entry) => {
      const owner = entry.owner?.trim();
      if (!owner || known.has(owner)) return [];
      return [
        {
          subject: { kind: 'entry', entry: entry.id } as const,
          entry: entry.id,
          message: `${entry.id} is owned by ${owner}, who is not among the owners of this workspace.`,
          evidence: [
            { label: 'owner', value: owner },
            { label: 'known owners', value: known.size === 0 ? 'none' : listWords([...known].sort(), 20) },
          ],
          remediation: `Add ${owner} under owners in quietdoor.yaml, or correct owner at ${entry.at.file}:${entry.at.line}, then: quietdoor register lint`,
          at: entry.at,
        },
      ];
    });
  },
};
