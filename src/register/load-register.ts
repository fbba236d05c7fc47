import { TRANSPORTS } from '../model/endpoint.ts';
import { parsePorts } from '../model/port-ranges.ts';
import type { RegisterEntry, RegisterProblem, Zone } from '../model/register.ts';
import { digestOf } from './digest.ts';
import { dropBlanks, type Issue, toProblem, zodIssues } from './issues.ts';
import { type EntryFields, normaliseEntry, readPorts } from './normalise.ts';
import { indexLines, type LineIndex } from './positions.ts';
import { entrySchema, portList } from './schema.ts';
import { didYouMean } from './suggest.ts';
import { inside, parseYamlParts, type YamlError, type YamlPart } from './yaml-parts.ts';

/** What a register file is read against. */
export interface RegisterContext {
  /** null: not known, so that zones are not looked up. */
  readonly zones: readonly Zone[] | null;
  /** Zones that are declared but could not be read. */
  readonly brokenZones: readonly string[];
  /** File or directory that brought the file by `extends:`; null for the workspace's own. */
  readonly inheritedFrom: string | null;
}

export interface ParsedRegisterFile {
  readonly entries: readonly RegisterEntry[];
  readonly problems: readonly RegisterProblem[];
}

type MightCover = NonNullable<RegisterProblem['mightCover']>;

/**
 * Reads one register file (`ports:` with a list of entries). An entry with an error is left out and its problems say
 * which ports it might have been about; the others are used. Never throws.
 */
export function parseRegisterFile(text: string, file: string, context: RegisterContext): ParsedRegisterFile {
  const lines = indexLines(text, file);
  const entries: RegisterEntry[] = [];
  const problems: RegisterProblem[] = [];
  const yaml = parseYamlParts(text, ['ports']);
  for (const error of yaml.errors) problems.push(brokenPart(error, lines));
  const items: YamlPart[] = yaml.items.map((item) => item.part);
  for (const section of yaml.sections) items.push(...itemsOfSection(section, problems, lines));
  for (const item of items) readEntry(item, lines, context, entries, problems);
  return { entries, problems };
}

/** Reads entries of one list from parts that were parsed before. */
export function readEntry(
  item: YamlPart,
  lines: LineIndex,
  context: RegisterContext,
  entries: RegisterEntry[],
  problems: RegisterProblem[],
): void {
  const { fields, value, issues } = readFields(item.value);
  if (fields && context.zones) checkZones(fields.sources ?? [], value, context.zones, context.brokenZones, issues);
  if (fields && issues.length === 0) {
    const digest = digestOf(fields, context.zones ?? []);
    entries.push({ ...fields, digest, at: lines.position(item.start()), inheritedFrom: context.inheritedFrom });
  }
  const mightCover = issues.length > 0 ? coverOfValue(value, issues) : undefined;
  for (const issue of issues) {
    const problem = toProblem(issue, item, lines);
    problems.push(problem.severity === 'error' && mightCover ? { ...problem, mightCover } : problem);
  }
}

/** Validates and normalises one entry; `value` is what was written, without blank keys. */
export function readFields(written: unknown): { fields: EntryFields | null; value: unknown; issues: Issue[] } {
  const value = dropBlanks(written);
  const issues: Issue[] = [];
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) issues.push(...zodIssues(parsed.error, entrySchema, value));
  const fields = parsed.success ? normaliseEntry(parsed.data, issues) : null;
  return { fields, value, issues };
}

/** Entries of a section that was not split: `ports: [...]`. Anything else there is a problem. */
function itemsOfSection(section: YamlPart, problems: RegisterProblem[], lines: LineIndex): YamlPart[] {
  const value = section.value;
  const report = (issue: Issue) => problems.push({ ...toProblem(issue, section, lines), mightCover: 'anything' });
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    const hint = Array.isArray(value)
      ? 'put the list under the key ports:'
      : 'a register file begins with the line ports:';
    report({ path: [], code: 'no-ports', message: 'expected the key ports: with a list of entries', hint });
    return [];
  }
  const items: YamlPart[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (key !== 'ports') {
      const hint = didYouMean(key, ['ports']) ?? 'a register file has the key ports only';
      report({ path: [key], what: 'key', code: 'unknown-key', message: `unknown key "${key.slice(0, 60)}"`, hint });
    } else if (Array.isArray(member))
      for (const [i, entry] of member.entries()) items.push(inside(section, ['ports', i], entry));
    else if (member !== null && member !== '')
      report({ path: ['ports'], code: 'wrong-type', message: 'ports: expected a list of entries' });
  }
  return items;
}

function checkZones(
  sources: readonly string[],
  value: unknown,
  zones: readonly Zone[],
  brokenZones: readonly string[],
  issues: Issue[],
): void {
  for (const source of sources) {
    if (!source.startsWith('zone:')) continue;
    const name = source.slice('zone:'.length);
    if (zones.some((zone) => zone.name === name)) continue;
    const written = (value as { sources: string | readonly string[] }).sources;
    const i = typeof written === 'string' ? -1 : written.findIndex((item) => item.trim() === source);
    const path = i < 0 ? ['sources'] : ['sources', i];
    const broken = brokenZones.includes(name);
    issues.push({
      path,
      code: broken ? 'broken-zone' : 'unknown-zone',
      message: broken ? `sources: the zone "${name}" could not be read` : `sources: there is no zone "${name}"`,
      hint: broken
        ? 'put right its CIDRs first'
        : (didYouMean(
            name,
            zones.map((zone) => zone.name),
          ) ?? 'declare it under zones in quietdoor.yaml'),
    });
  }
}

/** Ports that an invalid entry might have been about. */
function coverOfValue(value: unknown, issues: readonly Issue[]): MightCover {
  if (value === null || typeof value !== 'object' || !Object.hasOwn(value, 'port')) return 'anything';
  if (issues.some((issue) => issue.path[0] === 'port')) return 'anything';
  const { port, transport } = value as { port: unknown; transport?: unknown };
  const parsed = portList.safeParse(port);
  if (!parsed.success) return 'anything';
  const known = transport === undefined ? 'tcp' : (TRANSPORTS.find((name) => name === transport) ?? null);
  const unread: Issue[] = [];
  const ports = readPorts(parsed.data, known ?? 'tcp', unread);
  return unread.length > 0 ? 'anything' : { transport: known, ports };
}

function brokenPart(error: YamlError, lines: LineIndex): RegisterProblem {
  return {
    severity: 'error',
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    at: lines.position(error.offset),
    mightCover: error.list === null ? 'anything' : coverOfText(error.text),
  };
}

/**
 * Ports that a list item with broken YAML might have been about, read line by line: only where every mention of a port
 * is a plain line that can be read, else anything.
 */
function coverOfText(text: string): MightCover {
  const mentions = text.match(/\bport["']?[ \t]*:/g)?.length ?? 0;
  const ids = text.match(/\bid["']?[ \t]*:/g)?.length ?? 0;
  const written = [...text.matchAll(/^[ \t]*(?:- +)?port: *([\d"'][\d"' -]*?) *(?:#.*)?\r?$/gm)];
  if (written.length === 0 || written.length !== mentions || ids > mentions) return 'anything';
  const read = parsePorts(written.map(([, port]) => (port as string).replaceAll(/["']/g, '')));
  if (read.problems.length > 0) return 'anything';
  const transports = [...text.matchAll(/\btransport["']?[ \t]*:[ \t]*(\w+)/g)].map((m) => m[1]);
  const known = TRANSPORTS.find((name) => name === transports[0]);
  return { transport: transports.length === 1 && known ? known : null, ports: read.ranges };
}
