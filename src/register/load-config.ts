import type { z } from 'zod';
import type { SourcePosition } from '../model/errors.ts';
import type { Severity } from '../model/finding.ts';
import { mergePorts } from '../model/port-ranges.ts';
import type { FrameworkChoice, HostDeclaration, Owner, Policy, RegisterProblem, Zone } from '../model/register.ts';
import { compareText } from '../util/compare.ts';
import { readCidr } from './addresses.ts';
import { type ConfigInput, configSchema } from './config-schema.ts';
import { dropBlanks, type Issue, keyHint, named, take, toProblem, zodIssues } from './issues.ts';
import { readPorts } from './normalise.ts';
import type { LineIndex, YamlPath } from './positions.ts';
import { readDays, readHours } from './times.ts';
import type { YamlError, YamlPart } from './yaml-parts.ts';

/** Something that a config says, and where. */
export interface Said<T> {
  readonly value: T;
  readonly at: SourcePosition;
}

/** What one quietdoor.yaml (or shared policy file) says; what it does not say is absent. */
export interface ConfigLayer {
  readonly name?: string;
  readonly boundary?: string;
  readonly site?: string;
  readonly authority?: 'git' | 'server';
  readonly failOn?: Severity;
  readonly extends: ReadonlyArray<Said<string>>;
  readonly owners: ReadonlyMap<string, Said<Owner>>;
  readonly zones: ReadonlyMap<string, Said<Zone>>;
  readonly hosts: ReadonlyMap<string, Said<HostDeclaration>>;
  readonly policy: { readonly [K in keyof Policy]?: Said<Policy[K]> };
  readonly frameworks?: readonly FrameworkChoice[];
  /** Declared, but their CIDRs could not be read. */
  readonly brokenZones: readonly string[];
  readonly problems: readonly RegisterProblem[];
}

type Key = keyof ConfigInput;

/**
 * Reads the config from the parts of a YAML file. Each key, and each owner, zone, host and policy setting, is judged by
 * itself: an error costs only it. `lists`: keys that are read elsewhere (`ports` of a shared file).
 */
export function readConfig(
  sections: readonly YamlPart[],
  errors: readonly YamlError[],
  lines: LineIndex,
  lists: readonly string[],
): ConfigLayer {
  const problems: RegisterProblem[] = [];
  for (const error of errors) {
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    const { code, message } = error;
    problems.push({
      severity: 'error',
      code,
      message,
      ...hint,
      at: lines.position(error.offset),
      mightCover: 'anything',
    });
  }
  const parts = new Map<string, YamlPart>();
  for (const part of sections) {
    if (part.value === null || typeof part.value !== 'object' || Array.isArray(part.value)) {
      const message = 'expected a map of keys and values at the left margin';
      problems.push({
        severity: 'error',
        code: 'wrong-type',
        message,
        at: lines.position(part.start()),
        mightCover: 'anything',
      });
      continue;
    }
    for (const key of Object.keys(part.value)) {
      if (Object.hasOwn(configSchema.shape, key)) parts.set(key, part);
      else if (!lists.includes(key)) {
        const elsewhere: Readonly<Record<string, string>> = {
          ports: 'register entries go into files under register/',
          exceptions: 'exceptions go into exceptions.yaml',
        };
        const hint = (Object.hasOwn(elsewhere, key) && elsewhere[key]) || keyHint(key, Object.keys(configSchema.shape));
        const message = `unknown key "${key.slice(0, 60)}"`;
        problems.push(toProblem({ path: [key], what: 'key', code: 'unknown-key', message, hint }, part, lines));
      }
    }
  }
  const read = new Reader(parts, lines, problems);
  return { ...readSimple(read), ...readMaps(read), policy: readPolicy(read), problems };
}

/** Hands out validated values of the config by path and collects the problems. */
class Reader {
  readonly #parts: ReadonlyMap<string, YamlPart>;
  readonly #lines: LineIndex;
  readonly #problems: RegisterProblem[];

  constructor(parts: ReadonlyMap<string, YamlPart>, lines: LineIndex, problems: RegisterProblem[]) {
    this.#parts = parts;
    this.#lines = lines;
    this.#problems = problems;
  }

  /** The value under a top-level key as it is written, blanks taken out. */
  raw(key: Key): unknown {
    const whole = this.#parts.get(key)?.value as Record<string, unknown> | undefined;
    return whole === undefined ? undefined : (dropBlanks({ value: whole[key] }, 3) as { value?: unknown }).value;
  }

  at(path: YamlPath): SourcePosition {
    const part = this.#parts.get(String(path[0]));
    return this.#lines.position(part ? part.locate(path, 'key') : 0);
  }

  report(issues: readonly Issue[], path: YamlPath): void {
    const part = this.#parts.get(String(path[0]));
    if (!part) return;
    for (const issue of issues)
      this.#problems.push(toProblem({ ...issue, path: [...path, ...issue.path] }, part, this.#lines));
  }

