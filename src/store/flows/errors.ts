import { UserError } from '../../model/errors.ts';
import { DuckDbMissing } from '../../util/duckdb.ts';
import { isBusy } from '../sqlite-errors.ts';

/** Turns what a person can put right into a UserError that says what happened, where, and what to do. Returns others as they are. */
export function explainFlowError(error: unknown, folder: string): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const told = (message: string, hint: string): UserError => new UserError(message, { hint, cause: error });
  if (error instanceof DuckDbMissing)
    return told(
      `flows cannot be kept or read here: ${error.message}`,
      'Flows need the package @duckdb/node-bindings of this platform (Linux, macOS and Windows, x64 and arm64): install quietdoor with its optional packages. "quietdoor doctor" says what is there.',
    );
  const { code } = error as NodeJS.ErrnoException;
  const text = error.message;
  if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left on device|Disk quota exceeded/i.test(text))
    return told(
      `the disk is full: flows could not be written in ${folder}`,
      'What was taken in before is safe, and nothing of this counts. Make room on that file system and run it again.',
    );
  if (code === 'EFBIG' || /File too large/i.test(text))
    return told(
      `flows could not be written in ${folder}: a file would be larger than this process may write`,
      'Raise the limit (ulimit -f) and run it again. Nothing of this counts.',
    );
  if (code === 'EROFS' || code === 'EACCES' || /Read-only file system|Permission denied/i.test(text))
    return told(
      `flows cannot be read or written in ${folder}: ${firstLine(text)}`,
      'Run this as the user who owns that folder, or choose another with --state.',
    );
  if (/^(Out of Memory|.*failed to offload data block)/i.test(text))
    return told(
      `there is not enough room for what does not fit into memory, in ${folder}: ${firstLine(text)}`,
      'Make room on that file system, or ask for a shorter time or fewer ports.',
    );
  if (isBusy(error))
    return told(
      `the flows in ${folder} are being cleaned up by another process`,
      'Nothing was written. Run this again in a moment.',
    );
  return error;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? text;
}
