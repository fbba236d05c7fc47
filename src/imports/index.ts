import type { ImportFormat } from './import-format.ts';
import { lsof } from './lsof.ts';
import { netstat } from './netstat.ts';
import { ss } from './ss.ts';

/** Every import format, by hand: one line per file of this folder, the most particular ones first. */
export const importFormats: readonly ImportFormat[] = [ss, netstat, lsof];
