import { printable } from '../printable.ts';

/** HTML that may go into the page as it is. Only `html` and `raw` make it, so that no text gets there unescaped. */
export interface Markup {
  readonly markup: string;
}

export type Child = Markup | string | number | null | undefined | false | readonly Child[];

const MARKUP = /[&<>"'`]/g;
/** Letters, digits and punctuation that mean nothing in HTML: nearly every text, told in one pass. */
const HARMLESS = /^[\w .,:;/()=@+*?!#%[\]{}|~$^→·–✓✗-]*$/;

/**
 * Returns a text for an element or a quoted attribute: markup characters as entities, characters that act without
 * showing spelled out. One line, whatever comes in: tables keep one row per line.
 */
export function escapeText(value: string): string {
  if (HARMLESS.test(value)) return value;
  return printable(value).replace(MARKUP, (c) => `&#${c.charCodeAt(0)};`);
}

/** Template tag: the literal parts are markup, every text put in is escaped. */
export function html(parts: TemplateStringsArray, ...children: readonly Child[]): Markup {
  let markup = parts[0] as string;
  for (let i = 0; i < children.length; i++) markup += render(children[i]) + parts[i + 1];
  return { markup };
}

/** Takes text as markup. For constants of this program only, never for anything that was read. */
export function raw(markup: string): Markup {
  return { markup };
}

export function join(children: readonly Child[], separator: string): Markup {
  return { markup: children.map(render).join(separator) };
}

function render(child: Child): string {
  if (typeof child === 'string') return escapeText(child);
  if (typeof child === 'number') return String(child);
  if (child === null || child === undefined || child === false) return '';
  if (isList(child)) return child.map(render).join('');
  return child.markup;
}

function isList(child: Markup | readonly Child[]): child is readonly Child[] {
  return Array.isArray(child);
}

/** Returns a text as the inside of a CSS string: all but letters, digits and blanks as escapes (CSS Syntax 3, 4.3.7). */
export function escapeCss(value: string): string {
  return Array.from(value.toWellFormed(), (c) =>
    /[A-Za-z0-9 ]/.test(c) ? c : c < ' ' ? ' ' : `\\${(c.codePointAt(0) as number).toString(16)} `,
  ).join('');
}