  /** Validates the value at a path, and understands it; undefined when anything is wrong (which is then recorded). */
  value<T, U>(
    path: YamlPath,
    raw: unknown,
    schema: z.ZodType<T>,
    understand: (value: T, issues: Issue[]) => U,
  ): U | undefined {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) {
      this.report(labelled(zodIssues(parsed.error, schema, raw), path), path);
      return undefined;
    }
    const issues: Issue[] = [];
    const understood = understand(parsed.data, issues);
    this.report(labelled(issues, path), path);
    return issues.length > 0 ? undefined : understood;
  }

  /** Members of a map under a top-level key. */
  members(key: Key): [string, unknown][] {
    const raw = this.raw(key);
    if (raw === undefined) return [];
    if (raw !== null && typeof raw === 'object' && !Array.isArray(raw)) return Object.entries(raw);
    this.report([{ path: [], code: 'wrong-type', message: `${key}: expected a map of keys and values` }], [key]);
    return [];
  }
}

/** Opens a message with the key it is about, where it does not yet. */
function labelled(issues: readonly Issue[], path: YamlPath): Issue[] {
  return issues.map((issue) =>
    issue.path.some((step) => typeof step === 'string')
      ? issue
      : { ...issue, message: `${named(path)}${issue.message}` },
  );
}

function readSimple(read: Reader) {
  const shape = configSchema.shape;
  const one = <K extends 'name' | 'boundary' | 'site' | 'authority'>(key: K) => {
    const raw = read.raw(key);
    return raw === undefined ? undefined : read.value([key], raw, shape[key].unwrap(), (value) => value.trim());
  };
  const raw = read.raw('extends');
  const bases =
    raw === undefined
      ? []
      : (read.value(['extends'], raw, shape.extends.unwrap(), (value) => (Array.isArray(value) ? value : [value])) ??
        []);
  const extended = bases.map((path, i) => ({
    value: path.trim(),
    at: read.at(Array.isArray(raw) ? ['extends', i] : ['extends']),
  }));
  const chosen = readFrameworks(read);
  const thresholds = read.raw('thresholds');
  const failOn =
    thresholds === undefined
      ? undefined
      : read.value(['thresholds'], thresholds, shape.thresholds.unwrap(), (value) => value.failOn);
  const authority = one('authority') as 'git' | 'server' | undefined;
  const [name, boundary, site] = [one('name'), one('boundary'), one('site')];
  return {
    ...(name === undefined ? {} : { name }),
    ...(boundary === undefined ? {} : { boundary }),
    ...(site === undefined ? {} : { site }),
    ...(authority === undefined ? {} : { authority }),
    ...(failOn === undefined ? {} : { failOn }),
    ...(chosen === undefined ? {} : { frameworks: chosen }),
    extends: extended,
  };
}

/** Each framework is judged by itself; none that is right is the same as none that is said. */
function readFrameworks(read: Reader): readonly FrameworkChoice[] | undefined {
  const raw = read.raw('frameworks');
  if (raw === undefined) return undefined;
  const schema = configSchema.shape.frameworks.unwrap();
  if (!Array.isArray(raw)) {
    read.value(['frameworks'], raw, schema, () => null);
    return undefined;
  }
  const chosen = raw.flatMap((item, i): FrameworkChoice[] => {
    const choice = read.value(['frameworks', i], item, schema.element, (value, issues): FrameworkChoice => {
      if (typeof value === 'string') return { id: value };
      if (value.baseline === undefined) return { id: value.id };
      if (value.id !== 'nist-800-53-r5')
        issues.push({ path: ['baseline'], code: 'bad-value', message: `baseline: ${value.id} has no baselines` });
      return { id: value.id, baseline: value.baseline };
    });
    return choice ? [choice] : [];
  });
  return chosen.length > 0 ? chosen : undefined;
}

