import { count } from '../../util/words.ts';
import { formatNumber } from '../words.ts';
import { type Child, escapeText, html, type Markup } from './escape.ts';

export interface Column {
  readonly title: string;
  /** Class of its cells: width and alignment are in style.ts. */
  readonly name: string;
  readonly numeric?: boolean;
}

export interface Row {
  readonly id: string;
  /** What the filters ask for: `verdict:DEVIATES`. No blanks inside. */
  readonly tags: readonly string[];
  /** One per column. `sort` where the text itself does not sort as it should. */
  readonly cells: ReadonlyArray<{ readonly show: Child; readonly sort?: string | number }>;
  readonly detail?: Child;
}

export interface Chip {
  readonly key: string;
  readonly value: string;
  readonly label: Child;
}

export interface DataTable {
  /** Id of the section it stands in; what links to its rows begin with. */
  readonly name: string;
  readonly caption: string;
  /** `endpoint`, `endpoints`: what a row is. */
  readonly noun: readonly [one: string, many: string];
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly chips: readonly Chip[];
  readonly empty: Child;
  /** Print the detail of each row too. */
  readonly printDetail: boolean;
}

/** Rows that are elements from the start; the same number makes a page where scripts run. */
const FIRST = 100;
/** Rows of one later part: small enough that a browser skips what is off screen (`content-visibility`). */
const PART = 250;

/**
 * A table that is complete without scripts and light with them. The first rows are plain elements. Later rows stand in
 * `<noscript>`: without scripts they are parts of the table that the browser lays out only when seen; with scripts they
 * are text, one row per line, which is searched and sorted as such and becomes elements a page at a time (and all at
 * once before printing). So each row is in the file once, and 10,000 of them cost no layout.
 */
export function dataTable(table: DataTable): Markup {
  if (table.rows.length === 0) return html`<p class="empty">${table.empty}</p>`;
  const parts = [html`${part(table, table.rows.slice(0, FIRST), true)}`];
  for (let at = FIRST; at < table.rows.length; at += PART)
    parts.push(
      html`<noscript><div class="part">${part(table, table.rows.slice(at, at + PART), false)}</div></noscript>\n`,
    );
  const [one, many] = table.noun;
  return html`<div class="data${table.printDetail ? ' print-detail' : ''}" data-table="${table.name}" data-page="${FIRST}" data-noun="${one}|${many}">
<div class="tools" hidden><input type="search" placeholder="Search ${many}" aria-label="Search ${many}" autocomplete="off" spellcheck="false"><span class="chips" role="group" aria-label="Show only">${table.chips.map((chip) => chipButton(table, chip))}</span></div>
<p class="status" role="status">${count(table.rows.length, one, many)}</p>
${parts}<nav class="pager" hidden aria-label="Pages of ${many}"></nav></div>`;
}

function chipButton(table: DataTable, chip: Chip): Child {
  const tag = `${chip.key}:${chip.value}`;
  const n = table.rows.filter((row) => row.tags.includes(tag)).length;
  if (n === 0) return null;
  return html`<button type="button" class="chip" data-key="${chip.key}" data-value="${chip.value}" aria-pressed="false">${chip.label} <span class="n">${formatNumber(n)}</span></button>`;
}

function part(table: DataTable, rows: readonly Row[], isFirst: boolean): Markup {
  const heads = table.columns.map(
    (c) => html`<th scope="col" class="${c.name}"${c.numeric ? html` data-type="number"` : null}>${c.title}</th>`,
  );
  const head = isFirst
    ? html`<caption>${table.caption}</caption><thead><tr>${heads}</tr></thead>`
    : html`<thead class="again"><tr>${heads}</tr></thead>`;
  return html`<table class="${table.name}">${head}\n${rows.map((row) => rowMarkup(table, row))}</table>`;
}

/** One row with its detail: a row group of its own, on one line (`escapeText` leaves no line break in a text). */
function rowMarkup({ columns }: DataTable, row: Row): Markup {
  let cells = '';
  row.cells.forEach((cell, i) => {
    const name = columns[i]?.name ?? '';
    const sort = cell.sort === undefined ? '' : ` data-sort="${escapeText(String(cell.sort))}"`;
    const show = html`${cell.show}`.markup;
    if (i === 0) {
      const body = row.detail === undefined ? show : `<details><summary>${show}</summary></details>`;
      cells += `<th scope="row" class="${name}"${sort}>${body}`;
    } else cells += `<td class="${name}"${sort}>${show}`;
  });
  const detail =
    row.detail === undefined ? '' : `<tr class="detail"><td colspan="${columns.length}">${html`${row.detail}`.markup}`;
  return {
    markup: `<tbody id="${escapeText(row.id)}" data-tags="${escapeText(row.tags.join(' '))}"><tr>${cells}${detail}</tbody>\n`,
  };
}
