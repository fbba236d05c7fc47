import { UserError } from '../model/errors.ts';
import { type FirewallPlan, shortPlan } from '../reports/firewall-plan.ts';
import type { Context } from './context.ts';
import { type Applied, applyRules } from './firewall-apply.ts';
import { loadPlan, type PlanRequest, planFirewall, readLive, requestOf, scriptOf, whyStale } from './firewall-plan.ts';
import { meaningOf } from './firewall-plan-live.ts';

/**
 * The plan to apply: one that was made before, if nothing of it changed since, or a fresh one. Throws UserError where it
 * does not hold any more.
 */
export async function planToApply(context: Context, name: string | null, request: PlanRequest): Promise<FirewallPlan> {
  if (name === null) return planFirewall(context, request);
  const before = loadPlan(context, name);
  const plan = await planFirewall(context, before);
  const stale = whyStale(before.plan, plan);
  if (stale !== null)
    throw new UserError(`the plan ${name} does not hold any more: ${stale}`, {
      hint: 'Make another and look at it: quietdoor firewall plan',
    });
  return plan;
}

/** Refuses what would lock out whoever applies it, unless that is allowed. Throws UserError. */
export function refuseLockout(plan: FirewallPlan, allowLockout: boolean): void {
  if (plan.lockouts.length === 0 || allowLockout) return;
  throw new UserError(`this plan would lock you out. ${plan.lockouts.join(' ')}`, {
    hint: 'Approve an entry for it first (quietdoor register draft), or, with another way in to the machine: --allow-lockout',
  });
}

/** Rules that are loaded, and how who can connect differs from the plan all the same (a sentence each; none as a rule). */
export interface AppliedPlan extends Applied {
  readonly unplanned: readonly string[];
}

/** Loads the rules of a plan, with the guard, and looks what is in force then. Throws UserError where nothing was changed. */
export async function applyPlan(
  context: Context,
  plan: FirewallPlan,
  options: { readonly seconds: number; readonly allowLockout: boolean },
): Promise<AppliedPlan> {
  refuseLockout(plan, options.allowLockout);
  const { register, mode, host } = plan;
  const applied = await applyRules(context, {
    ...{ rules: scriptOf(plan), plan: plan.digest, register, mode, host, seconds: options.seconds },
    stillHolds: async () => {
      if (meaningOf(await readLive(context)) !== plan.live)
        throw new UserError(`the rules in force changed since the plan ${shortPlan(plan.digest)} was made`, {
          hint: 'Make another and look at it: quietdoor firewall plan',
        });
    },
  });
  return { ...applied, unplanned: await unplanned(context, plan) };
}

/** Planned again, what is in force should need no change. */
async function unplanned(context: Context, plan: FirewallPlan): Promise<readonly string[]> {
  try {
    const again = await planFirewall(context, requestOf(plan));
    return again.changes.map(
      ({ transport, ports }) =>
        `Who can connect to ${transport}/${ports} is not as planned: perhaps another tool changed rules meanwhile.`,
    );
  } catch (error) {
    if (error instanceof UserError) return [`What is in force now could not be read: ${error.message}`];
    throw error;
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds of `90s`, `5m`, `1h`. Throws UserError outside of 5 seconds to a day. */
export function parseConfirmTime(text: string): number {
  const [, number, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  const seconds = Number(number) * (UNITS[unit ?? ''] ?? Number.NaN);
  if (!(seconds >= 5 && seconds <= 86_400))
    throw new UserError(`--confirm-within is "${text}"; 5s to 24h are expected, for example 5m`);
  return seconds;
}
