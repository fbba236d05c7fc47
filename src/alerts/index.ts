import type { Channel } from './channel.ts';

/** Every channel, by hand: one line per file of this folder. */
export const channels: readonly Channel<never>[] = [];
