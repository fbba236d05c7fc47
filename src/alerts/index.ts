import type { Channel } from './channel.ts';
import { jsonl } from './jsonl.ts';
import { slack } from './slack.ts';
import { smtp } from './smtp.ts';
import { syslog } from './syslog.ts';
import { teams } from './teams.ts';
import { webhook } from './webhook.ts';

/** A channel whose settings were read by itself: what `read` gave is what `send` is handed. */
// biome-ignore lint/suspicious/noExplicitAny: each channel has settings of its own; only it looks into them
export type AnyChannel = Channel<any>;

/** Every channel, by hand: one line per file of this folder. */
export const channels: readonly AnyChannel[] = [webhook, slack, teams, smtp, syslog, jsonl];
