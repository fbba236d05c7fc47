import { basename } from 'node:path';
import {
  ASSET_FIELDS,
  type AssetField,
  type AssetFile,
  type AssetFormat,
  type AssetProblem,
  MAX_ASSET_BYTES,
} from '../inventories/asset-format.ts';
import { assetFormats } from '../inventories/index.ts';
import type { Asset, AssetList } from '../model/asset.ts';
import { type AssetStanding, matchAssets } from '../model/asset-match.ts';
import { UserError } from '../model/errors.ts';
import { unifyHosts } from '../model/identity.ts';
import { compareBy } from '../util/compare.ts';
import { sameJson } from '../util/same-json.ts';
import type { Context } from './context.ts';
import { sourceOf } from './declare.ts';
import { loadRegister } from './load-register.ts';
import { readText } from './read-text.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

export interface AssetImport {
  /** Files as the person named them; `-` is standard input. */
  readonly files: readonly string[];
  /** Slug of the format; null: it is recognised. */
  readonly as: string | null;
  /** `FIELD=COLUMN`, for CSV. */
  readonly map: readonly string[];
  /** Name of the list; null: the first file of it. */
  readonly source: string | null;
}

/** What the import of one list came to. */
export interface AssetsImported {
  readonly list: AssetList;
  /** Slug of the format. */
  readonly format: string;
  readonly problems: readonly AssetProblem[];
  /** Against what the source listed before. */
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/**
 * Reads inventories and records each in the place of what its source listed before. Throws UserError where a file cannot
 * be read or is of no format that is known; then nothing is recorded.
 */
export async function importAssets(context: Context, input: AssetImport): Promise<readonly AssetsImported[]> {
  await using store = await openStateToWrite(context);
  const mapping = readMapping(input.map);
  const groups = groupFiles(await readFiles(input.files), input.as, input.source);
  const read = groups.map(({ format, files, source }) => {
    const { assets, problems: found } = format.read(files, { mapping });
    const problems = [...files.flatMap(notText), ...found];
    if (assets.length === 0 && problems.length > 0) {
      const [first] = problems;
      throw new UserError(`nothing in ${source ?? files[0]?.source} could be read as ${format.title}`, {
        hint: `${placeOf(first as AssetProblem)}: ${first?.message}. What was imported before is kept.`,
      });
    }
    const name = source ?? sourceOf(files[0]?.source as string, context.workspace);
    const items = assets.map((asset): Asset => ({ ...asset, source: name })).sort(compareBy((asset) => asset.id));
    return { format, problems, list: { source: name, importedAt: context.now(), items } };
  });
  const before = new Map((await store.lists('assets')).map((list) => [list.source, list.items]));
  const done: AssetsImported[] = [];
  for (const { format, problems, list } of read) {
    await store.putList('assets', list, {
      type: 'assets.imported',
      observedAt: list.importedAt,
      actor: context.actor,
      subject: list.source,
    });
    const old = new Map((before.get(list.source) ?? []).map((asset) => [asset.id, asset]));
    const known = list.items.filter((asset) => old.has(asset.id));
    done.push({
      ...{ list, format: format.name, problems },
      added: list.items.length - known.length,
      changed: known.filter((asset) => !sameJson(asset, old.get(asset.id))).length,
      removed: old.size - known.length,
    });
  }
  return done;
}

/** Every asset with what was observed of it, by source, then name. */
export function listAssets(context: Context): Promise<readonly AssetStanding[]> {
  return withStateToRead(context, async (store) => {
    if (!store) return [];
    const lists = await store.lists('assets');
    const { register } = await loadRegister(context, store);
    const states = { hosts: await store.hostStates(), listeners: [] };
    const { hosts } = unifyHosts({ ...states, assets: lists, declared: register.hosts });
    return matchAssets(lists, hosts).toSorted(
      compareBy(
        ({ asset }) => asset.source,
        ({ asset }) => asset.name,
        ({ asset }) => asset.id,
      ),
    );
  });
}

/** Forgets what a source lists; returns its name. Throws UserError where there is no such source. */
export async function dropAssets(context: Context, path: string): Promise<string> {
  await using store = await openStateToWrite(context);
  const known = (await store.lists('assets')).map((list) => list.source);
  const source = known.includes(path) ? path : sourceOf(path, context.workspace);
  const event = { observedAt: context.now(), actor: context.actor, subject: source };
  if (!(await store.dropList('assets', source, { type: 'assets.imported', ...event })))
    throw new UserError(`there are no assets of ${source}`, {
      hint: known.length === 0 ? 'None were imported yet.' : `Sources: ${known.join(', ')}`,
    });
  return source;
}

/** Where a problem is: `file:line:column`, or the file and its own place. */
export function placeOf({ source, line, column, place }: AssetProblem): string {
  const position = [source, line, line === undefined ? undefined : column].filter((part) => part !== undefined);
  return place === undefined ? position.join(':') : `${position.join(':')} ${place}`;
}

async function readFiles(names: readonly string[]): Promise<AssetFile[]> {
  const files: AssetFile[] = [];
  for (const source of names) files.push({ source, text: await readText(source, MAX_ASSET_BYTES) });
  return files;
}

/** What was no UTF-8 became U+FFFD in the reading. */
function notText({ source, text }: AssetFile): AssetProblem[] {
  const at = text.indexOf('\uFFFD');
  if (at < 0) return [];
  return [{ source, message: 'is not all UTF-8: save it as UTF-8', line: text.slice(0, at).split('\n').length }];
}

interface FileGroup {
  readonly format: AssetFormat;
  readonly files: readonly AssetFile[];
  readonly source: string | null;
}

/** NetBox writes what belongs together to several files; any other file is a list by itself, unless a name joins them. */
function groupFiles(files: readonly AssetFile[], as: string | null, source: string | null): FileGroup[] {
  const byFormat = Map.groupBy(files, (file) => formatOf(file, as));
  const [first, second] = [...byFormat.keys()];
  if (source !== null && first && second)
    throw new UserError(`the files are of several formats (${first.name}, ${second.name}), so they are several lists`, {
      hint: 'Import them one by one, each with a --source of its own.',
    });
  return [...byFormat].flatMap(([format, group]) =>
    source !== null || format.name === 'netbox'
      ? [{ format, files: group, source }]
      : group.map((file) => ({ format, files: [file], source })),
  );
}

function formatOf({ source, text }: AssetFile, as: string | null): AssetFormat {
  const head = { name: source === '-' ? '-' : basename(source), text: text.slice(0, 65_536) };
  const format = assetFormats.find(as === null ? (f) => f.detect(head) : (f) => f.name === as);
  if (format) return format;
  throw new UserError(`${source} is of no format that is known`, {
    hint: `Name it with --as: ${assetFormats.map((f) => `${f.name} (${f.title})`).join(', ')}.`,
  });
}

function readMapping(pairs: readonly string[]): ReadonlyMap<AssetField, readonly string[]> {
  const mapping = new Map<AssetField, string[]>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const field = ASSET_FIELDS.find((name) => name === pair.slice(0, equals).trim());
    if (!field || equals === pair.length - 1)
      throw new UserError(`--map ${pair}: expected FIELD=COLUMN`, { hint: `Fields: ${ASSET_FIELDS.join(', ')}` });
    mapping.set(field, [...(mapping.get(field) ?? []), pair.slice(equals + 1)]);
  }
  return mapping;
}
