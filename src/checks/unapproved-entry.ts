import { compareEndpoints, type Endpoint } from '../model/endpoint.ts';
import type { EstateFacts } from '../model/facts.ts';
import type { FindingDraft, Severity } from '../model/finding.ts';
import { missingFields } from '../model/missing-fields.ts';
import type { ApprovalState, Policy, RegisterEntry } from '../model/register.ts';
import { compareText } from '../util/compare.ts';
import { count, listWords } from '../util/words.ts';
import type { Check } from './check.ts';
import { approveStep, placeOf, shellWord } from './remedy.ts';

/** Why an entry does not count as approved: the discriminator, so that accepting one reason accepts no other. */
interface Reason {
  readonly word: ApprovalState['kind'] | 'host-unconfirmed';
  readonly severity: Severity;
  readonly message: string;
  readonly remediation: string;
}

export const unapprovedEntry: Check = {
  id: 'unapproved-entry',
  title: 'Register entry not approved',
  severity: 'medium',
  rationale:
    'An entry is only a wish until somebody who may say so has approved exactly what it says now. ' +
    'A draft, a stamp without proof, or an approval of an older text shows that the port is known, not that it is allowed.',
  remediation:
    'Fill in what is missing and have an approver other than its last author sign it: `quietdoor register approve ID --sign`.',
  estate(estate) {
    const found: FindingDraft[] = [];
    for (const entry of estate.register.entries) {
      const approval = estate.approvals.get(entry.id) ?? { kind: 'unknown', reason: 'its approval was not judged' };
      const unconfirmed = approval.kind === 'draft' ? [] : unconfirmedEndpoints(estate, entry.id);
      const reason =
        reasonOf(entry, approval, estate.register.policy) ?? hostReason(entry, unconfirmed, estate.register.policy);
      if (!reason) continue;
      found.push({
        subject: { kind: 'entry', entry: entry.id },
        entry: entry.id,
        discriminator: reason.word,
        severity: reason.severity,
        message: reason.message,
        evidence: [
          { label: 'approval', value: reason.word },
          { label: 'digest now', value: entry.digest },
          ...(approval.kind === 'void' ? [{ label: 'digest approved', value: approval.approved }] : []),
          ...(entry.approval === null ? [] : [{ label: 'stamped by', value: entry.approval.by }]),
          ...(unconfirmed.length === 0
            ? []
            : [{ label: 'awaiting confirmation', value: listWords(hostsOf(unconfirmed)) }]),
          ...entry.evidence.slice(0, 5).map((value) => ({ label: 'observed', value })),
        ],
        remediation: reason.remediation,
        at: entry.at,
        ...(reason.word === 'host-unconfirmed' ? { endpoints: unconfirmed } : {}),
      });
    }
    return found;
  },
};

function reasonOf(entry: RegisterEntry, approval: ApprovalState, policy: Policy): Reason | undefined {
  const approve = approveStep(entry.id, policy);
  const at = placeOf(entry);
  const missing = missingFields(entry);
  switch (approval.kind) {
    case 'proven':
      return undefined;
    case 'draft': {
      const fill = missing.length === 0 ? '' : `${count(missing.length, 'field')} to fill (${missing.join(', ')}), `;
      return {
        word: 'draft',
        severity: 'medium',
        message: `${entry.id} is a draft: ${fill}not yet approved.`,
        remediation:
          missing.length === 0 ? `Now ${approve}` : `Fill in ${listWords(missing)} at ${at}, then ${approve}`,
      };
    }
    case 'claimed':
      return {
        word: 'claimed',
        // Three lines of YAML that nothing proves must not pass where a draft does not.
        severity: policy.claimed ?? 'medium',
        message: `${entry.id} says that it is approved${by(entry)}, and nothing proves it: ${approval.reason}.`,
        remediation: `A name in a file proves nothing; ${approve}`,
      };
    case 'void':
      return {
        word: 'void',
        severity: 'medium',
        message: `${entry.id} changed after it was approved${by(entry)}, so the approval no longer counts.`,
        remediation: `${whatChanged(entry, approval.approved)} Then ${approve}`,
      };
    case 'self-approved':
      return {
        word: 'self-approved',
        severity: 'medium',
        message: `${entry.id} was approved by ${approval.by}, who also made the change; requester and approver must be two people.`,
        remediation: `Whoever made the last change cannot approve it; ${approve}`,
      };
    case 'not-allowed':
      return {
        word: 'not-allowed',
        severity: 'medium',
        message: `${entry.id} was approved by ${approval.by}, who may not approve: ${approval.reason}.`,
        remediation: `The stamp does not count; ${approve}`,
      };
    case 'forged':
      return {
        word: 'forged',
        severity: 'high',
        message: `${entry.id} carries a proof of approval that is wrong: ${approval.reason}.`,
        remediation: `Find out who wrote the stamp at ${at}, then ${approve}`,
      };
    case 'unknown':
      return {
        word: 'unknown',
        severity: 'info',
        message: `Whether ${entry.id} is approved cannot be said: ${approval.reason}.`,
        remediation: 'Run the check where the history and the tools are complete: quietdoor doctor',
      };
  }
}

/**
 * How to see what changed: from the commit that brought the approved digest into the file. The stamp may be hand-written,
 * so a digest that is none is not put into a command.
 */
function whatChanged({ at }: RegisterEntry, approved: string): string {
  if (!/^sha256:[0-9a-f]{64}$/.test(approved)) return 'See what changed: quietdoor register diff.';
  return (
    `Find the commit that was approved: git log -1 --format=%h -S ${approved} -- ${shellWord(at.file)}. ` +
    'See what changed since that COMMIT: quietdoor register diff COMMIT. (Where git prints nothing, the stamp was never committed: quietdoor register diff.)'
  );
}

function hostReason(entry: RegisterEntry, unconfirmed: readonly Endpoint[], policy: Policy): Reason | undefined {
  if (unconfirmed.length === 0) return undefined;
  const hosts = hostsOf(unconfirmed);
  return {
    word: 'host-unconfirmed',
    severity: 'medium',
    message: `${entry.id} is approved, but its selectors now also choose ${count(hosts.length, 'host')} that the approver did not confirm: ${listWords(hosts)}.`,
    remediation: `If they are not meant, narrow hosts at ${placeOf(entry)}. In either case ${approveStep(entry.id, policy)}`,
  };
}

/** Endpoints that the entry decides on hosts that its approver has not confirmed. */
function unconfirmedEndpoints(estate: EstateFacts, id: string): readonly Endpoint[] {
  return (estate.endpointsByEntry.get(id) ?? [])
    .filter(({ entries }) => entries[0]?.entry.id === id && !entries[0].hostConfirmed)
    .map((facts) => facts.endpoint)
    .sort(compareEndpoints);
}

function hostsOf(endpoints: readonly Endpoint[]): readonly string[] {
  return [...new Set(endpoints.map((e) => e.host))].sort(compareText);
}

function by(entry: RegisterEntry): string {
  return entry.approval === null ? '' : ` by ${entry.approval.by}`;
}
