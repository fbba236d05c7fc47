import { type Command, Option } from 'commander';
import type { PlanRequest } from '../../../app/firewall-plan.ts';
import type { EnforceMode } from '../../../enforce/target.ts';

/** Options that say which rules a plan is about. */
export interface PlanFlags {
  readonly target?: string;
  readonly mode: EnforceMode;
  readonly include: 'proven' | 'claimed';
  readonly logAccepted?: boolean;
}

export function withPlanOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--mode <mode>', 'observe: count what would be dropped; log: log it too; enforce: drop it')
        .choices(['observe', 'log', 'enforce'])
        .default('enforce'),
    )
    .addOption(
      new Option('--include <approvals>', 'claimed: approvals that are only written down count too')
        .choices(['proven', 'claimed'])
        .default('proven'),
    )
    .option('--log-accepted', 'log new connections that are let in, by entry');
}

export function planRequest({ target, mode, include, logAccepted }: PlanFlags): PlanRequest {
  return { target: target ?? 'nftables', mode, include, logAccepted: logAccepted === true };
}
