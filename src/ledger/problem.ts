/** Ways in which a ledger can fail to hold. */
export type ProblemKind =
  | 'altered'
  | 'missing'
  | 'inserted'
  | 'reordered'
  | 'columns'
  | 'tree'
  | 'checkpoint'
  | 'key'
  | 'cut'
  | 'fork'
  | 'file';

export interface LedgerProblem {
  readonly kind: ProblemKind;
  /** Record that it is about; absent where it is about more than one. */
  readonly sequence?: number;
  readonly message: string;
}
