import type { AnsibleInventory } from './inventory.ts';

/**
 * Reads the INI form: `[group]` with hosts and their variables, `[group:children]`, `[group:vars]`. Words are split as
 * Ansible's `ini` plugin does (shell quoting; `#` begins a comment). Hosts before the first section are `ungrouped`.
 */
export function readAnsibleIni(text: string, inventory: AnsibleInventory): void {
  let group = 'ungrouped';
  let kind: 'hosts' | 'vars' | 'children' | 'unknown' = 'hosts';
  inventory.addGroup(group);
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue;
    // `[01:20].example.org` is a host, not a section
    const section = /^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:[#;].*)?$/.exec(content);
    if (section) {
      group = section[1] as string;
      const word = section[2] ?? 'hosts';
      kind = word === 'hosts' || word === 'vars' || word === 'children' ? word : 'unknown';
      if (kind === 'unknown') inventory.report({ message: `[${group}:${word}] is no section of an inventory`, line });
      else if (!inventory.addGroup(group, line)) kind = 'unknown';
    } else if (kind === 'vars') readGroupVar(content, group, line, inventory);
    else if (kind === 'children') inventory.addChild(group, content.split(/\s+[#;]/)[0] as string, line);
    else if (kind === 'hosts') readHost(content, group, line, inventory);
  }
}

function readGroupVar(content: string, group: string, line: number, inventory: AnsibleInventory): void {
  const match = /^([^=\s]+)\s*=\s*(.*)$/.exec(content);
  if (!match) {
    inventory.report({ message: 'a variable is expected here: name=value', line });
    return;
  }
  // what follows a blank and # is a comment (the plugin's own rule); quotes around the whole value fall away
  const value = (match[2] as string).replace(/^((?!["']).*?)\s+#.*$/, '$1');
  addVar((name, text) => inventory.addGroupVar(group, name, text), match[1] as string, unquote(value));
}

function readHost(content: string, group: string, line: number, inventory: AnsibleInventory): void {
  const words = splitWords(content);
  if (words === undefined) {
    inventory.report({ message: 'a quotation is not closed', line });
    return;
  }
  const [first = '', ...rest] = words;
  const vars: [string, string][] = [];
  const port = /^((?:[^:[\]]|\[[^\]]*\])+):(\d{1,5})$/.exec(first);
  if (port) vars.push(['ansible_port', port[2] as string]);
  for (const word of rest) {
    const equals = word.indexOf('=');
    if (equals < 1)
      inventory.report({
        message: `"${word.slice(0, 40)}" is no variable: name=value is expected behind a host`,
        line,
      });
    else addVar((name, text) => vars.push([name, text]), word.slice(0, equals), word.slice(equals + 1));
  }
  inventory.addHost(port ? (port[1] as string) : first, group, vars, line);
}

function addVar(add: (name: string, value: string) => void, name: string, value: string): void {
  if (!value.includes('{{')) add(name, value);
}

function unquote(text: string): string {
  return text.replace(/^(["'])(.*)\1$/, '$2');
}

/** Words of a line by shell quoting, up to a comment; `undefined` where a quotation is not closed. */
function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (quote !== '') {
      if (c === quote) quote = '';
      else if (c === '\\' && quote === '"' && i + 1 < line.length) word += line[++i] as string;
      else word += c;
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= '';
    } else if (c === '\\' && i + 1 < line.length) word = (word ?? '') + line[++i];
    else if (c === ' ' || c === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === '#' && word === undefined) break;
    else word = (word ?? '') + c;
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
