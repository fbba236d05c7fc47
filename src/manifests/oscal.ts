import type { Declaration } from '../model/declaration.ts';
import type { Transport } from '../model/endpoint.ts';
import services from '../model/services.json' with { type: 'json' };
import type { ManifestFormat, ManifestProblem, ManifestReading } from './manifest-format.ts';
import { listOf, mapOf, shown, textOf, transportOf } from './parts.ts';
import { readYamlDocuments } from './yaml-documents.ts';

/** Where the models keep components (pages.nist.gov/OSCAL, 1.0 to 1.2); `*` stands for every item of a list. */
const COMPONENTS: ReadonlyArray<readonly string[]> = [
  ['component-definition', 'components'],
  ['system-security-plan', 'system-implementation', 'components'],
  ['assessment-plan', 'local-definitions', 'components'],
  ['assessment-results', 'results', '*', 'local-definitions', 'components'],
  ['plan-of-action-and-milestones', 'local-definitions', 'components'],
];
const ROOTS = [...new Set(COMPONENTS.map(([root]) => root))].join('|');

/**
 * OSCAL: ports that a security plan or component definition documents, JSON or YAML. Real plans are often invalid and
 * still have good ports, so each part is judged by itself.
 */
export const oscal: ManifestFormat = {
  name: 'oscal',
  title: 'OSCAL system security plan or component definition (JSON, YAML)',
  detect: ({ text }) => new RegExp(`^[\\s{]*"?(${ROOTS})"?\\s*:`, 'm').test(text.slice(0, 4096)),
  read(text, source): ManifestReading {
    const document = parse(text);
    const reading = { declarations: [] as Declaration[], problems: [...document.problems] };
    for (const path of COMPONENTS)
      for (const { component, place } of componentsAt(document.value, path, ''))
        readComponent(component, place, knownUuids(document.value), source, reading);
    return reading;
  },
};

interface Reading {
  readonly declarations: Declaration[];
  readonly problems: ManifestProblem[];
}

function parse(text: string): { value: unknown; problems: readonly ManifestProblem[] } {
  if (!/^\s*\{/.test(text)) {
    const { documents, problems } = readYamlDocuments(text);
    return { value: documents[0]?.value, problems };
  }
  try {
    return { value: JSON.parse(text), problems: [] };
  } catch (error) {
    return { value: undefined, problems: [{ message: `no valid JSON: ${(error as Error).message}` }] };
  }
}

function* componentsAt(
  value: unknown,
  [step, ...rest]: readonly string[],
  place: string,
): Iterable<{ component: Readonly<Record<string, unknown>>; place: string }> {
  if (step === undefined) {
    for (const [i, item] of listOf(value).entries()) yield { component: mapOf(item), place: `${place}/${i}` };
    // The first versions of component definitions had a map by uuid.
    for (const [key, item] of Object.entries(mapOf(value))) yield { component: mapOf(item), place: `${place}/${key}` };
  } else if (step === '*') {
    for (const [i, item] of listOf(value).entries()) yield* componentsAt(item, rest, `${place}/${i}`);
  } else yield* componentsAt(mapOf(value)[step], rest, `${place}/${step}`);
}

/** Uuids of components, parties and resources in lower case: what links may point to. */
function knownUuids(value: unknown): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting: unknown[] = [value];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    if (item === null || typeof item !== 'object') continue;
    const uuid = (item as { uuid?: unknown }).uuid;
    if (typeof uuid === 'string') found.add(uuid.toLowerCase());
    for (const member of Object.values(item)) if (typeof member === 'object') waiting.push(member);
  }
  return found;
}

