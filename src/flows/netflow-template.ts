import { READ } from './netflow-elements.ts';

/** A field whose length each record says for itself (RFC 7011, 7). */
export const VARIABLE = 65_535;

/** How to read the records of a data set. */
export interface Template {
  readonly id: number;
  /** Its records are about the exporter, not about flows. */
  readonly isOptions: boolean;
  /** READ, one a field. */
  readonly reads: Uint8Array;
  /** Bytes; VARIABLE: the record says. */
  readonly lengths: Uint16Array;
  /** Length of every record; 0: they differ. */
  readonly fixedLength: number;
  /** No record is shorter. */
  readonly minLength: number;
  /** Places of the fields that are read, in records of a fixed length. */
  readonly wanted: Uint16Array;
  readonly offsets: Uint16Array;
}

/** Makes a template of its fields, READ and length in turn; null where its records would have no length. */
export function compileTemplate(id: number, isOptions: boolean, fields: readonly number[]): Template | null {
  const count = fields.length / 2;
  const reads = new Uint8Array(count);
  const lengths = new Uint16Array(count);
  const wanted: number[] = [];
  const offsets: number[] = [];
  let minLength = 0;
  let isFixed = true;
  for (let i = 0; i < count; i++) {
    const length = fields[i * 2 + 1] as number;
    reads[i] = fields[i * 2] as number;
    lengths[i] = length;
    if (reads[i] !== READ.skip) {
      wanted.push(i);
      offsets.push(minLength);
    }
    if (length === VARIABLE) isFixed = false;
    minLength += length === VARIABLE ? 1 : length;
  }
  // Such a record fits any number of times into nothing.
  if (minLength === 0 || minLength > VARIABLE) return null;
  return {
    id,
    isOptions,
    reads,
    lengths,
    fixedLength: isFixed ? minLength : 0,
    minLength,
    wanted: Uint16Array.from(wanted),
    offsets: Uint16Array.from(offsets),
  };
}

/** Says whether two templates read the same. */
export function sameTemplate(a: Template, b: Template): boolean {
  if (a.isOptions !== b.isOptions || a.reads.length !== b.reads.length) return false;
  for (let i = 0; i < a.reads.length; i++) if (a.reads[i] !== b.reads[i] || a.lengths[i] !== b.lengths[i]) return false;
  return true;
}
