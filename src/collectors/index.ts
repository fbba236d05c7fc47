import type { Collector } from './collector.ts';
import { local } from './local.ts';

/** Every discovery source, by hand: one line per file of this folder. */
export const collectors: readonly Collector[] = [local];
