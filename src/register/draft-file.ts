import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { UserError } from '../model/errors.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { EntryDraft } from './draft.ts';
import { joinHosts } from './join-hosts.ts';
import { columnOf, eolOf, yamlList, yamlText } from './yaml-text.ts';

const HEADER = `# yaml-language-server: $schema=../.schemas/register.json
# Drafts made from what was observed. Nothing here is approved. For each entry: say what it is for, who answers for it
# and who may connect, or delete it and close the port. Then: quietdoor register approve ID
ports:
`;

/**
 * Returns the text of register/drafts.yaml with the drafts added at the end of its list. What stands there keeps its
 * bytes; a draft that joins one there adds its hosts to it, another whose id is there already is left out. `null`: there is no file yet. Throws UserError where the
 * file is not a register file.
 */
export function renderDrafts(drafts: readonly EntryDraft[], existing: string | null): string {
  if (existing === null || existing.trim() === '') {
    return drafts.length === 0 ? (existing ?? '') : HEADER + drafts.map((d) => renderDraft(d, '  ')).join('\n');
  }
  let joined = existing;
  for (const draft of drafts) if (draft.joins) joined = joinHosts(joined, draft.id, draft.hosts);
  const { ids, indent, isEmpty, end, heading } = readExisting(joined);
  const added = drafts.filter((draft) => !ids.has(draft.id));
  if (added.length === 0) return joined;
  const eol = eolOf(joined);
  const text = (heading + added.map((draft) => renderDraft(draft, indent)).join('\n')).replaceAll('\n', eol);
  const head = joined.slice(0, end.offset);
  const tail = joined.slice(end.until);
  const gap = head.endsWith('\n') ? '' : eol;
  return `${head}${gap}${isEmpty ? '' : eol}${text}${tail}`;
}

interface Existing {
  readonly ids: ReadonlySet<unknown>;
  readonly indent: string;
  readonly isEmpty: boolean;
  /** What the list lacks to begin. */
  readonly heading: string;
  /** New text goes from `offset`, in the place of what stands up to `until`. */
  readonly end: { readonly offset: number; readonly until: number };
}

function readExisting(text: string): Existing {
  const doc = parseDocument(text);
  const refuse = (why: string) =>
    new UserError(`register/drafts.yaml ${why}, so no draft was added to it`, {
      hint: 'Put it right (quietdoor register lint shows where), then draft again.',
    });
  if (doc.errors[0]) throw refuse('is not valid YAML');
  const whole = { offset: text.length, until: text.length };
  const root: unknown = doc.contents;
  if (root === null) return { ids: new Set(), indent: '  ', isEmpty: true, end: whole, heading: 'ports:\n' };
  if (!isMap(root)) throw refuse('does not begin with ports:');
  const pair = (root as YAMLMap).items.find((p) => (p.key as { value?: unknown } | null)?.value === 'ports');
  if (!pair || root.items.at(-1) !== pair) throw refuse('does not end with its list of ports:');
  const value = pair.value as { range?: [number, number, number] } | null;
  const list: unknown = value;
  if (isSeq(list) && list.items.length > 0) {
    if (list.flow || !list.range) throw refuse('has its list in brackets');
    const ids = new Set(list.items.map((item) => (isMap(item) ? (item as YAMLMap).get('id') : undefined)));
    return { ids, indent: ' '.repeat(columnOf(text, list.range[0])), isEmpty: false, end: whole, heading: '' };
  }
  if (!value?.range || (!isSeq(list) && (list as { value?: unknown }).value !== null))
    throw refuse('has no list under ports:');
  // `ports:` or `ports: []`: the brackets go.
  return {
    ids: new Set(),
    indent: '  ',
    isEmpty: true,
    end: { offset: value.range[0], until: value.range[1] },
    heading: '',
  };
}

/** One draft as an item of the list, ending in a newline. */
function renderDraft(draft: EntryDraft, indent: string): string {
  const fill = (key: string, value: string | null, comment: string) =>
    value === null ? `${key}: # ${comment}` : `${key}: ${value}`;
  const { process } = draft;
  const rule = (['exe', 'user', 'unit', 'package'] as const)
    .filter((key) => process[key] !== undefined)
    .map((key) => `${key}: ${yamlText(process[key] as string)}`);
  const lines = [
    `id: ${yamlText(draft.id)}`,
    fill(
      'service',
      draft.service === null ? null : yamlText(draft.service),
      'what runs here; the IANA name where there is one',
    ),
    fill('purpose', null, 'why the port is open, in a sentence'),
    fill('owner', draft.owner === null ? null : yamlText(draft.owner), 'a name under owners: of quietdoor.yaml'),
    `hosts: ${yamlList(draft.hosts)}`,
    ...(draft.scope === 'host' ? [] : [`scope: ${yamlText(draft.scope)}`]),
    `port: ${portText(draft)}`,
    `transport: ${draft.transport}`,
    `bind: ${yamlText(draft.bind)}`,
    ...(rule.length === 0 ? [] : [`process: { ${rule.join(', ')} }`]),
    fill(
      'sources',
      draft.sources === null ? null : yamlList(draft.sources),
      'who may connect: [zone:NAME, 10.0.0.0/8]; [] = nobody from outside the host',
    ),
    'evidence:',
    ...draft.evidence.map((line) => `  - ${JSON.stringify(line)}`),
  ];
  return lines.map((line, i) => `${indent}${i === 0 ? '- ' : '  '}${line}\n`).join('');
}

function portText({ ports }: EntryDraft): string {
  const [first] = ports;
  if (ports.length === 1 && first && first.from === first.to) return String(first.from);
  const items = ports.map((r) => (r.from === r.to ? String(r.from) : JSON.stringify(formatPorts([r]))));
  return ports.length === 1 ? (items[0] as string) : `[${items.join(', ')}]`;
}
