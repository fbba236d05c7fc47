import type { ManifestFormat } from './manifest-format.ts';

/** Every deployment format, by hand: one line per file of this folder. */
export const manifestFormats: readonly ManifestFormat[] = [];
