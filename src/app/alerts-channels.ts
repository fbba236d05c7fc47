import type { AnyChannel } from '../alerts/index.ts';
import type { AlertChannel, AlertPolicy } from '../model/alert-policy.ts';
import { ANOMALY_KINDS } from '../model/anomaly.ts';
import { EVENT_TYPES } from '../model/event.ts';
import type { RegisterProblem } from '../model/register.ts';
import { didYouMean } from '../register/suggest.ts';

/** A channel that can be sent through. */
export interface UsableChannel {
  readonly kind: AnyChannel;
  readonly settings: unknown;
}

export interface ReadChannels {
  /** By name. */
  readonly usable: ReadonlyMap<string, UsableChannel>;
  readonly problems: readonly RegisterProblem[];
}

/** Reads the settings of every channel by what its kind takes. One with a problem cannot be used; the others can. */
export async function readChannels(policy: AlertPolicy, kinds?: readonly AnyChannel[]): Promise<ReadChannels> {
  const known = kinds ?? (await import('../alerts/index.ts')).channels;
  const usable = new Map<string, UsableChannel>();
  const problems: RegisterProblem[] = [];
  for (const channel of policy.channels) {
    const kind = known.find((one) => one.kind === channel.kind);
    if (!kind) {
      const names = known.map((one) => one.kind);
      const hint = didYouMean(channel.kind, names) ?? `known kinds: ${names.join(', ')}`;
      const message = `alerts: there is no kind of channel "${channel.kind.slice(0, 60)}" (channel ${channel.name})`;
      problems.push({ severity: 'error', code: 'unknown-channel-kind', message, hint, at: channel.at });
      continue;
    }
    const read = readSettings(kind, channel.settings);
    if ('settings' in read) usable.set(channel.name, { kind, settings: read.settings });
    else problems.push(...read.problems.map((problem) => placed(channel, problem)));
  }
  return { usable, problems };
}

/**
 * YAML is read without guessing, so every scalar is a text; where a channel wants a number or a truth value, a text that is
 * one is handed over as such.
 */
function readSettings(kind: AnyChannel, raw: unknown): ReturnType<AnyChannel['read']> {
  const first = kind.read(raw);
  if ('settings' in first) return first;
  let changed = false;
  const copy = structuredClone(raw);
  for (const { path } of first.problems) changed = convert(copy, path.split('.')) || changed;
  return changed ? kind.read(copy) : first;
}

function convert(settings: unknown, path: readonly string[]): boolean {
  const parent = path.slice(0, -1).reduce<unknown>((at, step) => member(at, step), settings);
  const last = path.at(-1) ?? '';
  const value = member(parent, last);
  if (typeof value !== 'string') return false;
  const meant = value === 'true' ? true : value === 'false' ? false : /^-?\d{1,9}$/.test(value) ? Number(value) : value;
  if (meant === value) return false;
  (parent as Record<string, unknown>)[last] = meant;
  return true;
}

function member(at: unknown, step: string): unknown {
  if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return undefined;
  return (at as Record<string, unknown>)[step];
}

function placed(channel: AlertChannel, { path, message }: { path: string; message: string }): RegisterProblem {
  const steps = path === '' ? [] : path.split('.');
  let at = channel.at;
  for (let n = steps.length; n > 0; n--) {
    const found = channel.places[steps.slice(0, n).join('.')];
    if (!found) continue;
    at = found;
    break;
  }
  const what = path === '' ? '' : `${path}: `;
  const text = `alerts: channel ${channel.name}: ${what}${message}`;
  return { severity: 'error', code: 'bad-channel', message: text, at };
}

/** Everything wrong in `alerts` that the register's room cannot know: kinds of channels, settings, names of rules. */
export async function alertProblems(
  policy: AlertPolicy | undefined,
  rules: readonly string[],
): Promise<readonly RegisterProblem[]> {
  if (!policy) return [];
  const problems: RegisterProblem[] = [];
  const kinds = [...rules, ...ANOMALY_KINDS, ...EVENT_TYPES];
  const check = (names: readonly string[], at: RegisterProblem['at']) => {
    for (const name of names) {
      if (kinds.includes(name)) continue;
      const hint = didYouMean(name, kinds);
      const message = `alerts: "${name.slice(0, 60)}" is no rule, kind of anomaly or type of event`;
      problems.push({ severity: 'error', code: 'unknown-kind', message, ...(hint && { hint }), at });
    }
  };
  for (const route of policy.routes) check(route.kinds, route.at);
  const [first] = [...policy.channels, ...policy.routes];
  check(policy.ignore, first?.at ?? { file: 'quietdoor.yaml', line: 1, column: 1 });
  return [...problems, ...(await readChannels(policy)).problems];
}