function readMaps(read: Reader) {
  const shape = configSchema.shape;
  const owners = new Map<string, Said<Owner>>();
  const zones = new Map<string, Said<Zone>>();
  const hosts = new Map<string, Said<HostDeclaration>>();
  const brokenZones: string[] = [];
  const named = <T>(key: 'owners' | 'zones' | 'hosts', name: string, schema: z.ZodType<T>) => {
    const okName = shape[key].unwrap().keyType.safeParse(name);
    if (okName.success) return schema;
    const message = `${key}: expected a name of letters, digits, dots, dashes and underscores, not "${name.slice(0, 60)}"`;
    read.report([{ path: [name], what: 'key', code: 'bad-key', message }], [key]);
    return undefined;
  };
  for (const [name, raw] of read.members('owners')) {
    const schema = named('owners', name, shape.owners.unwrap().valueType);
    const owner =
      schema &&
      read.value(['owners', name], raw, schema, (value): Owner => {
        if (typeof value === 'string') return { name, title: null, email: value.trim(), codeowners: [], members: [] };
        const { title, email, codeowners, members } = value;
        return {
          name,
          title: title ?? null,
          email: email ?? null,
          codeowners: sorted(codeowners),
          members: sorted(members),
        };
      });
    if (owner) owners.set(name, { value: owner, at: read.at(['owners', name]) });
  }
  for (const [name, raw] of read.members('zones')) {
    const schema = named('zones', name, shape.zones.unwrap().valueType);
    const zone =
      schema &&
      read.value(
        ['zones', name],
        raw,
        schema,
        (value, issues): Zone => ({ name, cidrs: readCidrs(value, [], issues) }),
      );
    if (zone) zones.set(name, { value: zone, at: read.at(['zones', name]) });
    else brokenZones.push(name);
  }
  for (const [name, raw] of read.members('hosts')) {
    const schema = named('hosts', name, shape.hosts.unwrap().valueType);
    const host =
      schema &&
      read.value(
        ['hosts', name],
        raw,
        schema,
        (value, issues): HostDeclaration => ({
          name,
          addresses: readCidrs(value.addresses ?? [], ['addresses'], issues),
          tags: sorted(value.tags),
          ...(value.owner === undefined ? {} : { owner: value.owner.trim() }),
        }),
      );
    if (host) hosts.set(name, { value: host, at: read.at(['hosts', name]) });
  }
  return { owners, zones, hosts, brokenZones };
}

function readCidrs(value: string | readonly string[], path: YamlPath, issues: Issue[]): string[] {
  const found = new Set<string>();
  for (const [i, item] of list(value).entries()) {
    const cidr = take(readCidr(item), typeof value === 'string' ? path : [...path, i], issues);
    if (cidr !== undefined) found.add(cidr);
  }
  return [...found].sort(compareText);
}

function readPolicy(read: Reader): ConfigLayer['policy'] {
  const raw = read.raw('policy');
  if (raw === undefined) return {};
  const schema = configSchema.shape.policy.unwrap();
  const parsed = schema.safeParse(raw);
  let value = parsed.data;
  if (!parsed.success) {
    read.report(zodIssues(parsed.error, schema, raw), ['policy']);
    if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return {};
    // The settings that are right by themselves still count.
    const fine = Object.entries(raw).filter(
      ([key, member]) =>
        Object.hasOwn(schema.shape, key) && schema.shape[key as keyof typeof schema.shape].safeParse(member).success,
    );
    value = schema.parse(Object.fromEntries(fine));
  }
  if (!value) return {};
  const policy: { -readonly [K in keyof Policy]?: Said<Policy[K]> } = {};
  const issues: Issue[] = [];
  const set = <K extends keyof Policy>(key: K, written: string, setting: Policy[K] | undefined) => {
    if (setting !== undefined) policy[key] = { value: setting, at: read.at(['policy', written]) } as (typeof policy)[K];
  };
  const days = (text: string | undefined, path: YamlPath) =>
    text === undefined ? undefined : take(readDays(text), path, issues);
  const hours = value.staleAfter === undefined ? undefined : take(readHours(value.staleAfter), ['staleAfter'], issues);
  set(
    'prohibited',
    'prohibited',
    value.prohibited
      ?.map((item, i) => {
        const transport = item.transport ?? 'tcp';
        const found: Issue[] = [];
        const ports = readPorts(item.port, transport, found);
        issues.push(...found.map((issue) => ({ ...issue, path: ['prohibited', i, ...issue.path] })));
        return { transport, ports: mergePorts(ports), reason: item.reason };
      })
      .filter((item) => item.ports.length > 0),
  );
  set('allow', 'allow', value.allow);
  set('approvers', 'approvers', value.approvers === undefined ? undefined : sorted(value.approvers));
  set('reviewEveryDays', 'review', days(value.review, ['review']));
  if (value.reviewByData !== undefined) {
    const byData: [string, number][] = [];
    for (const [name, text] of Object.entries(value.reviewByData)) {
      const interval = days(text, ['reviewByData', name]);
      if (interval !== undefined) byData.push([name.toLowerCase(), interval]);
    }
    set('reviewEveryDaysByData', 'reviewByData', Object.fromEntries(byData));
  }
  set('dueSoonDays', 'dueSoon', days(value.dueSoon, ['dueSoon']));
  set('exceptionMaxDays', 'exceptionMax', days(value.exceptionMax, ['exceptionMax']));
  set('staleAfterHours', 'staleAfter', hours);
  set('silentAfterDays', 'silentAfter', days(value.silentAfter, ['silentAfter']));
  set('privilegedAllowed', 'privileged', value.privileged === undefined ? undefined : sorted(value.privileged));
  set('claimed', 'claimed', value.claimed);
  read.report(issues, ['policy']);
  return policy;
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function sorted(value: string | readonly string[] | undefined): string[] {
  return [...new Set(list(value).map((item) => item.trim()))].sort(compareText);
}
