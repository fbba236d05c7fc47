import type { Asset } from '../model/asset.ts';
import type { Event } from '../model/event.ts';
import type { EndpointResult } from '../model/facts.ts';
import type { Framework } from '../model/framework.ts';
import type { FrameworkChoice, Policy, Zone } from '../model/register.ts';
import type { RuleInfo } from '../model/rule.ts';

/** What `explain HOST:PORT` is made from. */
export interface ExplainInput {
  readonly result: EndpointResult;
  readonly check: {
    /** UTC milliseconds. */
    readonly now: number;
    readonly version: string;
    readonly register: { readonly name: string; readonly digest: string };
    readonly policy: Policy;
    readonly zones: readonly Zone[];
  };
  /** Events of the endpoint, newest first. */
  readonly events: readonly Event[];
  /** Authorised tickets that name the change of an event, by its number in the ledger. */
  readonly tickets?: ReadonlyMap<number, readonly string[]>;
  /** What the inventories say of the host; absent: no inventory was imported. */
  readonly assets?: readonly Asset[];
  readonly rules: readonly RuleInfo[];
  readonly frameworks: readonly Framework[];
  /** Baselines that the workspace chose: controls outside of them are told apart. */
  readonly choices?: readonly FrameworkChoice[];
}