function readComponent(
  component: Readonly<Record<string, unknown>>,
  place: string,
  uuids: ReadonlySet<string>,
  source: string,
  { declarations, problems }: Reading,
): void {
  const title = textOf(component.title) ?? textOf(component.uuid) ?? '(no title)';
  const isInterconnection = textOf(component.type) === 'interconnection';
  const links = listOf(component.links).map(mapOf);
  for (const [i, { rel, href }] of links.entries()) {
    if (rel !== 'used-by' && rel !== 'provided-by') continue;
    const target = (textOf(href) ?? '').replace(/^#/, '').toLowerCase();
    if (/^[0-9a-f-]{36}$/.test(target) && !uuids.has(target))
      problems.push({
        message: `${rel} of "${title}" points to ${shown(href)}, which the document does not have`,
        place: `${place}/links/${i}`,
        isNotice: true,
      });
  }
  const seen = new Set<string>();
  for (const [p, rawProtocol] of listOf(component.protocols).entries()) {
    const protocol = mapOf(rawProtocol);
    const name = textOf(protocol.name);
    const label = name ?? textOf(protocol.title);
    const remote = isInterconnection && name?.toLowerCase() === 'remote';
    for (const [r, rawRange] of listOf(protocol['port-ranges']).entries()) {
      const at = `${place}/protocols/${p}/port-ranges/${r}`;
      const range = readRange(mapOf(rawRange));
      if ('message' in range) {
        problems.push({ message: `${label ?? 'a protocol'} of "${title}": ${range.message}`, place: at });
        continue;
      }
      if (remote) {
        const message = `"remote" of the interconnection "${title}" is the other side's port, so it is not declared here`;
        problems.push({ message, place: at, isNotice: true });
        continue;
      }
      const key = `${label}|${range.transport}|${range.from}|${range.to}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const mismatch = mismatchOf(label, range);
      if (mismatch) problems.push({ message: `${mismatch} in "${title}"`, place: at, isNotice: true });
      declarations.push({
        source,
        format: 'oscal',
        host: null,
        what: `component "${title}"`,
        transport: range.transport,
        ports: [{ from: range.from, to: range.to }],
        reach: 'unknown',
        ...(label === undefined ? {} : { service: label }),
      });
    }
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
  /** null: not said. */
  readonly transport: Transport | null;
}

function readRange(range: Readonly<Record<string, unknown>>): Range | { readonly message: string } {
  const from = number(range.start);
  const to = range.end === undefined ? from : number(range.end);
  for (const [key, value] of [
    ['start', from],
    ['end', to],
  ] as const)
    if (value === null || value < 1 || value > 65535)
      return { message: `${key} ${shown(range[key])} is no port; expected a number from 1 to 65535` };
  if (from === null || to === null || from > to)
    return { message: `the range begins at ${shown(range.start)} and ends before, at ${shown(range.end)}` };
  const transport = range.transport === undefined ? null : transportOf(range.transport);
  if (range.transport !== undefined && transport === null)
    return { message: `transport ${shown(range.transport)} is none that has ports; expected TCP or UDP` };
  return { from, to, transport };
}

/** A whole number, also one that is written as a text; null for anything else. */
function number(value: unknown): number | null {
  const text = typeof value === 'string' ? value.trim() : value;
  if (typeof text === 'string' && !/^-?\d{1,9}$/.test(text)) return null;
  const n = Number(text);
  return (typeof text === 'string' || typeof text === 'number') && Number.isInteger(n) ? n : null;
}

const PORTS_OF = new Map<string, number[]>();
for (const ports of Object.values(services.ports))
  for (const [port, name] of Object.entries(ports)) PORTS_OF.set(name, [...(PORTS_OF.get(name) ?? []), Number(port)]);

/** A sentence where the name is a service's that IANA has at other ports only. */
function mismatchOf(label: string | undefined, { from, to }: Range): string | null {
  const ports = label === undefined ? undefined : PORTS_OF.get(label.toLowerCase());
  if (!ports || ports.some((port) => from <= port && port <= to)) return null;
  const range = from === to ? `port ${from}` : `ports ${from}-${to}`;
  return `${shown(label)} stands at ${range}, and IANA has it at ${[...new Set(ports)].join(', ')}`;
}
