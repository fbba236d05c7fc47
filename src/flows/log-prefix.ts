import { ACTION } from '../model/flow.ts';
import { sameText } from './scan.ts';

const DENIED = /^(drop|dropped|reject|rejected|block|blocked|deny|denied)$/;
const ACCEPTED = /^(accept|accepted|allow|allowed)$/;
/** Beside one of these, a word of the above does not say what became of the packet. */
const DOUBT = /^(no|not|non|would|audit|test|dry|dryrun|if|or)$/;
/** firewalld: the last word is the verdict, and a zone may be called `drop` or `block`. */
const FIREWALLD = /^filter_(?:IN|FWD|FWDI|FWDO|OUT)_.*_(ACCEPT|REJECT|DROP|DENY)$/;
/** VyOS and EdgeOS: `[WAN_IN-10-D]`, rule set, rule and the verdict's first letter. */
const VYOS = /^\[.+-(?:\d+|default)-([ADR])\]$/;
const MOST_REMEMBERED = 64;
const LONGEST = 256;

/** What a prefix says, by its words (`[UFW BLOCK]`, `web-drop:`); unknown where it says neither or both. */
export function actionOfPrefix(prefix: string): number {
  const text = prefix.trim().replace(/:$/, '').trim();
  const firewalld = FIREWALLD.exec(text)?.[1];
  if (firewalld) return firewalld === 'ACCEPT' ? ACTION.accepted : ACTION.denied;
  const vyos = VYOS.exec(text)?.[1];
  if (vyos) return vyos === 'A' ? ACTION.accepted : ACTION.denied;
  const words = text.toLowerCase().split(/[^a-z0-9]+/);
  if (words.some((word) => DOUBT.test(word))) return ACTION.unknown;
  const isDenied = words.some((word) => DENIED.test(word));
  const isAccepted = words.some((word) => ACCEPTED.test(word));
  if (isDenied === isAccepted) return ACTION.unknown;
  return isDenied ? ACTION.denied : ACTION.accepted;
}

/** Tells actions by the prefixes of log lines: those that were named first, then by their words. */
export function createPrefixActions(
  named: ReadonlyMap<string, 'accepted' | 'denied'>,
): (bytes: Uint8Array, from: number, to: number) => number {
  const given = new Map([...named].map(([prefix, action]) => [prefix.trim(), ACTION[action]] as const));
  /** Rules are few: their prefixes are looked at once. */
  const known: { bytes: Uint8Array; action: number }[] = [];

  return (bytes, from, to) => {
    for (const entry of known) if (sameText(bytes, from, to, entry.bytes)) return entry.action;
    const prefix = new TextDecoder().decode(bytes.subarray(from, Math.min(to, from + LONGEST)));
    const action = to - from > LONGEST ? ACTION.unknown : (given.get(prefix.trim()) ?? actionOfPrefix(prefix));
    if (known.length < MOST_REMEMBERED && to - from <= LONGEST) known.push({ bytes: bytes.slice(from, to), action });
    return action;
  };
}
