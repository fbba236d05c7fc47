import { formatNumber } from '../words.ts';
import { type Child, html, type Markup } from './escape.ts';

export interface Share {
  /** Class that colours it. */
  readonly name: string;
  readonly label: Child;
  readonly value: number;
  /** Where its rows are. */
  readonly href: string;
}

/** One bar of parts that add up, and a key in words with the counts. A part is never thinner than can be seen. */
export function stackedBar(title: string, shares: readonly Share[]): Markup {
  const shown = shares.filter((s) => s.value > 0);
  const total = shown.reduce((sum, s) => sum + s.value, 0);
  let sum = 0;
  const parts = shown.map((s) => {
    const x = percent(sum / total);
    sum += s.value;
    return html`<rect class="${s.name}" x="${x}%" width="${Math.max(percent(sum / total) - x, 0.3)}%" height="14"/>`;
  });
  return html`<figure class="stack"><svg height="14" aria-hidden="true">${parts}</svg><figcaption><span class="hide">${title}: </span>${shares.map(
    (s) =>
      html`<a class="key" href="${s.href}"><svg width="10" height="10" aria-hidden="true"><rect class="${s.name}" width="10" height="10"/></svg> <b>${formatNumber(s.value)}</b> ${s.label}</a> `,
  )}</figcaption></figure>`;
}

function percent(share: number): number {
  return Math.round(share * 1000) / 10;
}

/** Rows of label, bar and count on one scale that begins at zero. */
export function barList(title: string, shares: readonly Share[]): Markup {
  const most = Math.max(1, ...shares.map((s) => s.value));
  return html`<div class="bars" role="table" aria-label="${title}">${shares.map(
    (s) =>
      html`<div role="row"><span role="rowheader">${s.label}</span><span role="cell"><svg aria-hidden="true"><rect class="${s.name}" width="${s.value === 0 ? 0 : Math.max(0.5, percent(s.value / most))}%" height="100%"/></svg></span><span role="cell" class="num">${
        s.value === 0 ? html`<span class="none">0</span>` : html`<a href="${s.href}">${formatNumber(s.value)}</a>`
      }</span></div>`,
  )}</div>`;
}

/** Grey hatching: nobody looked. Drawn, so that it prints. Once per page; `style.ts` fills with it. */
export const HATCH_PATTERN: Markup = html`<svg class="symbols" aria-hidden="true" width="0" height="0"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="6" height="6"/><rect class="hatch-line" width="2" height="6"/></pattern></defs></svg>`;
