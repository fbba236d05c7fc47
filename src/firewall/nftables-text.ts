import { listOf, mapOf, printable } from './untrusted.ts';

/** Longest text of a rule or of a part of one. */
const MOST = 500;

/** Writes nft's own language from its JSON, as far as 500 characters go. For people: nothing reads it back. */
export function statementsText(statements: readonly unknown[]): string {
  let text = '';
  for (const statement of statements) {
    const part = statementText(statement);
    text += text === '' ? part : ` ${part}`;
    if (text.length > MOST) break;
  }
  return printable(text.trim(), MOST);
}

export function statementText(statement: unknown): string {
  if (typeof statement === 'string') return printable(statement.replaceAll(/\s+/g, ' '), MOST);
  const map = mapOf(statement);
  const [key] = Object.keys(map);
  if (key === undefined) return printable(String(statement), 40);
  const body = map[key];
  const of = mapOf(body);
  switch (key) {
    case 'match': {
      const op = of.op === '==' || of.op === 'in' || of.op === undefined ? '' : `${String(of.op)} `;
      const explicit = of.op === '==' && isMasked(of.left) ? '== ' : op;
      const right = typeof of.right === 'boolean' ? (of.right ? 'exists' : 'missing') : expressionText(of.right, 0);
      return `${expressionText(of.left, 0)} ${explicit}${right}`;
    }
    case 'vmap':
      return `${expressionText(of.key, 0)} vmap ${expressionText(of.data, 0)}`;
    case 'mangle':
      return `${expressionText(of.key, 0)} set ${expressionText(of.value, 0)}`;
    case 'jump':
    case 'goto':
      return `${key} ${String(of.target)}`;
    case 'counter':
      return typeof body === 'string' ? `counter name "${body}"` : counterText(of);
    case 'limit':
      if (typeof body === 'string') return `limit name "${body}"`;
      return `limit rate ${of.inv === true ? 'over ' : ''}${String(of.rate)}${of.rate_unit === undefined || of.rate_unit === 'packets' ? '' : ` ${String(of.rate_unit)}`}/${String(of.per)}`;
    case 'quota':
      if (typeof body === 'string') return `quota name "${body}"`;
      return `quota ${of.inv === true ? 'over ' : ''}${String(of.val)} ${String(of.val_unit)}`;
    case 'ct count':
      return `ct count ${of.inv === true ? 'over ' : ''}${String(of.val)}`;
    case 'reject':
      return rejectText(of);
    case 'log':
      return logText(of);
    case 'dnat':
    case 'snat':
    case 'masquerade':
    case 'redirect':
    case 'tproxy':
      return translationText(key, of);
    case 'set':
    case 'map':
      return `${String(of.op)} ${String(of[key])} { ${elementText(of.elem, 0)}${of.data === undefined ? '' : ` : ${expressionText(of.data, 0)}`}${of.stmt === undefined ? '' : ` ${statementsText(listOf(of.stmt))}`} }`;
    case 'xt':
      return `xt ${String(of.type)} ${String(of.name)}`;
    case 'queue':
      return `queue${of.num === undefined ? '' : ` to ${expressionText(of.num, 0)}`}`;
    case 'ct helper':
    case 'ct timeout':
    case 'ct expectation':
      return `${key} set "${String(body)}"`;
    case 'flow':
      return `flow add ${String(of.flowtable)}`;
    default:
      return body === null ? key : `${key} ${body === of ? fieldsText(of, 0) : expressionText(body, 0)}`;
  }
}

/** `dev lo`: names and values of what has no better words. */
function fieldsText(of: Readonly<Record<string, unknown>>, depth: number): string {
  return joined(Object.entries(of), ' ', ([name, value]) => `${name} ${expressionText(value, depth + 1)}`);
}

function isMasked(expression: unknown): boolean {
  const map = mapOf(expression);
  return '&' in map || '|' in map || '^' in map;
}

function counterText(counter: Readonly<Record<string, unknown>>): string {
  return typeof counter.packets === 'number' && typeof counter.bytes === 'number'
    ? `counter packets ${counter.packets} bytes ${counter.bytes}`
    : 'counter';
}

function rejectText({ type, expr }: Readonly<Record<string, unknown>>): string {
  if (typeof type !== 'string') return 'reject';
  return `reject with ${type}${expr === undefined ? '' : ` ${expressionText(expr, 0)}`}`;
}

