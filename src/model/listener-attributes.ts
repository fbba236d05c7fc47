import type { Listener } from './listener.ts';

/**
 * What of a listener may change while it stays the same listener, in the order of change records. Pids and start times
 * are not here: a restart is no change.
 */
export const LISTENER_ATTRIBUTES = [
  'exe',
  'user',
  'unit',
  'package',
  'packageVersion',
  'sha256',
  'container',
  'socketUid',
  'bind',
  'families',
  'service',
  'encryption',
  'certificate',
] as const;
export type ListenerAttribute = (typeof LISTENER_ATTRIBUTES)[number];

/** Known attributes as text. An absent one is unknown. */
export type ListenerAttributes = { readonly [name in ListenerAttribute]?: string };

export interface AttributeChange {
  readonly attribute: ListenerAttribute;
  readonly old: string;
  readonly new: string;
}

/** Returns what is known of a listener's attributes, keys in order. */
export function attributesOf(l: Listener): ListenerAttributes {
  const { process: p, answer } = l;
  const known: { [name in ListenerAttribute]?: string } = { bind: l.bind };
  if (answer?.tls?.fingerprint !== undefined) known.certificate = answer.tls.fingerprint;
  if (p?.container !== undefined) known.container = p.container;
  if (answer?.encryption !== undefined) known.encryption = answer.encryption;
  if (p?.exe !== undefined) known.exe = p.exe;
  known.families = l.families.join(' ');
  if (p?.package !== undefined) {
    known.package = p.package.name;
    known.packageVersion = p.package.version;
  }
  if (answer?.service !== undefined) known.service = answer.service;
  if (p?.sha256 !== undefined) known.sha256 = p.sha256;
  if (l.uid !== undefined) known.socketUid = String(l.uid);
  if (p?.unit !== undefined) known.unit = p.unit;
  if (p?.user !== undefined) known.user = p.user;
  return known;
}

/** Returns the attributes that both sides know and that differ. */
export function attributeChanges(before: ListenerAttributes, now: ListenerAttributes): readonly AttributeChange[] {
  const changes: AttributeChange[] = [];
  for (const attribute of LISTENER_ATTRIBUTES) {
    const old = before[attribute];
    const current = now[attribute];
    if (old !== undefined && current !== undefined && old !== current) changes.push({ attribute, old, new: current });
  }
  return changes;
}

/** Returns what was known before and is not visible now; undefined if nothing. */
export function hiddenAttributes(before: ListenerAttributes, now: ListenerAttributes): ListenerAttributes | undefined {
  const hidden: { [name in ListenerAttribute]?: string } = {};
  let any = false;
  for (const attribute of LISTENER_ATTRIBUTES) {
    const old = before[attribute];
    if (old === undefined || now[attribute] !== undefined) continue;
    hidden[attribute] = old;
    any = true;
  }
  return any ? hidden : undefined;
}
