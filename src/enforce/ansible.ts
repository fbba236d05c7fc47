import { compareBy } from '../util/compare.ts';
import { ROLE_FILES } from './ansible-role.ts';
import { isOfHost, otherScopes } from './demand.ts';
import { HOST_NOTES, nftables } from './nftables.ts';
import { fileNameOf } from './safe-text.ts';
import type { EnforceInput, EnforceOutput, EnforceTarget } from './target.ts';

/** A role that installs and loads the rules for nftables; those of several hosts go into one role. */
export const ansible: EnforceTarget = {
  id: 'ansible',
  title: 'Ansible: a role that installs rules of nftables',
  covers: isOfHost,
  closesRest: true,
  generate(input: EnforceInput): EnforceOutput {
    const rules = nftables.generate(input);
    const file = `${fileNameOf(input.host)}.nft`;
    const ofHost = rules.files.filter(({ path }) => path === file).map(({ text }) => ({ path: `files/${file}`, text }));
    return {
      ...rules,
      files: [...ROLE_FILES, ...ofHost]
        .map(({ path, text }) => ({ path: `quietdoor/${path}`, text }))
        .sort(compareBy((f) => f.path)),
      howTo: [
        'Look: ansible-playbook PLAYBOOK --check --diff, with a play that has the role quietdoor (quietdoor/README.md)',
        'Apply: ansible-playbook PLAYBOOK',
        'Undo: ansible-playbook PLAYBOOK -e quietdoor_state=absent',
        ...HOST_NOTES,
        ...otherScopes(input),
      ],
    };
  },
};
