import type { z } from 'zod';
import type { AlertChannel, AlertPolicy, AlertRoute, TimeOfDay } from '../model/alert-policy.ts';
import { parseCron } from '../model/cron.ts';
import type { SourcePosition } from '../model/errors.ts';
import { type ConfigReader, list, type Said, sorted } from './config-reader.ts';
import { type ConfigInput, configSchema } from './config-schema.ts';
import { dropBlanks, type Issue, take } from './issues.ts';
import type { YamlPath } from './positions.ts';
import { cut, type Read, readMinutes } from './times.ts';

/** What one config says of alerts; what it does not say is absent. */
export interface AlertLayer {
  /** By name, in the order of the file. */
  readonly channels: ReadonlyMap<string, Said<AlertChannel>>;
  readonly settings: Partial<Omit<AlertPolicy, 'channels'>>;
}

type Written = NonNullable<ConfigInput['alerts']>;
type WrittenChannel = NonNullable<Written['channels']>[number];
type WrittenRoute = NonNullable<Written['routes']>[number];

const MINUTE_MS = 60_000;
/** Settings of a channel of which the place is kept, and how deep they nest. */
const MOST_PLACES = 200;
const DEEPEST = 5;

/** Reads `alerts`; each channel, route and setting is judged by itself. */
export function readAlerts(read: ConfigReader): AlertLayer {
  const raw = read.raw('alerts');
  const schema = configSchema.shape.alerts.unwrap();
  const channels = new Map<string, Said<AlertChannel>>();
  const settings: { -readonly [K in keyof AlertLayer['settings']]: AlertLayer['settings'][K] } = {};
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) {
    if (raw !== undefined) read.value(['alerts'], raw, schema, () => null);
    return { channels, settings };
  }
  const { channels: writtenChannels, routes, ...others } = raw as Record<string, unknown>;
  for (const [i, item] of itemsOf(read, 'channels', writtenChannels)) readChannel(read, i, item, channels);
  if (routes !== undefined)
    settings.routes = itemsOf(read, 'routes', routes).flatMap(([i, item]) => readRoute(read, i, item) ?? []);
  for (const [key, value] of Object.entries(others)) {
    // One at a time: a setting that is wrong costs only itself.
    const said = read.value(['alerts'], { [key]: value }, schema, understand);
    Object.assign(settings, said);
  }
  return { channels, settings };
}

function itemsOf(read: ConfigReader, key: 'channels' | 'routes', raw: unknown): [number, unknown][] {
  if (raw === undefined) return [];
  if (Array.isArray(raw)) return [...raw.entries()].map(([i, item]) => [i, dropBlanks(item)]);
  const schema: z.ZodType = configSchema.shape.alerts.unwrap().shape[key].unwrap();
  read.value(['alerts', key], raw, schema, () => null);
  return [];
}

function readChannel(read: ConfigReader, i: number, raw: unknown, channels: Map<string, Said<AlertChannel>>): void {
  const path = ['alerts', 'channels', i];
  const schema = configSchema.shape.alerts.unwrap().shape.channels.unwrap().element;
  const at = read.at(path);
  const channel = read.value(path, raw, schema, (written: WrittenChannel): AlertChannel => {
    const { name, kind, owners, perOwner, ...settings } = written;
    const places = placesOf(read, path, settings);
    return { name, kind: kind.trim(), owners: sorted(owners), perOwner: isYes(perOwner), settings, at, places };
  });
  if (!channel) return;
  if (!channels.has(channel.name)) channels.set(channel.name, { value: channel, at });
  else {
    const message = `name: there is another channel "${channel.name}"`;
    read.report([{ path: ['name'], code: 'duplicate-name', message }], path);
  }
}

function placesOf(read: ConfigReader, path: YamlPath, settings: object): Record<string, SourcePosition> {
  const places: Record<string, SourcePosition> = {};
  let count = 0;
  const walk = (value: unknown, below: YamlPath): void => {
    if (value === null || typeof value !== 'object' || below.length === DEEPEST) return;
    for (const [key, member] of Object.entries(value)) {
      if (count++ >= MOST_PLACES) return;
      const step = Array.isArray(value) ? Number(key) : key;
      places[[...below, key].join('.')] = read.at([...path, ...below, step]);
      walk(member, [...below, step]);
    }
  };
  walk(settings, []);
  return places;
}

