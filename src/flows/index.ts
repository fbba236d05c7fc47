import { conntrackText } from './conntrack-text.ts';
import type { FlowFormat } from './flow-format.ts';

/** Every flow log format, by hand: one line per file of this folder, the most particular ones first. */
export const flowFormats: readonly FlowFormat[] = [conntrackText];
