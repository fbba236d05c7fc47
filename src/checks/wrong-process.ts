import { describePort, describeProcess } from '../model/describe.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { Severity } from '../model/finding.ts';
import { compareProcess, type ProcessDifference } from '../model/process-match.ts';
import type { ProcessRule } from '../model/register.ts';
import { preferInside } from '../model/vantage.ts';
import { listWords } from '../util/words.ts';
import type { Check } from './check.ts';
import { approveStep, placeOf, shellWord } from './remedy.ts';

const BY_FIELD: Readonly<Record<keyof ProcessRule, Severity>> = {
  exe: 'high',
  sha256: 'high',
  package: 'high',
  user: 'medium',
  unit: 'medium',
};

const WORDS: Readonly<Record<keyof ProcessRule, string>> = {
  exe: 'executable',
  sha256: 'SHA-256 of the binary',
  package: 'package',
  user: 'user',
  unit: 'unit',
};

export const wrongProcess: Check = {
  id: 'wrong-process',
  title: 'Another process than approved',
  severity: 'high',
  rationale:
    'An approval is about a service, not about a number: a port answered by another program, user, unit or binary is another service. ' +
    'That is how a replaced or hijacked service shows first.',
  remediation:
    'Find out what the process is and stop it if it does not belong there. If the service changed on purpose, change `process` in the entry and have it approved.',
  endpoint(facts, { register }) {
    const entry = facts.entries[0]?.entry;
    if (!entry) return [];
    const differences: ProcessDifference[] = [];
    const seen = preferInside(facts.listeners);
    for (const { listener } of seen) differences.push(...compareProcess(entry.process, listener).differences);
    const first = seen[0]?.listener;
    if (differences.length === 0 || !first) return [];
    const found = [...new Map(differences.map((d) => [`${d.field} ${d.observed}`, d])).values()];
    const fields = [...new Set(found.map((d) => d.field))];
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        entry: entry.id,
        severity: fields.some((f) => BY_FIELD[f] === 'high') || found.some(runsAsRoot) ? 'high' : 'medium',
        message:
          `Port ${describePort(facts.endpoint)} is held by ${describeProcess(first)}, against ${entry.id}: ` +
          `${listWords(found.map(differenceText))}.`,
        evidence: found.flatMap((d) => [
          { label: `approved ${WORDS[d.field]}`, value: d.approved },
          { label: `observed ${WORDS[d.field]}`, value: `${d.observed} (pid ${d.pid})` },
        ]),
        remediation:
          `Look at the process: quietdoor explain ${shellWord(endpointKey(facts.endpoint))}. ` +
          `If the change is wanted, change process at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
        at: entry.at,
      },
    ];
  },
};

function differenceText({ field, observed, approved }: ProcessDifference): string {
  return `${WORDS[field]} ${short(field, observed)} instead of ${short(field, approved)}`;
}

/** Hashes by their first 12 digits in sentences; the evidence has them whole. */
function short(field: keyof ProcessRule, value: string): string {
  return field === 'sha256' ? value.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…') : value;
}

function runsAsRoot(d: ProcessDifference): boolean {
  return d.field === 'user' && (d.observed === 'root' || d.observed === '0');
}
