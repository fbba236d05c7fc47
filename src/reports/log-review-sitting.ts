import { count } from '../util/words.ts';
import { printable } from './printable.ts';
import { formatTime, isoTime } from './time.ts';

/** A sitting of log review, with every decision. */
export interface ShownSitting {
  readonly record: number;
  /** Who is named as the reviewer, and who ran the program. */
  readonly by: string;
  readonly actor: string;
  /** UTC milliseconds. */
  readonly at: number;
  readonly signature:
    | { readonly kind: 'none' }
    | { readonly kind: 'good'; readonly key: string }
    | { readonly kind: 'forged' | 'untrusted' | 'expired' | 'unavailable'; readonly reason: string };
  readonly items: readonly {
    readonly id: string;
    readonly decision: string;
    readonly note: string | null;
    readonly says: string;
    readonly records: readonly number[];
  }[];
}

/** Renders a sitting as text, or as `json`. */
export function renderSitting(sitting: ShownSitting, format: string): string {
  if (format === 'json')
    return `${JSON.stringify({ schemaVersion: 1, ...sitting, at: isoTime(sitting.at) }, null, 2)}\n`;
  const lines = [
    `Sitting of record ${sitting.record}, ${formatTime(sitting.at)}, ${count(sitting.items.length, 'item')}`,
    `In the name of ${sitting.by}, written by ${sitting.actor}: ${signatureWords(sitting.signature)}`,
    ...sitting.items.flatMap(({ decision, says, note }) => [
      '',
      `${decision.padEnd(9)}  ${says}`,
      ...(note === null ? [] : [`${' '.repeat(9)}  ${note}`]),
    ]),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function signatureWords(signature: ShownSitting['signature']): string {
  switch (signature.kind) {
    case 'none':
      return 'not signed with an SSH key, so the name is what was typed';
    case 'good':
      return `signed with the SSH key ${signature.key}`;
    case 'forged':
      return 'the SSH signature does not fit these decisions';
    default:
      return `the SSH signature is not proven: ${signature.reason}`;
  }
}