function readRoute(read: ConfigReader, i: number, raw: unknown): AlertRoute | undefined {
  const path = ['alerts', 'routes', i];
  const schema = configSchema.shape.alerts.unwrap().shape.routes.unwrap().element;
  return read.value(path, raw, schema, (written: WrittenRoute, issues: Issue[]): AlertRoute => {
    const to = list(written.to).map((name) => name.trim());
    if (to.length === 0) issues.push({ path: ['to'], code: 'bad-value', message: 'to: names no channel' });
    return {
      ...{ owners: sorted(written.owner), severity: written.severity ?? null, kinds: sorted(written.kinds) },
      ...{ zones: sorted(written.zones), data: sorted(written.data).map((name) => name.toLowerCase()) },
      ...{ to, goesOn: isYes(written.continue), at: read.at(path) },
    };
  });
}

function understand(
  written: Omit<Written, 'channels' | 'routes'>,
  issues: Issue[],
): Partial<Omit<AlertPolicy, 'channels' | 'routes'>> {
  const time = (text: string, path: YamlPath) => take(readTimeOfDay(text), path, issues);
  const span = (text: string, path: YamlPath) => {
    const minutes = take(readMinutes(text), path, issues);
    return minutes === undefined ? undefined : minutes * MINUTE_MS;
  };
  const { fallback, severity, ignore, timeZone, digest, quietHours, dailyCap, remind, resolveAfter } = written;
  if (timeZone !== undefined) {
    const read = parseCron('0 0 * * *', timeZone.trim());
    if ('problem' in read)
      issues.push({ path: ['timeZone'], code: 'bad-time-zone', message: `timeZone: ${read.problem}` });
  }
  const links = written.links?.trim().replace(/\/+$/, '');
  if (links !== undefined && !(/^https?:\/\/\S+$/.test(links) && URL.canParse(links)))
    issues.push({ path: ['links'], code: 'bad-url', message: `links: expected an https URL, not "${cut(links)}"` });
  return {
    ...(fallback !== undefined && { fallback: list(fallback).map((name) => name.trim()) }),
    ...(severity !== undefined && { severity }),
    ...(ignore !== undefined && { ignore: sorted(ignore) }),
    ...(timeZone !== undefined && { timeZone: timeZone.trim() }),
    ...(digest !== undefined && { digest: digest.trim() === 'none' ? null : (time(digest, ['digest']) ?? null) }),
    ...(quietHours !== undefined && {
      quietHours: {
        from: time(quietHours.from, ['quietHours', 'from']) ?? 0,
        until: time(quietHours.until, ['quietHours', 'until']) ?? 0,
        except: quietHours.except ?? 'high',
      },
    }),
    ...(dailyCap !== undefined && { dailyCap: Number(dailyCap) }),
    ...(remind !== undefined && { remindMs: remind.trim() === 'never' ? null : (span(remind, ['remind']) ?? null) }),
    ...(resolveAfter !== undefined && { resolveAfterMs: span(resolveAfter, ['resolveAfter']) ?? 0 }),
    ...(written.tellResolved !== undefined && { tellResolved: isYes(written.tellResolved) }),
    ...(links !== undefined && { links }),
  };
}

function readTimeOfDay(text: string): Read<TimeOfDay> {
  const [, hour, minute] = /^(\d{1,2}):(\d\d)$/.exec(text.trim()) ?? [];
  if (hour !== undefined && Number(hour) < 24 && Number(minute) < 60)
    return { value: Number(hour) * 60 + Number(minute) };
  return { code: 'bad-time', message: `expected a time of day such as 08:00, not "${cut(text)}"` };
}

function isYes(written: boolean | 'true' | 'false' | undefined): boolean {
  return written === true || written === 'true';
}
