/**
 * Something the person at the keyboard can put right: shown as its message alone, without a stack.
 * The message says what happened and where; `hint` says what to do next.
 */
export class UserError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.hint = options.hint;
  }
}

/** A place in a file that a person wrote. Lines and columns count from 1. */
export interface SourcePosition {
  /** Path as the person would type it: relative to the workspace where it lies inside, else absolute. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `register/db.yaml:12:7`, the form that editors and terminals make clickable. */
export function formatPosition(at: SourcePosition): string {
  return `${at.file}:${at.line}:${at.column}`;
}
