import type { ApprovalState, Register } from '../model/register.ts';
import { judgeApprovals } from '../register/approval.ts';
import { asOf, type Context } from './context.ts';
import { loadRegister } from './load-register.ts';

/** The register with what its approvals are worth at `now` (UTC milliseconds). */
export async function listRegister(context: Context): Promise<{
  readonly register: Register;
  readonly approvals: ReadonlyMap<string, ApprovalState>;
  readonly now: number;
}> {
  const workspace = await loadRegister(context, null);
  const now = asOf(context);
  const approvals = await judgeApprovals({ workspace, dir: context.workspace, now, env: context.env });
  return { register: workspace.register, approvals, now };
}
