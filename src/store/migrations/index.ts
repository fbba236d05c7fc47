import { initial } from './0001-initial.ts';
import { lists } from './0002-lists.ts';
import { ledger } from './0003-ledger.ts';
import { flows } from './0004-flows.ts';
import { alerts } from './0005-alerts.ts';

/** Statements that lead from schema n to n + 1, in order; the schema of a store is how many of them it has seen. */
export const MIGRATIONS: readonly (readonly string[])[] = [initial, lists, ledger, flows, alerts];
