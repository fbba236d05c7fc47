import type { PackageFacts } from '../../model/listener.ts';
import { packagedPaths } from '../linux/packages.ts';
import { MAX_LINES, type Section } from './sections.ts';

const NAME = /^[\w.+:~-]{1,200}$/;
const VERSION = /^[\w.+:~^-]{1,200}$/;

/** Packages by path, from what the machine's own package managers said. A path may stand under either spelling. */
export function readPackages(sections: readonly Section[]): Map<string, PackageFacts> {
  const found = new Map<string, PackageFacts>();
  const of = (kind: string, word?: string) =>
    sections.filter((s) => s.kind === kind && (word === undefined || s.words[0] === word));
  const add = (path: string, facts: PackageFacts | undefined) => {
    if (facts) for (const spelling of packagedPaths(path)) if (!found.has(spelling)) found.set(spelling, facts);
  };
  const versions = new Map<string, PackageFacts>();
  for (const section of of('dpkg', 'versions'))
    for (const line of textOf(section)) {
      const [name = '', architecture = '', version = '', source, sourceVersion] = line.split('\t');
      const facts = describe('dpkg', name, version, source, sourceVersion);
      if (facts) versions.set(name, facts).set(`${name}:${architecture}`, facts);
    }
  for (const section of of('dpkg', 'owners'))
    for (const [path, owner] of parseOwners(textOf(section))) add(path, versions.get(owner));
  for (const section of of('rpm')) {
    const [path = '', line = ''] = textOf(section);
    const [name = '', epoch = '', version = '', release = '', sourceFile = ''] = line.split('\t');
    const full = `${/^[1-9]\d*$/.test(epoch) ? `${epoch}:` : ''}${version}-${release}`;
    const [, source, sourceVersion] = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(sourceFile) ?? [];
    const isOther = sourceVersion !== undefined && sourceVersion !== `${version}-${release}`;
    if (release !== '') add(path, describe('rpm', name, full, source, isOther ? sourceVersion : undefined));
  }
  for (const section of of('apk'))
    for (const line of textOf(section)) {
      const [path = '', name = '', version = '', origin] = line.split('\t');
      add(path, describe('apk', name, version, origin));
    }
  return found;
}

function textOf({ body }: Section): string[] {
  return body.toString('utf8').split('\n', MAX_LINES);
}

/** Source and its version only where they differ, as PackageFacts has it. */
function describe(
  manager: PackageFacts['manager'],
  name: string,
  version: string,
  source?: string,
  sourceVersion?: string,
): PackageFacts | undefined {
  if (!NAME.test(name) || !VERSION.test(version)) return undefined;
  return {
    manager,
    name,
    version,
    ...(source !== undefined && source !== name && NAME.test(source) && { source }),
    ...(sourceVersion !== undefined && sourceVersion !== version && VERSION.test(sourceVersion) && { sourceVersion }),
  };
}

/**
 * Owner by path from the output of `dpkg-query -S`: `name[:arch][, other…]: /path`. A diversion (dpkg-divert(1)) is told
 * before, in two lines: `diversion by dash from: /bin/sh` and `diversion by dash to: /bin/sh.distrib`.
 */
function parseOwners(lines: readonly string[]): Map<string, string> {
  const owners = new Map<string, string>();
  const diverted = new Map<string, string>();
  for (const line of lines) {
    const diversion = /^diversion by (\S+) (from|to): (\/.*)$/.exec(line);
    if (diversion) {
      const [, by = '', direction, path = ''] = diversion;
      if (direction === 'from') diverted.set(path, by);
      continue;
    }
    const colon = line.indexOf(': /');
    if (colon < 0) continue;
    const path = line.slice(colon + 2);
    const names = line.slice(0, colon).split(', ');
    const owner = diverted.get(path) ?? names[0];
    if (owner !== undefined && !owners.has(path)) owners.set(path, owner);
  }
  return owners;
}