function logText(log: Readonly<Record<string, unknown>>): string {
  const parts = ['log'];
  if (typeof log.prefix === 'string') parts.push(`prefix "${log.prefix}"`);
  if (typeof log.level === 'string') parts.push(`level ${log.level}`);
  if (typeof log.group === 'number') parts.push(`group ${log.group}`);
  return parts.join(' ');
}

function translationText(key: string, of: Readonly<Record<string, unknown>>): string {
  const family = typeof of.family === 'string' ? ` ${of.family}` : '';
  const address = of.addr === undefined ? '' : expressionText(of.addr, 0);
  const port = of.port === undefined ? '' : `:${expressionText(of.port, 0)}`;
  const shown = port !== '' && address.includes(':') ? `[${address}]` : address;
  return `${key}${family}${address === '' && port === '' ? '' : ` to ${shown}${port}`}`;
}

function expressionText(expression: unknown, depth: number): string {
  if (typeof expression === 'string') return /[\s;{}]/.test(expression) ? `"${expression}"` : expression;
  if (expression === null || typeof expression !== 'object') return String(expression);
  if (depth > 20) return '...';
  if (Array.isArray(expression)) return joined(expression, ',', (part) => expressionText(part, depth + 1));
  const map = mapOf(expression);
  const [key = ''] = Object.keys(map);
  const body = map[key];
  const of = mapOf(body);
  switch (key) {
    case 'payload':
      return typeof of.field === 'string'
        ? `${String(of.protocol)} ${of.field}`
        : `@${String(of.base)},${String(of.offset)},${String(of.len)}`;
    case 'meta': {
      const name = String(of.key ?? body);
      return /^[io]if(name|group)?$/.test(name) ? name : `meta ${name}`;
    }
    case 'ct':
      return `ct ${of.dir === undefined ? '' : `${String(of.dir)} `}${String(of.key)}`;
    case 'fib':
      return `fib ${joined(listOf(of.flags), ' . ', String)} ${String(of.result)}`;
    case 'concat':
      return joined(listOf(body), ' . ', (part) => expressionText(part, depth + 1));
    case 'prefix':
      return `${String(of.addr)}/${String(of.len)}`;
    case 'range':
      return joined(listOf(body), '-', (part) => expressionText(part, depth + 1));
    case '&':
    case '|':
    case '^':
    case '<<':
    case '>>':
      return joined(listOf(body), ` ${key} `, (part) => expressionText(part, depth + 1));
    case 'set':
      return `{ ${joined(Array.isArray(body) ? body : [body], ', ', (part) => elementText(part, depth + 1))} }`;
    case 'elem':
      return elementText(expression, depth + 1);
    case 'map':
      return `${expressionText(of.key, depth + 1)} map ${expressionText(of.data, depth + 1)}`;
    case 'accept':
    case 'drop':
    case 'continue':
    case 'return':
      return key;
    case 'jump':
    case 'goto':
      return `${key} ${String(of.target)}`;
    case 'numgen':
      return `numgen ${String(of.mode)} mod ${String(of.mod)}`;
    case 'exthdr':
    case 'tcp option':
    case 'ip option':
      return `${key} ${String(of.name)}${of.field === undefined ? '' : ` ${String(of.field)}`}`;
    case 'socket':
    case 'rt':
    case 'osf':
      return `${key} ${String(of.key)}`;
    default:
      return `${key} ${body === of ? fieldsText(of, depth) : expressionText(body, depth + 1)}`.trim();
  }
}

/** An element of a set: a value, or a pair of key and value. */
function elementText(element: unknown, depth: number): string {
  if (Array.isArray(element) && element.length === 2)
    return `${elementText(element[0], depth + 1)} : ${expressionText(element[1], depth + 1)}`;
  if (element !== null && typeof element === 'object' && 'elem' in element)
    return expressionText(mapOf(element.elem).val, depth + 1);
  return expressionText(element, depth + 1);
}

/** Joins parts until the text is long enough to be cut. */
function joined<T>(parts: readonly T[], between: string, textOf: (part: T) => string): string {
  let text = '';
  for (const part of parts) {
    text += text === '' ? textOf(part) : `${between}${textOf(part)}`;
    if (text.length > MOST) break;
  }
  return text;
}
