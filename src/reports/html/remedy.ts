import { type Child, html, type Markup } from './escape.ts';
import { code } from './format.ts';

/** What a command begins with, up to the end of its sentence; one that goes on with a comma is no command to copy. */
const COMMAND =
  /(?<=^|: |; |→ )((?:sudo|quietdoor|systemctl|apt-get|apt|dnf|apk|docker|kubectl|kill|ss|git) (?:(?!\. | {2})[^\n;,`])+?)(?=[.;]?$|\. |; |\.?\)| {2}|\n)/m;
/** Backticks hold commands, and names that are none. */
const IS_COMMAND = /^(?:sudo|quietdoor|systemctl|apt-get|apt|dnf|apk|docker|kubectl|kill|ss|git) /;

/** A remedy as text with its commands set apart, to be copied with one click: in backticks, or behind a colon. */
export function remedy(text: string): Markup {
  const parts = text.includes('`') ? text.split(/`([^`\n]+)`/) : text.split(COMMAND);
  return html`${parts.map((part, i): Child => (i % 2 === 0 ? lines(part) : IS_COMMAND.test(part) ? command(part) : code(part)))}`;
}

export function command(text: string): Markup {
  return html`<code class="command">${text}</code><button type="button" class="copy" aria-label="Copy the command">copy</button>`;
}

function lines(text: string): Child {
  return text.split('\n').map((line, i) => html`${i > 0 ? html`<br>` : null}${line}`);
}
