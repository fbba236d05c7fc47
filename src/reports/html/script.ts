/** Runs before the page is drawn: the choice of light or dark that a reader made in a report before. */
export const THEME_SCRIPT = `try { const theme = localStorage.getItem('quietdoor-theme'); if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme; } catch {}`;

/**
 * The script of the report, as text: its hash stands in the page's policy, so it is the same in source and bundle. Makes
 * tables searchable and sortable, pages them, follows links to rows, copies, and switches light and dark. It reads rows
 * as `dataTable` (table.ts) writes them: one per line in `<noscript>`, and it only ever parses those lines.
 */
export const SCRIPT = String.raw`
(() => {
'use strict';
const root = document.documentElement;
root.classList.add('js');
const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const make = (tag, props, ...children) => { const e = Object.assign(document.createElement(tag), props); e.append(...children); return e; };
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

const theme = $('#theme');
const isDark = () => (root.dataset.theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
const nameTheme = () => { theme.textContent = isDark() ? 'Light' : 'Dark'; };
theme.hidden = false;
nameTheme();
theme.addEventListener('click', () => {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  try { localStorage.setItem('quietdoor-theme', root.dataset.theme); } catch {}
  nameTheme();
});

const decode = (text) => text.replace(/&(?:amp|lt|gt|quot|nbsp|#(\d+));/g, (entity, n) =>
  n ? String.fromCharCode(n) : { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&nbsp;': ' ' }[entity]);
const plain = (markup) => decode(markup.replace(/<(?:\/?(?:td|th|tr|p|dt|dd|li|br|div|h4))\b[^>]*>/g, ' ').replace(/<[^>]*>/g, '')).replace(/\s+/g, ' ').trim();
const order = new Intl.Collator('en', { numeric: true });
const tables = new Map();
const rowOf = new Map();

function setUp(box) {
  const table = $('table', box);
  const name = box.dataset.table;
  const size = Number(box.dataset.page);
  const [one, many] = box.dataset.noun.split('|');
  const rows = [...table.tBodies].map((element) => ({ element, markup: element.outerHTML }));
  for (const part of $$('noscript', box)) {
    for (const line of part.textContent.split('\n')) if (line.startsWith('<tbody')) rows.push({ markup: line });
    part.remove();
  }
  const state = { q: '', tags: new Map(), sort: null, page: 1 };
  const tools = $('.tools', box);
  const search = $('input', tools);
  const chips = $('.chips', tools);
  const status = $('.status', box);
  const pager = $('.pager', box);
  let shown = rows;
  rows.forEach((row, i) => {
    row.place = i;
    row.id = decode(/^<tbody id="([^"]*)"/.exec(row.markup)[1]);
    row.tags = ' ' + decode(/ data-tags="([^"]*)"/.exec(row.markup)[1]) + ' ';
    rowOf.set(row.id, { row, show });
  });
  const textOf = (row) => (row.text ??= plain(row.markup).toLowerCase());
  function keyOf(row, column) {
    row.keys ??= row.markup.split('</tbody>')[0].split('<tr class="detail"')[0].split(/<t[hd]\b/).slice(1).map((cell) => {
      const sort = /^[^>]* data-sort="([^"]*)"/.exec(cell);
      return sort ? decode(sort[1]) : plain('<td' + cell);
    });
    return row.keys[column] ?? '';
  }
  function elements(list) {
    const missing = list.filter((row) => !row.element);
    if (missing.length > 0) {
      const holder = document.createElement('template');
      holder.innerHTML = '<table>' + missing.map((row) => row.markup).join('') + '</table>';
      [...holder.content.firstChild.tBodies].forEach((element, i) => { missing[i].element = element; });
    }
    return list.map((row) => row.element);
  }
  function place(list) {
    for (const body of [...table.tBodies]) body.remove();
    table.append(...elements(list));
  }
  function filter() {
    const q = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    const groups = [...state.tags].map(([key, values]) => [...values].map((v) => ' ' + key + ':' + v + ' '));
    shown = rows.filter((row) => groups.every((any) => any.some((tag) => row.tags.includes(tag))) && q.every((word) => textOf(row).includes(word)));
    if (state.sort) {
      const { column, down, number } = state.sort;
      const compare = number ? (a, b) => keyOf(a, column) - keyOf(b, column) : (a, b) => order.compare(keyOf(a, column), keyOf(b, column));
      shown.sort((a, b) => (down ? -1 : 1) * compare(a, b) || a.place - b.place);
    }
  }
  function render() {
    filter();
    const pages = Math.max(1, Math.ceil(shown.length / size));
    state.page = Math.min(Math.max(1, state.page), pages);
    const from = (state.page - 1) * size;
    place(shown.slice(from, from + size));
    const filtered = state.q !== '' || state.tags.size > 0;
    status.textContent = filtered
      ? grouped(shown.length) + ' of ' + grouped(rows.length) + ' ' + (rows.length === 1 ? one : many) + (shown.length === 0 ? '. Nothing matches.' : '')
      : grouped(rows.length) + ' ' + (rows.length === 1 ? one : many);
    if (filtered) status.append(' ', make('button', { type: 'button', className: 'chip', textContent: 'Show all', onclick: () => { clear(); changed(); } }));
    pager.hidden = pages === 1;
    const step = (title, page) => make('button', { type: 'button', textContent: title, disabled: page < 1 || page > pages, onclick: () => { state.page = page; changed(); box.scrollIntoView(); } });
    pager.replaceChildren(step('Previous', state.page - 1), grouped(from + 1) + ' to ' + grouped(Math.min(from + size, shown.length)) + ' of ' + grouped(shown.length), step('Next', state.page + 1));
    for (const extra of $$('.extra', chips)) extra.remove();
    const known = new Set();
    for (const chip of $$('.chip', chips)) {
      const on = state.tags.get(chip.dataset.key)?.has(chip.dataset.value) ?? false;
      chip.setAttribute('aria-pressed', String(on));
      known.add(chip.dataset.key + ':' + chip.dataset.value);
    }
    for (const [key, values] of state.tags) for (const value of values) {
      if (known.has(key + ':' + value)) continue;
      const chip = make('button', { type: 'button', className: 'chip extra', textContent: key + ' ' + value + ' ×' });
      chip.dataset.key = key;
      chip.dataset.value = value;
      chip.setAttribute('aria-pressed', 'true');
      chips.append(chip);
    }
    heads.forEach(({ th }, column) => {
      if (state.sort?.column === column) th.setAttribute('aria-sort', state.sort.down ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
    });
  }
  function clear() {
    Object.assign(state, { q: '', page: 1 });
    state.tags.clear();
    search.value = '';
  }
  function changed() {
    render();
    const query = new URLSearchParams();
    if (state.q) query.set('q', state.q);
    for (const [key, values] of state.tags) for (const value of values) query.append(key, value);
    if (state.sort) query.set('sort', (state.sort.down ? '-' : '') + (state.sort.column + 1));
    if (state.page > 1) query.set('page', state.page);
    try { history.replaceState(null, '', '#' + name + (String(query) ? '?' + query : '')); } catch {}
  }
  function read(query) {
    clear();
    state.sort = null;
    for (const [key, value] of query) {
      if (key === 'q') state.q = search.value = value;
      else if (key === 'page') state.page = Number(value) || 1;
      else if (key === 'sort') sortBy(Math.abs(Number(value)) - 1, value.startsWith('-'));
      else state.tags.set(key, (state.tags.get(key) ?? new Set()).add(value));
    }
    render();
  }
  function sortBy(column, down) {
    if (heads[column]) state.sort = { column, down, number: heads[column].number };
  }
  /** Brings one row to the page, past any filter, and opens it. */
  function show(row) {
    if (!shown.includes(row)) { clear(); filter(); }
    state.page = Math.floor(shown.indexOf(row) / size) + 1;
    render();
    for (const other of $$('tbody.here')) other.classList.remove('here');
    row.element.classList.add('here');
    const details = $('details', row.element);
    if (details) details.open = true;
    row.element.scrollIntoView({ block: 'center' });
  }
  const heads = $$('thead th', table).map((th, column) => {
    const number = th.dataset.type === 'number';
    const button = make('button', { type: 'button', textContent: th.textContent });
    button.addEventListener('click', () => {
      const first = number;
      if (state.sort?.column !== column) sortBy(column, first);
      else if (state.sort.down === first) sortBy(column, !first);
      else state.sort = null;
      state.page = 1;
      changed();
    });
    th.dataset.title = th.textContent;
    th.replaceChildren(button);
    return { th, number };
  });
  let wait;
  search.addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(() => { state.q = search.value.trim(); state.page = 1; changed(); }, 80); });
  chips.addEventListener('click', (event) => {
    const chip = event.target.closest('.chip');
    if (!chip) return;
    const { key, value } = chip.dataset;
    const values = state.tags.get(key) ?? new Set();
    if (!values.delete(value)) values.add(value);
    if (values.size > 0) state.tags.set(key, values);
    else state.tags.delete(key);
    state.page = 1;
    changed();
  });
  tools.hidden = false;
  tables.set(name, { box, table, search, read, show, all: () => { filter(); place(shown); pager.hidden = true; }, render });
  render();
}
for (const box of $$('.data')) setUp(box);

function follow() {
  const hash = location.hash.slice(1);
  const query = /^(\w+)\?(.*)$/.exec(hash);
  const table = query && tables.get(query[1]);
  if (table) {
    table.read(new URLSearchParams(query[2]));
    table.box.closest('section').scrollIntoView();
    return;
  }
  let id = hash;
  try { id = decodeURIComponent(hash); } catch {}
  const found = rowOf.get(id);
  if (found) found.show(found.row);
}
addEventListener('hashchange', follow);
if (location.hash) follow();
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]');
  if (link && link.getAttribute('href') === location.hash) { event.preventDefault(); follow(); }
});

const toast = $('#toast');
let gone;
async function copy(text) {
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch { done = false; }
  toast.textContent = done ? 'Copied ' + text : 'The browser does not allow copying; select the text instead';
  clearTimeout(gone);
  gone = setTimeout(() => { toast.textContent = ''; }, 2500);
}
document.addEventListener('click', (event) => {
  const button = event.target.closest('.copy');
  if (button) return void copy(button.previousElementSibling.textContent);
  const code = event.target.closest('main code');
  if (code && !event.target.closest('a, summary, button') && String(getSelection()) === '') void copy(code.textContent);
});

const inView = () => [...tables.values()].find(({ box }) => box.getBoundingClientRect().bottom > 80) ?? tables.values().next().value;
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest('input');
  if (typing) { if (event.key === 'Escape') typing.blur(); return; }
  const at = event.target.closest('.data tbody');
  const table = at ? tables.get(at.closest('.data').dataset.table) : inView();
  if (!table) return;
  if (event.key === '/') { event.preventDefault(); table.search.focus(); table.search.select(); return; }
  if (event.key === 'j' || event.key === 'k') {
    const next = at ? (event.key === 'j' ? at.nextElementSibling : at.previousElementSibling) : table.table.tBodies[0];
    if (next?.tagName !== 'TBODY') return;
    const focusable = $('summary, a', next) ?? next;
    if (focusable === next) next.tabIndex = -1;
    focusable.focus();
  }
});

addEventListener('beforeprint', () => { for (const { all } of tables.values()) all(); });
addEventListener('afterprint', () => { for (const { render } of tables.values()) render(); });

const links = new Map($$('nav.contents a[href^="#"]').map((a) => [a.getAttribute('href').slice(1), a]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const a of links.values()) { a.classList.remove('here'); a.removeAttribute('aria-current'); }
    const a = links.get(entry.target.id);
    a?.classList.add('here');
    a?.setAttribute('aria-current', 'true');
  }
}, { rootMargin: '-10% 0px -80% 0px' });
for (const id of links.keys()) { const section = document.getElementById(id); if (section && id !== 'top') seen.observe(section); }
})();
`;
