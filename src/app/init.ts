import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../model/errors.ts';
import { configJsonSchema, exceptionsJsonSchema, registerJsonSchema } from '../register/json-schema.ts';
import { WORKSPACE_FILE } from './context.ts';

export interface InitResult {
  /** Absolute path. */
  readonly dir: string;
  /** Files made, relative; empty where the workspace was there already. */
  readonly made: readonly string[];
}

/**
 * Makes a workspace in a folder, or completes one. Files that exist are never touched.
 * Throws UserError where the folder cannot be written, or holds a file in the way.
 */
export function initWorkspace(target: string, name: string | undefined): InitResult {
  const dir = resolve(target);
  const made: string[] = [];
  try {
    mkdirSync(join(dir, 'register'), { recursive: true });
    mkdirSync(join(dir, '.schemas'), { recursive: true });
    for (const [path, text] of Object.entries(newFiles(name ?? (basename(dir) || 'workspace')))) {
      if (existsSync(join(dir, path))) continue;
      writeFileSync(join(dir, path), text, { flag: 'wx' });
      made.push(path);
    }
  } catch (error) {
    throw new UserError(`could not make a workspace in ${dir}: ${(error as Error).message}`, { cause: error });
  }
  return { dir, made };
}

/** Says whether a folder already is a workspace. */
export function isWorkspace(dir: string): boolean {
  return existsSync(join(resolve(dir), WORKSPACE_FILE));
}

/** Says whether a folder holds anything but a workspace: reason to ask before making one in it. */
export function isOccupied(dir: string): boolean {
  if (!existsSync(resolve(dir)) || isWorkspace(dir)) return false;
  return readdirSync(resolve(dir)).some((name) => !name.startsWith('.'));
}

function newFiles(name: string): Record<string, string> {
  return {
    [WORKSPACE_FILE]: `# yaml-language-server: $schema=./.schemas/config.json
name: ${JSON.stringify(name)}
# boundary: what is in scope, in a sentence

# Who answers for ports. Entries of the register name them.
owners: {}
#  team-orders:
#    title: Orders team
#    email: orders@example.org
#    codeowners: ["@example/team-orders"]

# Named sets of addresses, for \`sources: [zone:app]\`.
zones: {}
#  app: [10.20.4.0/24]

# Hosts: what is known beside what is observed. Drafts take their owner from here.
hosts: {}
#  db-1: { owner: team-orders, tags: [orders-db] }

policy:
  review: 365d                # between reviews, where an entry does not say
  # approvers: [security@example.org]     # empty: anybody but the author of the change

frameworks:
  - { id: nist-800-53-r5, baseline: moderate }
  - iso-27001-2022
  - hitrust-csf
`,
    'exceptions.yaml': `# yaml-language-server: $schema=./.schemas/exceptions.json
# Accepted deviations. An accepted finding stays visible; when the exception expires it counts again.
exceptions: []
#  - id: EXC-1
#    kind: operational-requirement          # false-positive | operational-requirement | risk-adjustment
#    rule: wider-bind
#    subject: db-1:5432/tcp
#    reason: The vendor's cluster agent needs it until the upgrade in March.
#    approver: ciso@example.org
#    ticket: CHG-4821
#    expires: 2027-03-31T00:00:00Z
`,
    '.gitignore': `# observations and the ledger: kept on this machine, not in git
/.quietdoor/
/report.html
`,
    // For editors: what is allowed where, without a network.
    '.schemas/register.json': `${JSON.stringify(registerJsonSchema(), null, 2)}\n`,
    '.schemas/config.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
    '.schemas/exceptions.json': `${JSON.stringify(exceptionsJsonSchema(), null, 2)}\n`,
  };
}
