import type { Check } from './check.ts';
import { unapprovedEntry } from './unapproved-entry.ts';
import { unregisteredListener } from './unregistered-listener.ts';
import { widerBind } from './wider-bind.ts';

/** Every check, in the order of the documentation. A test compares the list with the folder. */
export const checks: readonly Check[] = [unregisteredListener, widerBind, unapprovedEntry];
