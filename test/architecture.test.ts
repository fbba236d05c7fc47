import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { parseSync } from 'oxc-parser';

const root = resolve(import.meta.dirname, '..');

/** Which rooms of src/ a room may import, besides itself. A folder without a line here fails the test. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  util: [],
  model: ['util'],
  register: ['model', 'util'],
  collectors: ['model', 'util'],
  imports: ['model', 'util', 'collectors'],
  inventories: ['model', 'util'],
  manifests: ['model', 'util'],
  advisories: ['model', 'util'],
  firewall: ['model', 'util'],
  enforce: ['model', 'util'],
  ledger: ['model', 'util'],
  flows: ['model', 'util'],
  detection: ['model', 'util'],
  alerts: ['model', 'util'],
  checks: ['model', 'util'],
  frameworks: ['model', 'util'],
  reports: ['model', 'util'],
  store: ['model', 'util'],
  app: [
    'model',
    'util',
    'register',
    'collectors',
    'imports',
    'inventories',
    'manifests',
    'advisories',
    'firewall',
    'enforce',
    'ledger',
    'flows',
    'detection',
    'alerts',
    'checks',
    'frameworks',
    'reports',
    'store',
  ],
  cli: [
    'model',
    'util',
    'app',
    'register',
    'collectors',
    'imports',
    'inventories',
    'manifests',
    'advisories',
    'firewall',
    'enforce',
    'ledger',
    'flows',
    'detection',
    'alerts',
    'checks',
    'frameworks',
    'reports',
    'store',
  ],
};

/** Rooms that only compute: no I/O, no clock, no randomness. Hashing is computing. */
const PURE = ['model', 'checks', 'reports', 'firewall', 'enforce', 'ledger', 'flows', 'detection'];
const PURE_MAY_USE = ['node:crypto', 'node:util', 'node:net'];
const PURE_MAY_NAME: Record<string, readonly string[]> = {
  'node:crypto': ['hash', 'createHash'],
  'node:util': ['styleText', 'stripVTControlCharacters'],
  'node:net': ['isIP', 'isIPv4', 'isIPv6'],
};
/** What one room may name besides: the ledger checks signatures, and signs with keys that it is handed. */
const ROOM_MAY_NAME: Record<string, Record<string, readonly string[]>> = {
  ledger: { 'node:crypto': ['createPublicKey', 'KeyObject', 'sign', 'verify'] },
};
const NOT_PURE = [
  /\bDate\.now\(/,
  /\bnew Date\(\)/,
  /\bMath\.random\(/,
  /\bperformance\.now\(/,
  // Node's global; a fact called `process` has other members.
  /(?<![.\w])process\.(env|argv|cwd|exit|exitCode|hrtime|std\w+|uptime|nextTick|memoryUsage|getuid|geteuid|versions?)\b/,
];

const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .sort();

/** Modules that a file imports, types included, static and dynamic, with the names taken. */
function importsOf(file: string, text: string): { from: string; names: string[] }[] {
  const parsed = parseSync(file, text);
  assert.deepEqual(parsed.errors, [], `${file} parses`);
  const found = parsed.module.staticImports.map((i) => ({
    from: i.moduleRequest.value,
    names: i.entries.map((e) => e.importName.name ?? '*'),
  }));
  for (const e of parsed.module.staticExports)
    for (const entry of e.entries)
      if (entry.moduleRequest) found.push({ from: entry.moduleRequest.value, names: ['*'] });
  for (const d of parsed.module.dynamicImports) {
    const argument = text.slice(d.moduleRequest.start, d.moduleRequest.end);
    assert.match(argument, /^'[^']+'$/, `${file}: import(${argument}) must name its module literally`);
    found.push({ from: argument.slice(1, -1), names: ['*'] });
  }
  return found;
}

test('every room imports only what it may', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const room = file.split('/')[0] as string;
    const allowed = MAY_IMPORT[room];
    if (!allowed) {
      wrong.push(`src/${file}: the folder src/${room} has no rule in test/architecture.test.ts`);
      continue;
    }
    for (const { from } of importsOf(file, readFileSync(join(root, 'src', file), 'utf8'))) {
      if (!from.startsWith('.')) continue;
      const target = relative(join(root, 'src'), resolve(root, 'src', dirname(file), from));
      const targetRoom = target.split('/')[0] as string;
      if (target === '../package.json') continue;
      if (targetRoom !== room && !allowed.includes(targetRoom)) wrong.push(`src/${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('rooms that only compute use no I/O, clock or randomness', () => {
  const wrong: string[] = [];
  for (const file of files.filter((f) => PURE.includes(f.split('/')[0] as string))) {
    const text = readFileSync(join(root, 'src', file), 'utf8');
    for (const { from, names } of importsOf(file, text)) {
      if (!from.startsWith('node:')) continue;
      const usable = PURE_MAY_USE.includes(from) ? PURE_MAY_NAME[from] : undefined;
      const more = ROOM_MAY_NAME[file.split('/')[0] as string]?.[from];
      for (const name of names)
        if (!usable?.includes(name) && !more?.includes(name)) wrong.push(`src/${file} imports ${name} of ${from}`);
    }
    for (const pattern of NOT_PURE) if (pattern.test(text)) wrong.push(`src/${file} matches ${pattern}`);
  }
  assert.deepEqual(wrong, []);
});

test('the rules name no folder that does not exist', () => {
  const rooms = new Set(files.map((f) => f.split('/')[0]));
  for (const room of Object.keys(MAY_IMPORT)) assert.ok(rooms.has(room), `src/${room} has a rule but no file`);
});
