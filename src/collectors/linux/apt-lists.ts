import type { PackageFacts } from '../../model/listener.ts';
import { type AptPin, type AptRelease, judgeList, parsePins } from './apt-pins.ts';
import { field, parseDpkgStatus } from './dpkg.ts';
import { readTextInside } from './files.ts';
import {
  createBudget,
  headInside,
  namesInside,
  type Offer,
  type OfferData,
  PACKED,
  stateInside,
  textsInside,
  unpack,
} from './package-offers.ts';
import { wantedRecords } from './record-scan.ts';

const LISTS = 'var/lib/apt/lists';
const MAX_LISTS = 2000;
/** The fields stand before the checksums, in the first kilobyte or two. */
const MAX_RELEASE_HEAD_BYTES = 64 * 1024;
/** Preferences and settings together. */
const MAX_SETTINGS_BYTES = 4 * 1024 * 1024;
const STANZAS = { nameStart: '\nPackage: ', nameEnd: '\n', separator: '\n\n' };

interface List {
  readonly path: string;
  readonly release: AptRelease;
  readonly security: boolean;
}

/**
 * What `apt-get update` has cached below a root: the lists of /var/lib/apt/lists, plain or packed, with the Release
 * files beside them. Left out are lists of suites from which apt upgrades nothing by itself (`NotAutomatic`: backports,
 * experimental), and packages whose choice preferences change (apt_preferences(5)).
 */
export function openAptLists(root: string): OfferData | undefined {
  const names = namesInside(root, LISTS).slice(0, MAX_LISTS);
  const packed = names.filter((name) => /_Packages(?:\.\w+)?$/.test(name));
  if (packed.length === 0) return undefined;
  const releases = names
    .filter((name) => /_(?:In)?Release$/.test(name))
    .flatMap((name) => readRelease(root, name) ?? [])
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const settings = settingsFiles(root);
  const states = [...packed.map((name) => `${LISTS}/${name}`), ...settings].map((path) => stateInside(root, path));
  const dates = releases.map((release) => release.at);
  return {
    state: states.map((state) => state?.text ?? '').join('\n'),
    // what a mirror was last asked for; the lists of a release that is finished are older than that
    dataAt: Math.max(...(dates.length > 0 ? dates : states.map((state) => state?.at ?? 0))),
    offersOf: (wanted) => offersOf(root, packed, releases, wanted),
  };
}

async function* offersOf(
  root: string,
  packed: readonly string[],
  releases: readonly Release[],
  wanted: ReadonlyMap<string, PackageFacts>,
): AsyncGenerator<Offer> {
  const { pins, isRanked } = readPreferences(root);
  // a default release, or a list that cannot be unpacked, may hold what apt would choose
  if (isRanked || packed.some((name) => !PACKED.includes(/_Packages(.*)$/.exec(name)?.[1] ?? ''))) return;
  const installed = parseDpkgStatus(readTextInside(root, 'var/lib/dpkg/status', 64 * 1024 * 1024) ?? '');
  const lists = packed.flatMap((name): List[] => {
    const release = releases.find((candidate) => name.startsWith(candidate.prefix));
    if (release?.notAutomatic) return [];
    const host = name.split('_')[0] as string;
    const known = { ...(release ?? { suite: '', codename: '', origin: '', label: '' }), host };
    return [{ path: `${LISTS}/${name}`, release: known, security: isSecurity(known) }];
  });
  const undecided = new Set<string>();
  for (const name of wanted.keys())
    if (lists.some(({ release }) => judgeList(name, release, pins) === 'undecided')) undecided.add(name);
  const decided = new Set([...wanted.keys()].filter((name) => !undecided.has(name)));
  const budget = createBudget();
  for (const { path, release, security } of decided.size > 0 ? lists : [])
    for await (const stanza of wantedRecords(unpack(root, path, budget), decided, STANZAS)) {
      const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map((key) => field(stanza, key));
      if (name === undefined || version === undefined || judgeList(name, release, pins) === 'excluded') continue;
      const own = installed.get(name)?.architecture;
      if (architecture !== own && architecture !== 'all' && own !== 'all' && own !== undefined) continue;
      yield { name, version, security };
    }
}

interface Release extends Omit<AptRelease, 'host'> {
  /** Lists whose names begin so belong to it. */
  readonly prefix: string;
  /** `Date:`, UTC milliseconds. */
  readonly at: number;
  readonly notAutomatic: boolean;
}

function readRelease(root: string, name: string): Release | undefined {
  const path = `${LISTS}/${name}`;
  const text = headInside(root, path, MAX_RELEASE_HEAD_BYTES);
  if (text === undefined) return undefined;
  // checksums follow; a signed file has a line of armour and a header before it
  const head = `\n${text.slice(0, text.search(/^(?:MD5Sum|SHA256):/m) >>> 0)}`;
  const value = (key: string) => field(head, key) ?? '';
  const date = Date.parse(value('Date'));
  return {
    prefix: name.replace(/(?:In)?Release$/, ''),
    suite: value('Suite'),
    codename: value('Codename'),
    origin: value('Origin'),
    label: value('Label'),
    at: Number.isNaN(date) ? (stateInside(root, path)?.at ?? 0) : date,
    notAutomatic: value('NotAutomatic') === 'yes',
  };
}

/** `bookworm-security`, `noble-security`, `jammy-infra-security`; before Debian 11 the label says it. */
function isSecurity({ suite, codename, label }: AptRelease): boolean {
  return suite.endsWith('-security') || codename.endsWith('-security') || label === 'Debian-Security';
}

/** Files of preferences and settings, as apt reads them: of a directory only those with its ending or none. */
function settingsFiles(root: string): string[] {
  const parts = (directory: string, ending: RegExp) =>
    namesInside(root, directory)
      .filter((name) => ending.test(name))
      .map((name) => `${directory}/${name}`);
  return [
    'etc/apt/preferences',
    ...parts('etc/apt/preferences.d', /^[\w-]+(?:\.pref)?$/),
    'etc/apt/apt.conf',
    ...parts('etc/apt/apt.conf.d', /^[\w-]+(?:\.conf)?$/),
  ];
}

function readPreferences(root: string): { readonly pins: readonly AptPin[]; readonly isRanked: boolean } {
  let preferences = '';
  let settings = '';
  const { texts, isWhole } = textsInside(root, settingsFiles(root), MAX_SETTINGS_BYTES);
  // what was not read may choose anything
  if (!isWhole) return { pins: [], isRanked: true };
  for (const [path, text] of texts) {
    if (path.includes('preferences')) preferences += `\n\n${text}`;
    else settings += `\n${text.replace(/^\s*(?:\/\/|#).*$/gm, '')}`;
  }
  return { pins: parsePins(preferences), isRanked: /\bDefault-Release\b/i.test(settings) };
}
