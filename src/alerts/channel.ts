import type { Incident } from '../model/incident.ts';

/** What is sent: about one incident, a digest of several, or a summary instead of a flood. */
export interface AlertMessage {
  /** UUID: the same in every attempt, so that a receiver can tell a repeat. */
  readonly id: string;
  readonly kind: 'raised' | 'reminded' | 'resolved' | 'digest' | 'summary' | 'test';
  /** UTC milliseconds. */
  readonly at: number;
  /** Name of the workspace. */
  readonly workspace: string;
  readonly version: string;
  readonly incidents: readonly Incident[];
  /** `summary`: how many more there are that are not told one by one. */
  readonly more: number;
  /** E-mail addresses of the owners it is for, where the route says that owners are told. */
  readonly recipients?: readonly string[];
  /** Begin of links to incidents, without a slash at its end: `${links}/${incident.id}`. Absent: none are made. */
  readonly links?: string;
}

/** What a channel is told of its surroundings. */
export interface Delivery {
  /** Reads a secret by the name that the config gives (`env:NAME` or `file:PATH`). Throws UserError where there is none. */
  readonly secret: (reference: string) => Promise<string>;
  /** Ends the attempt; every channel also keeps a time limit of its own, 10 s. */
  readonly signal: AbortSignal;
  /** Name of this machine, for the envelope. */
  readonly host: string;
  /** Absolute path of the workspace: relative paths in settings start there. */
  readonly folder: string;
}

/** A delivery failed. `retry`: trying again later may help (a time-out, HTTP 5xx, SMTP 4xx); else it never will. */
export class DeliveryError extends Error {
  readonly retry: boolean;
  constructor(message: string, retry: boolean, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DeliveryError';
    this.retry = retry;
  }
}

/** What is wrong with a setting: `path` names it (`tls.ca`), '' is the whole. */
export interface SettingProblem {
  readonly path: string;
  readonly message: string;
}

export type ReadSettings<Settings> = { readonly settings: Settings } | { readonly problems: readonly SettingProblem[] };

/** A way to tell somebody: one file of this folder each. `Settings`: its part of `alerts.channels` in quietdoor.yaml. */
export interface Channel<Settings> {
  /** Slug: `webhook`, `slack`, `teams`, `smtp`, `syslog`, `jsonl`. */
  readonly kind: string;
  readonly title: string;
  /** Checks settings as they were written: plain data in which every scalar is a text (`'587'`, `'true'`). Returns them with defaults, or sentences that say what is wrong where. */
  read(
    raw: unknown,
  ): { readonly settings: Settings } | { readonly problems: readonly { path: string; message: string }[] };
  /** Resolves when the receiver took it. Throws DeliveryError. Never sends a secret anywhere but to its receiver, nor names it. */
  send(message: AlertMessage, settings: Settings, delivery: Delivery): Promise<void>;
}
