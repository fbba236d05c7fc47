import { printable } from './printable.ts';

/** What a verification came to, as it is reported. */
export interface LedgerVerdictReport {
  readonly origin: string | null;
  readonly first: number;
  readonly last: number;
  readonly archived: number;
  readonly signed: number;
  readonly keys: readonly string[];
  readonly problems: ReadonlyArray<{ readonly kind: string; readonly sequence?: number; readonly message: string }>;
  readonly trust: 'none' | 'key' | 'checkpoint' | 'both';
  readonly proof?: { readonly record: string; readonly isVouchedFor: boolean };
}

/** Problems shown to a person; JSON has them all. */
const SHOWN = 50;

/** The verdict first, then what it rests on. `notices`: what else must be known. */
export function verdictText(verdict: LedgerVerdictReport, notices: readonly string[], format: string): string {
  if (format === 'json')
    return `${JSON.stringify({ schemaVersion: 1, holds: verdict.problems.length === 0 && verdict.proof?.isVouchedFor !== false, internalOnly: verdict.trust === 'none', ...verdict, notices }, null, 2)}\n`;
  const { problems, first, last, archived, signed, keys } = verdict;
  const lines =
    problems.length === 0
      ? [`${verdict.trust === 'none' ? '' : 'holds: '}${trustWords(verdict)}`]
      : [`does not hold: ${count(problems.length, 'problem')}`];
  for (const { message } of problems.slice(0, SHOWN)) lines.push(`  ${message}`);
  if (problems.length > SHOWN) lines.push(`  … and ${problems.length - SHOWN} more; --format json has them all`);
  if (verdict.proof) lines.push(`record ${first}: ${verdict.proof.record}`);
  const records = last >= first ? `records ${first} to ${last}` : 'no records';
  lines.push(
    verdict.proof
      ? `under the checkpoint of ${signed} records`
      : `${records}; the newest checkpoint covers ${signed}${archived > 0 ? `; archived: up to ${archived}` : ''}`,
  );
  if (last > signed)
    lines.push(`${count(last - Math.max(signed, first - 1), 'record')} not covered by a checkpoint yet`);
  if (verdict.origin !== null) lines.push(`ledger ${verdict.origin}`);
  for (const key of keys) lines.push(`key ${key}`);
  return `${[...lines, ...notices].map(printable).join('\n')}\n`;
}

function trustWords({ trust, signed, proof }: LedgerVerdictReport): string {
  if (proof) return proofWords(trust);
  switch (trust) {
    case 'none':
      return signed > 0
        ? 'internally consistent only (no --key and no --witnessed checkpoint: whoever rules this machine could have rewritten all of it)'
        : 'internally consistent only (nothing was ever signed: quietdoor ledger checkpoint)';
    case 'key':
      return 'signed by the key that was named (without a --witnessed checkpoint, a cut-off end cannot be seen)';
    case 'checkpoint':
      return 'continues the checkpoint that was kept elsewhere';
    case 'both':
      return 'signed by the key that was named, and continues the checkpoint that was kept elsewhere';
  }
}

function proofWords(trust: LedgerVerdictReport['trust']): string {
  switch (trust) {
    case 'none':
      return 'the record leads to its checkpoint; who signed that was not checked (name --public-key, or --witnessed with this checkpoint)';
    case 'key':
      return 'the record is under a checkpoint that was signed by the key that was named';
    case 'checkpoint':
      return 'the record is under the checkpoint that was kept elsewhere';
    case 'both':
      return 'the record is under a checkpoint that was kept elsewhere, and signed by the key that was named';
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
