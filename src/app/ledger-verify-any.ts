import { UserError } from '../model/errors.ts';
import { openContext, type PlaceFlags } from './context.ts';
import { readFingerprint, readNamed, readWitnessed } from './ledger-files.ts';
import { type LedgerVerdict, verifyLedger } from './ledger-verify.ts';

const MAX_KEY_BYTES = 65_536;

/** What `ledger verify` was asked; texts as typed. */
export interface VerifyQuery extends PlaceFlags {
  readonly key?: string;
  readonly witnessed?: string;
  readonly from?: string;
  readonly export?: string;
  readonly proof?: string;
  readonly publicKey?: string;
}

export interface VerifyAnswer {
  readonly verdict: LedgerVerdict;
  readonly notices: readonly string[];
}

/** Verifies the store, an export or a proof. Throws UserError where it cannot be read. */
export async function verifyWhatIsMeant(query: VerifyQuery): Promise<VerifyAnswer> {
  const notices: string[] = [];
  const read = (path: string) => {
    const { checkpoints, unread } = readWitnessed(path);
    if (unread > 0) notices.push(`${path}: ${unread} parts are no checkpoint and were left out`);
    return checkpoints;
  };
  const key = query.key === undefined ? {} : { key: readFingerprint(query.key) };
  const witnessed = query.witnessed === undefined ? {} : { witnessed: read(query.witnessed) };
  if ([query.export, query.proof, query.from].filter((given) => given !== undefined).length > 1)
    throw new UserError('--export, --proof and --from exclude each other');
  if (query.publicKey !== undefined && query.proof === undefined)
    throw new UserError('--public-key is for --proof; the ledger and its exports hold their keys: use --key');
  if (query.export !== undefined) {
    const { verifyExport } = await import('./ledger-verify-export.ts');
    return { verdict: await verifyExport(query.export, { ...key, ...witnessed }), notices };
  }
  if (query.proof !== undefined) {
    const { verifyProof } = await import('./ledger-prove.ts');
    const publicKey = query.publicKey === undefined ? {} : { publicKey: readNamed(query.publicKey, MAX_KEY_BYTES) };
    const verdict = verifyProof(readNamed(query.proof), { ...key, ...witnessed, ...publicKey });
    if (
      query.witnessed !== undefined &&
      !['checkpoint', 'both'].includes(verdict.trust) &&
      verdict.problems.length === 0
    )
      notices.push(
        `${query.witnessed} has no checkpoint of ${verdict.signed} records, so it says nothing of this proof`,
      );
    return { verdict, notices };
  }
  const from = query.from === undefined ? undefined : read(query.from).toSorted((a, b) => b.size - a.size)[0];
  const { state } = openContext(query);
  return { verdict: await verifyLedger({ state, ...key, ...witnessed, ...(from && { from }) }), notices };
}
