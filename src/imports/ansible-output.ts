import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { ImportOptions } from './import-format.ts';
import { readJson } from './json.ts';
import { asArray, asObject, textOf } from './json-fields.ts';
import { decodeText, type Line, linesOf } from './lines.ts';

/** Facts of one host. */
export interface AnsibleHost {
  /** As the inventory calls it; null: the file does not say. */
  readonly name: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Where in the file. */
  readonly place: string;
  readonly isCut: boolean;
}

/** UTF-16 units of the facts of one host. */
const MAX_HOST = 64 * 1024 * 1024;
const RESULT = /^(\S{1,253}) \| ([A-Z]+)(?:!)?(?: \| rc=\d+)? ?=> (.*)$/;

/**
 * Yields what `ansible -m listen_ports_facts` (also with -o) printed: `db-1 | SUCCESS => {`; or a JSON file: `--tree` and
 * fact caches have one host a file, named by it, the json callback has all hosts of a play.
 */
export async function* ansibleHosts(
  input: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): AsyncGenerator<AnsibleHost, void, undefined> {
  const pieces = decodeText(input);
  const first = await pieces.next();
  const head = first.done ? '' : first.value;
  async function* whole(): AsyncGenerator<string> {
    yield head;
    yield* pieces;
  }
  // `[WARNING]: …` may come first.
  if (/^\s*(?:\{|\[\s*[[{])/.test(head)) yield* fromJson(whole(), options);
  else yield* fromOutput(linesOf(whole()), options);
}

async function* fromOutput(lines: AsyncIterable<Line>, options: ImportOptions): AsyncGenerator<AnsibleHost> {
  let host: Result | null = null;
  for await (const line of lines) {
    const text = stripVTControlCharacters(line.text);
    const [, name = '', word = '', json = ''] = RESULT.exec(text) ?? [];
    if (name !== '') {
      if (host) yield* readResult(host, options);
      host = { name, word, line: line.number, text: json };
    } else if (host && host.text.length + text.length < MAX_HOST) host.text += `\n${text}`;
    else if (text.trim() !== '' && !/^\[(?:WARNING|DEPRECATION)/.test(text)) {
      options.report({ line: line.number, message: 'this line belongs to no host' });
    }
  }
  if (host) yield* readResult(host, options);
}

/** What follows the name of a host. */
interface Result {
  readonly name: string;
  /** `SUCCESS`, `UNREACHABLE`. */
  readonly word: string;
  readonly line: number;
  text: string;
}

function* readResult({ name, word, line, text }: Result, options: ImportOptions): Generator<AnsibleHost> {
  const value = asObject(parse(text));
  const at = { line, place: name };
  if (word !== 'SUCCESS' && word !== 'CHANGED' && word !== 'OK') {
    const why = textOf(value?.msg);
    options.report({
      ...at,
      message: `Ansible could not ask this host (${word})${why ? `: ${why.slice(0, 200)}` : ''}`,
    });
    return;
  }
  const facts = asObject(value?.ansible_facts);
  if (facts) yield { name, facts, place: name, isCut: false };
  else options.report({ ...at, message: 'what follows this host is no complete JSON with ansible_facts' });
}

async function* fromJson(text: AsyncIterable<string>, options: ImportOptions): AsyncGenerator<AnsibleHost> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const piece of text) yield Buffer.from(piece);
  }
  for await (const { value, number, isCut } of readJson(bytes(), { report: options.report })) {
    const record = asObject(value);
    const place = `record ${number}`;
    if (!record) {
      options.report({ place, message: 'this is no object with facts' });
      continue;
    }
    const plays = asArray(record.plays);
    if (plays) yield* fromPlays(plays, isCut);
    else {
      const wrapped = asObject(record.ansible_facts);
      const facts = wrapped && ('tcp_listen' in wrapped || 'udp_listen' in wrapped) ? wrapped : record;
      yield { name: nameOfFile(options), facts, place, isCut };
    }
  }
}

/** ANSIBLE_STDOUT_CALLBACK=json: plays, tasks, hosts. */
function* fromPlays(plays: readonly unknown[], isCut: boolean): Generator<AnsibleHost> {
  for (const [p, play] of plays.entries())
    for (const [t, task] of (asArray(asObject(play)?.tasks) ?? []).entries())
      for (const [name, result] of Object.entries(asObject(asObject(task)?.hosts) ?? {})) {
        const facts = asObject(asObject(result)?.ansible_facts);
        if (!facts || !('tcp_listen' in facts || 'udp_listen' in facts)) continue;
        yield { name, facts, place: `/plays/${p}/tasks/${t}/hosts/${name}`, isCut };
      }
}

/** `--tree` and the cache plugin jsonfile name the file by the host. An option that names the host wins. */
function nameOfFile({ source, host }: ImportOptions): string | null {
  if (host !== null || source === '-') return host;
  const name = basename(source)
    .replace(/\.gz$/, '')
    .replace(/\.json$/, '');
  return /^[\w][\w.:-]{0,252}$/.test(name) ? name : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
