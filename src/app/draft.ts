import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../model/errors.ts';
import { draftEntries } from '../register/draft.ts';
import { renderDrafts } from '../register/draft-file.ts';
import type { Context } from './context.ts';
import { identitiesAt } from './identities.ts';
import { loadRegister } from './load-register.ts';
import { withStateToRead } from './state.ts';
import { writeFileWhole } from './write-file.ts';

/** Where drafts are written, relative to the workspace. */
export const DRAFT_FILE = 'register/drafts.yaml';

export interface DraftResult {
  /** Ids of the new drafts, sorted. */
  readonly ids: readonly string[];
  /** Endpoints that they cover. */
  readonly endpoints: number;
  /** The file as it is (or would be) afterwards. */
  readonly text: string;
}

/**
 * Drafts entries for listeners that no entry covers and adds them to register/drafts.yaml; what a person wrote there
 * stays. Throws UserError where nothing was observed yet, or the file cannot be written.
 */
export async function draftRegister(context: Context, options: { readonly write: boolean }): Promise<DraftResult> {
  return withStateToRead(context, async (store) => {
    const hosts = store ? await store.hostStates() : [];
    if (!store || hosts.length === 0)
      throw new UserError('nothing was observed yet', { hint: 'Look first: quietdoor scan' });
    const { register } = await loadRegister(context, null);
    const now = context.now();
    // A host that was seen from several places is one, and its owner may stand in the inventory.
    const identities = identitiesAt(now, register, {
      ...{ hosts, listeners: await store.listenerStates(), assets: await store.lists('assets') },
    });
    const { known, owners } = identities;
    const listeners = identities.listeners.filter((state) => state.open);
    const drafts = draftEntries({ listeners, hosts: identities.hosts, known, register, owners, now });
    const path = join(context.workspace, DRAFT_FILE);
    const existing = existsSync(path) ? readFileSync(path, 'utf8') : null;
    const text = drafts.length === 0 ? (existing ?? '') : renderDrafts(drafts, existing);
    if (options.write && drafts.length > 0) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileWhole(path, text);
    }
    return {
      ids: drafts.map((draft) => draft.id),
      endpoints: drafts.reduce((sum, draft) => sum + draft.endpoints, 0),
      text,
    };
  });
}
