import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import type { AnsibleInventory } from './inventory.ts';

const MAX_DEPTH = 50;

/** Reads a YAML inventory (groups with `hosts`, `vars`, `children`), or the JSON of `ansible-inventory --list`. */
export function readAnsibleYaml(text: string, inventory: AnsibleInventory): void {
  const lines = new LineCounter();
  const lineOf = (node: unknown) => {
    const offset = (node as Node | undefined)?.range?.[0];
    return offset === undefined ? undefined : lines.linePos(offset).line;
  };
  const document = parse(text, lines, inventory);
  if (document === undefined) return;
  for (const error of document.errors) {
    const [start] = error.linePos ?? [];
    inventory.report({
      message: `not valid YAML: ${(error.message.split('\n')[0] as string).replace(/ at line \d+.*$/, '')}`,
      ...(start === undefined ? {} : { line: start.line, column: start.col }),
    });
  }

  // Alias.resolve of the library searches the document each time
  const meant = new Map<unknown, unknown>();
  const anchors = new Map<string, unknown>();
  visit(document, (_, node) => {
    if (isAlias(node)) meant.set(node, anchors.get(node.source));
    else if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, node);
  });
  const resolve = (node: unknown) => (isAlias(node) ? meant.get(node) : node);
  const report = (message: string, node: unknown) => {
    const line = lineOf(node);
    inventory.report({ message, ...(line === undefined ? {} : { line }) });
  };

  /** Members of a mapping; what should be one and is not is a problem, and nothing at all is an empty one. */
  const membersOf = (node: unknown, what: string): [string, unknown, unknown][] => {
    const map = resolve(node);
    if (map === null || map === undefined || (isScalar(map) && map.value === null)) return [];
    if (!isMap(map)) {
      report(`${what} must be a mapping`, map);
      return [];
    }
    if (!inventory.spend((map as YAMLMap).items.length, lineOf(map))) return [];
    return (map as YAMLMap).items.flatMap((pair: Pair) => {
      const key = resolve(pair.key);
      if (isScalar(key)) return [[String(key.value), pair.value, key] as [string, unknown, unknown]];
      report(`a key of ${what} must be a text`, key);
      return [];
    });
  };

  const varsOf = (node: unknown, what: string): [string, string][] =>
    membersOf(node, what).flatMap(([name, value]) => {
      const scalar = resolve(value);
      if (!isScalar(scalar) || scalar.value === null || scalar.tag?.startsWith('!')) return [];
      const text = String(scalar.value);
      return text.includes('{{') ? [] : [[name, text] as [string, string]];
    });

  const readGroup = (name: string, node: unknown, key: unknown, depth: number): void => {
    if (depth > MAX_DEPTH) {
      report(`groups are nested deeper than ${MAX_DEPTH}`, key);
      return;
    }
    if (!inventory.addGroup(name, lineOf(key))) return;
    for (const [part, value, at] of membersOf(node, `group ${name}`)) {
      if (part === 'hosts') {
        for (const [host, vars, hostKey] of listed(value, `hosts of ${name}`))
          inventory.addHost(host, name, varsOf(vars, `host ${host}`), lineOf(hostKey));
      } else if (part === 'vars') {
        for (const [key, text] of varsOf(value, `vars of ${name}`)) inventory.addGroupVar(name, key, text);
      } else if (part === 'children') {
        for (const [child, content, childKey] of listed(value, `children of ${name}`)) {
          inventory.addChild(name, child, lineOf(childKey));
          readGroup(child, content, childKey, depth + 1);
        }
      } else report(`group ${name} has "${part.slice(0, 40)}"; hosts, vars and children are known`, at);
    }
  };

  /** A mapping, or the plain list of names that `ansible-inventory --list` writes. */
  const listed = (node: unknown, what: string): [string, unknown, unknown][] => {
    const list = resolve(node);
    if (!isSeq(list)) return membersOf(node, what);
    if (!inventory.spend(list.items.length, lineOf(list))) return [];
    return list.items.flatMap((item) => {
      const name = resolve(item);
      return isScalar(name) ? [[String(name.value), undefined, name] as [string, unknown, unknown]] : [];
    });
  };

  for (const [name, node, key] of membersOf(document.contents, 'the inventory')) {
    if (name !== '_meta') readGroup(name, node, key, 0);
    else
      for (const [part, value] of membersOf(node, '_meta'))
        for (const [host, vars, hostKey] of part === 'hostvars' ? membersOf(value, 'hostvars') : [])
          inventory.addHost(host, 'all', varsOf(vars, `host ${host}`), lineOf(hostKey));
  }
}

function parse(text: string, lines: LineCounter, inventory: AnsibleInventory) {
  try {
    return parseDocument(text, { lineCounter: lines, uniqueKeys: false, logLevel: 'error' });
  } catch (error) {
    // the parser recurses: a text nested a hundred thousand deep ends its stack
    inventory.report({ message: `not readable as YAML: ${(error as Error).message.slice(0, 100)}` });
    return undefined;
  }
}
