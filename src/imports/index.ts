import type { ImportFormat } from './import-format.ts';

/** Every import format, by hand: one line per file of this folder, the most particular ones first. */
export const importFormats: readonly ImportFormat[] = [];
