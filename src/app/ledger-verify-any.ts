import { UserError } from '../model/errors.ts';
import { openContext, type PlaceFlags } from './context.ts';
import { readFingerprint, readNamed, readWitnessed } from './ledger-files.ts';
import { type LedgerVerdict, verifyLedger } from './ledger-verify.ts';

/** What `ledger verify` was asked; texts as typed. */
export interface VerifyQuery extends PlaceFlags {
  readonly key?: string;
  readonly witnessed?: string;
  readonly from?: string;
  readonly export?: string;
  readonly proof?: string;
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
  if (query.export !== undefined) {
    const { verifyExport } = await import('./ledger-verify-export.ts');
    return { verdict: await verifyExport(query.export, { ...key, ...witnessed }), notices };
  }
  if (query.proof !== undefined) {
    const { verifyProof } = await import('./ledger-prove.ts');
    return { verdict: verifyProof(readNamed(query.proof), { ...key, ...witnessed }), notices };
  }
  const from = query.from === undefined ? undefined : read(query.from).toSorted((a, b) => b.size - a.size)[0];
  const { state } = openContext(query);
  return { verdict: await verifyLedger({ state, ...key, ...witnessed, ...(from && { from }) }), notices };
}
