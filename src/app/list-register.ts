import type { ApprovalState, Register } from '../model/register.ts';
import { judgeApprovals } from '../register/approval.ts';
import { asOf, type Context } from './context.ts';
import { loadRegister } from './load-register.ts';

/** The register with what its approvals are worth. */
export async function listRegister(
  context: Context,
): Promise<{ readonly register: Register; readonly approvals: ReadonlyMap<string, ApprovalState> }> {
  const workspace = await loadRegister(context, null);
  const approvals = await judgeApprovals({ workspace, dir: context.workspace, now: asOf(context), env: context.env });
  return { register: workspace.register, approvals };
}
