import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleResult } from '../../../test/sample-result.ts';
import type { Listener } from '../../model/listener.ts';
import { html } from '../html.ts';
import type { ReportInput } from '../report-format.ts';

const OPTIONS = { width: 100, color: false };
const render = (input: ReportInput) => html.render(input, OPTIONS);
const small = render(sampleResult('small'));
const empty = render(sampleResult('empty'));

test('the same facts give the same bytes', () => {
  assert.equal(render(sampleResult('small')), small);
});

test('the policy allows the one style and the two scripts by their hashes, and nothing from elsewhere', () => {
  for (const page of [small, empty]) {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1] ?? '';
    assert.match(policy, /^default-src 'none'; /);
    assert.doesNotMatch(policy, /unsafe|http|\*/);
    for (const tag of ['style', 'script']) {
      const inline = [...page.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, 'g'))].map((m) => m[1] ?? '');
      const hashes = inline.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
      assert.equal(hashes.length, tag === 'style' ? 1 : 2);
      assert.ok(policy.includes(`${tag}-src ${hashes.join(' ')};`), tag);
    }
    assert.doesNotMatch(page, / (?:src|style|on\w+)=/);
    for (const [, href] of page.matchAll(/ href="([^"]*)"/g)) assert.match(href ?? '', /^#./);
  }
});

test('every link leads to an element of the page, and no id is given twice', () => {
  for (const page of [small, empty]) {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((m) => m[1] ?? '');
    assert.deepEqual(
      ids.filter((id, i) => ids.indexOf(id) !== i),
      [],
    );
    const known = new Set(ids);
    const broken = [...page.matchAll(/ href="#([^"]*)"/g)].map((m) => m[1] ?? '').filter((to) => !known.has(to));
    assert.deepEqual([...new Set(broken)], []);
  }
});

test('a finding about an endpoint where nothing listens links to no row', () => {
  const input = sampleResult('small');
  const endpoint = { host: 'gone', scope: 'host', transport: 'tcp' as const, port: 1 };
  const findings = input.result.findings.map((f) => ({ ...f, endpoint, endpoints: [endpoint] }));
  const page = render({ ...input, result: { ...input.result, findings } });
  assert.ok(page.includes('<code>gone:1/tcp</code>'));
  assert.ok(!page.includes('#e-gone'));
});

test('completeness is measured by the inventory, and where there is none that is said', () => {
  const input = sampleResult('empty');
  const { facts } = input.result;
  const textWith = (more: object) => {
    const estate = { ...facts.estate, register: { ...facts.estate.register, hosts: [] }, ...more };
    return render({ ...input, result: { ...input.result, facts: { ...facts, estate } } }).replace(/<[^>]*>/g, '');
  };
  assert.match(textWith({}), /No inventory was imported and the register declares no list of hosts/);
  const asset = (name: string, more: object = {}) => ({
    ...{ id: name, source: 'CMDB', name, names: [], addresses: [], tags: [], ...more },
  });
  const items = [asset('VM'), asset('db-99'), asset('old-1', { inactive: true })];
  const assets = [{ source: 'CMDB', importedAt: input.result.now, items }];
  const page = textWith({ assets });
  assert.match(page, /1 host observed; 1 of 2 machines of the inventory observed within 7 days/);
  assert.match(
    page,
    /1 of 2 machines that the inventory \(CMDB\) lists as in use were observed .*7 days, 1 was not\. What/,
  );
});

test('a program is counted also where only its name is known', () => {
  const input = sampleResult('small');
  const nameOnly = <T extends { listener: Listener }>(seen: T): T => {
    const { process } = seen.listener;
    return process ? { ...seen, listener: { ...seen.listener, process: { pid: process.pid, name: 'sshd' } } } : seen;
  };
  const results = input.result.results.map((r) => ({
    ...r,
    facts: { ...r.facts, listeners: r.facts.listeners.map(nameOnly) },
  }));
  const text = render({ ...input, result: { ...input.result, results } }).replace(/<[^>]*>/g, '');
  assert.match(text, /[^0-9]1program that listens/);
});

test('every row is in the file once, on a line of its own', () => {
  const input = sampleResult('huge');
  const page = render(input);
  const ids = page.split('\n').flatMap((line) => /^<tbody id="((?:e|f)-[^"]+)"/.exec(line)?.[1] ?? []);
  assert.equal(ids.length, input.result.results.length + input.result.findings.length);
  assert.equal(new Set(ids).size, ids.length);
});

const PAYLOADS = [
  '<script>window.hit=1</script>',
  '</script>',
  '</noscript>',
  '</style>',
  '</tbody>',
  '<!--',
  '-->',
  ']]>',
  '<img src=x onerror=alert(1)>',
  '"',
  "'",
  '`',
  '&',
  '&lt;',
  '=',
  '<',
  '>',
  '\u202e',
  '\u0000',
  '\n',
  '\r\n<tbody id="',
  '\u2028',
  'javascript:',
  '\ud800',
  'x',
];

test('no text of the facts becomes markup', () => {
  const skeleton = (page: string) =>
    page
      .replace(/<style>[\s\S]*?<\/style>|content="default-src[^"]*"/g, '')
      .replace(/="[^"]*"/g, '=""')
      .match(/<[^>]*>/g)
      ?.join('\n');
  const plain = skeleton(render(withText(sampleResult('small'), 'x')));
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PAYLOADS), { minLength: 1, maxLength: 6 }), (parts) => {
      assert.equal(skeleton(render(withText(sampleResult('small'), parts.join('')))), plain);
    }),
    { numRuns: 60 },
  );
});

/** Puts a text wherever the facts carry text that somebody else chose. */
function withText(input: ReportInput, text: string): ReportInput {
  const chosen = new Set([
    'purpose',
    'service',
    'message',
    'commandLine',
    'exe',
    'unit',
    'reason',
    'boundary',
    'value',
    'label',
    'approver',
    'os',
    'hint',
    'version',
    'title',
    'rationale',
    'actor',
    'ticket',
    'change',
  ]);
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return chosen.has(key) ? text : value;
    if (Array.isArray(value)) return value.map((v) => walk(v, key));
    if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, walk(v, String(k))]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, walk(v, k)]));
  };
  return walk(input, '') as ReportInput;
}
