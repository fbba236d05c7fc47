import { createHash } from 'node:crypto';
import type { ReportInput } from '../report-format.ts';
import { shortDigest } from '../words.ts';
import { appendix, coverage } from './appendix.ts';
import { HATCH_PATTERN } from './charts.ts';
import { completenessOf } from './completeness.ts';
import { frameworkViews } from './control-result.ts';
import { frameworkAnchor, frameworks, frameworkTitle } from './controls.ts';
import { cover } from './cover.ts';
import { escapeCss, html, join, type Markup, raw } from './escape.ts';
import { hashListeners } from './evidence.ts';
import { findings } from './findings.ts';
import { utc } from './format.ts';
import { inventory } from './inventory.ts';
import { register } from './register.ts';
import { SCRIPT, THEME_SCRIPT } from './script.ts';
import { SCALE_SYMBOL } from './sources.ts';
import { style } from './style.ts';
import { summary } from './summary.ts';

/**
 * Returns the whole report as one file that asks for nothing: style and script are inline, and the policy (CSP level 3)
 * allows these by their hashes and nothing else, so that even markup that slipped in could not run or load.
 */
export function page(input: ReportInput): string {
  const { result } = input;
  const { name, digest } = result.facts.estate.register;
  const css = style(escapeCss(`${name}, register ${shortDigest(digest)}, as of ${utc(result.now)}`));
  const policy = `default-src 'none'; style-src '${hashOf(css)}'; script-src '${hashOf(THEME_SCRIPT)}' '${hashOf(SCRIPT)}'; base-uri 'none'; form-action 'none'`;
  const hashes = hashListeners(result);
  const completeness = completenessOf(result.facts.estate);
  const body = html`${cover(result, completeness)}
${summary(input)}
${inventory(result)}
${findings(input)}
${register(result)}
${frameworks(input, hashes)}
${coverage(result, hashes, completeness)}
${appendix(input)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
${
  html`<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark"><meta name="generator" content="Quietdoor ${result.version}">
<title>${name}: internal ports, ${utc(result.now)}</title>`.markup
}
<script>${THEME_SCRIPT}</script>
<style>${css}</style></head>
<body>${SCALE_SYMBOL.markup}${HATCH_PATTERN.markup}<a class="skip" href="#summary">To the summary</a>
${navigation(input).markup}<main>
${withTargets(body.markup)}
</main><p id="toast" role="status"></p>
<script>${SCRIPT}</script></body></html>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function navigation(input: ReportInput): Markup {
  const items = [
    ['summary', 'Summary'],
    ['endpoints', 'Endpoints'],
    ['findings', 'Findings'],
    ['register', 'Register'],
    ['frameworks', 'Frameworks'],
    ...frameworkViews(input).map((v) => [frameworkAnchor(v), frameworkTitle(v)]),
    ['coverage', 'Coverage and gaps'],
    ['rules', 'Rules'],
    ['events', 'Events'],
    ['method', 'Method'],
  ];
  const links = items.map(
    ([id = '', title = '']) => html`<a href="#${id}"${id.startsWith('c-') ? raw(' class="sub"') : null}>${title}</a>`,
  );
  return html`<nav class="contents" aria-label="Contents"><a class="brand" href="#top">quietdoor</a>${join(links, '\n')}<button type="button" id="theme" hidden>Dark</button></nav>`;
}

/** Links to filtered rows lead to the table's section where no script answers them: their targets stand there. */
function withTargets(body: string): string {
  const targets = new Map<string, Set<string>>();
  for (const [, address = '', table = ''] of body.matchAll(/href="#((endpoints|findings|register)\?[^"]*)"/g)) {
    const known = targets.get(table) ?? new Set();
    targets.set(table, known.add(address));
  }
  return body.replace(/<section id="(endpoints|findings|register)"[^>]*>/g, (start, table: string) => {
    const spans = [...(targets.get(table) ?? [])].map((id) => `<span id="${id}"></span>`);
    return start + spans.join('');
  });
}
