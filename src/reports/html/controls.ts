import type { CheckResult } from '../../model/facts.ts';
import type { Finding } from '../../model/finding.ts';
import type { Control, Framework, Strength } from '../../model/framework.ts';
import type { FrameworkChoice } from '../../model/register.ts';
import type { HostState } from '../../model/state.ts';
import { count } from '../../util/words.ts';
import type { ReportInput } from '../report-format.ts';
import { formatNumber } from '../words.ts';
import { type Share, stackedBar } from './charts.ts';
import { type Child, html, type Markup } from './escape.ts';
import { anchor, code, distance, rowsAddress, severity, time } from './format.ts';
import { listed, pair } from './truths.ts';

export type ControlResult = 'findings' | 'stale' | 'evidence' | 'manual';

const WORDS: Record<ControlResult, { readonly mark: string; readonly word: string; readonly says: string }> = {
  findings: { mark: '✗', word: 'findings', says: 'Its checks ran and raised findings that are open.' },
  stale: { mark: '?', word: 'stale', says: 'No host was observed recently enough to speak of now.' },
  evidence: { mark: '●', word: 'evidence', says: 'Its checks ran and raised nothing that is open.' },
  manual: { mark: '○', word: 'manual', says: 'No check speaks to it; the evidence comes from people.' },
};
const RESULTS = ['findings', 'stale', 'evidence', 'manual'] as const;

interface ControlView {
  readonly control: Control;
  readonly inBaseline: boolean;
  readonly result: ControlResult;
  readonly findings: readonly Finding[];
}

export interface FrameworkView {
  readonly framework: Framework;
  readonly baseline: string | null;
  readonly controls: readonly ControlView[];
}

/** Returns the chosen frameworks with the result of each control; choices that this version does not know are left out. */
export function frameworkViews({ result, frameworks }: ReportInput): readonly FrameworkView[] {
  const findingsOf = new Map<string, Finding[]>();
  for (const f of result.findings)
    for (const c of f.controls) {
      const key = `${c.framework}/${c.id}`;
      const list = findingsOf.get(key);
      if (list) list.push(f);
      else findingsOf.set(key, [f]);
    }
  const isFresh = hasFreshHost(result);
  return result.facts.estate.register.frameworks.flatMap((choice): FrameworkView[] => {
    const framework = frameworks.find((f) => f.id === choice.id);
    if (!framework) return [];
    const baseline = choice.baseline ?? framework.defaultBaseline ?? null;
    const controls = framework.controls.map((control): ControlView => {
      const findings = findingsOf.get(`${framework.id}/${control.id}`) ?? [];
      const inBaseline = baseline === null || framework.baselines.length === 0 || control.baselines.includes(baseline);
      return { control, inBaseline, findings, result: resultOf(control, findings, isFresh) };
    });
    return [{ framework, baseline: framework.baselines.length === 0 ? null : baseline, controls }];
  });
}

function resultOf(control: Control, findings: readonly Finding[], isFresh: boolean): ControlResult {
  if (control.checks.length === 0) return 'manual';
  if (findings.some((f) => f.status === 'open')) return 'findings';
  return isFresh ? 'evidence' : 'stale';
}

const HOUR_MS = 3_600_000;

function hasFreshHost(result: CheckResult): boolean {
  return result.facts.estate.hosts.some((h) => isFresh(h, result));
}

function isFresh(host: HostState, { now, facts: { estate } }: CheckResult): boolean {
  return host.lastObservedAt >= now - estate.register.policy.staleAfterHours * HOUR_MS;
}

/** One section per framework chosen: the matrix on one line, then each control; those outside the baseline last. */
export function frameworks(input: ReportInput): Markup {
  const views = frameworkViews(input);
  const { frameworks: choices } = input.result.facts.estate.register;
  const missing = choices.filter((choice) => !views.some((v) => v.framework.id === choice.id));
  return html`<section id="frameworks"><h2>Frameworks</h2>
<p class="lead">Evidence for an assessor, control by control. A port conforms to a register; whether a control is satisfied is for the assessor to say.</p>${
    views.length === 0
      ? html`<p class="empty">No framework is chosen. Add one under frameworks in quietdoor.yaml, for example <code>- id: nist-800-53</code>.</p>`
      : null
  }${missing.map((c: FrameworkChoice) => html`<p><span class="bad">✗</span> ${code(c.id)} is chosen in quietdoor.yaml, but this version does not know it.</p>`)}${views.map((v) => frameworkSection(v, input))}</section>`;
}

export function frameworkTitle({ framework, baseline }: FrameworkView): string {
  return `${framework.title} ${framework.version}${baseline === null ? '' : `, ${baseline} baseline`}`;
}

export function frameworkAnchor(view: FrameworkView): string {
  return anchor('c', view.framework.id);
}

/** How many controls of the baseline came to which result. */
export function controlShares(view: FrameworkView): readonly Share[] {
  const inside = view.controls.filter((c) => c.inBaseline);
  return RESULTS.map((result) => ({
    name: `c-${result}`,
    label: WORDS[result].word,
    value: inside.filter((c) => c.result === result).length,
    href: `#${frameworkAnchor(view)}`,
  }));
}

function frameworkSection(view: FrameworkView, input: ReportInput): Markup {
  const inside = view.controls.filter((c) => c.inBaseline);
  const outside = view.controls.filter((c) => !c.inBaseline);
  const { framework } = view;
  return html`<section class="framework" id="${frameworkAnchor(view)}"><h3>${frameworkTitle(view)}</h3>
<p class="note">${count(inside.length, 'control')}${view.baseline === null ? '' : ` in the ${view.baseline} baseline`} of ${formatNumber(view.controls.length)} that the product speaks to${
    framework.legacy ? '. Superseded edition' : ''
  }. ${framework.source}.</p>${stackedBar('Controls by result', controlShares(view))}${matrix(framework, inside)}${
    outside.length > 0 &&
    html`<p class="note outside-note">Outside the ${view.baseline} baseline:</p>${matrix(framework, outside)}`
  }${inside.map((c) => controlArticle(view, c, input))}${outside.map((c) => controlArticle(view, c, input))}</section>`;
}

function matrix(framework: Framework, controls: readonly ControlView[]): Markup {
  return html`<ul class="matrix">${controls.map(
    ({ control, result }) =>
      html`<li><a class="c-${result}" href="#${controlAnchor(framework, control)}" title="${control.title}: ${WORDS[result].word}">${WORDS[result].mark} ${control.id}</a>`,
  )}</ul>`;
}

function controlAnchor(framework: Framework, control: Control): string {
  return anchor('c', `${framework.id}/${control.id}`);
}

const STRENGTH: Record<Strength, string> = {
  primary: 'primary evidence for a part of the control',
  supporting: 'supporting evidence',
  tool: 'the product meets it for itself',
  weak: 'weak evidence, not to rest on alone',
};

function controlArticle(
  view: FrameworkView,
  { control, inBaseline, result, findings }: ControlView,
  input: ReportInput,
): Markup {
  const open = findings.filter((f) => f.status === 'open');
  return html`<article class="control${inBaseline ? '' : ' outside'}" id="${controlAnchor(view.framework, control)}">
<h4>${control.id} <span>${control.title}</span>${inBaseline ? null : html` <em>outside the ${view.baseline} baseline</em>`}</h4>
<dl>${pair(
    'Result',
    html`<b class="c-${result}">${WORDS[result].mark} ${WORDS[result].word}</b> ${
      result === 'findings' ? openCount(view, control, open) : WORDS[result].says
    }`,
  )}${result === 'findings' && pair('Findings', findingList(view, control, open))}${pair('Evidence', evidence(control, result, input))}${pair(
    'Checks',
    control.checks.length === 0 ? 'none' : listed(control.checks.map((id) => checkLink(id, input))),
  )}${pair('Not shown', notShown(control, result, input))}${control.manual !== undefined || result === 'manual' ? pair('From people', control.manual ?? 'All evidence for this control.') : null}${
    control.note && pair('Source', control.note)
  }</dl></article>`;
}

function openCount(view: FrameworkView, control: Control, open: readonly Finding[]): Markup {
  const href = rowsAddress('findings', { control: [`${view.framework.id}/${control.id}`], status: ['open', 'known'] });
  return html`<a href="${href}">${count(open.length, 'open finding')}</a> of its checks.`;
}

const LISTED_FINDINGS = 5;

function findingList(view: FrameworkView, control: Control, open: readonly Finding[]): Markup {
  const more = open.length - LISTED_FINDINGS;
  const href = rowsAddress('findings', { control: [`${view.framework.id}/${control.id}`], status: ['open', 'known'] });
  return html`<ul class="plain">${open
    .slice(0, LISTED_FINDINGS)
    .map(
      (f) => html`<li>${severity(f.severity)} <a href="#${anchor('f', f.fingerprint)}">${f.message}</a>`,
    )}${more > 0 && html`<li><a href="${href}">${count(more, 'more', 'more')}</a>`}</ul>`;
}

function checkLink(id: string, { rules }: ReportInput): Child {
  return rules.some((r) => r.id === id) ? html`<a href="#${anchor('rule', id)}">${id}</a>` : id;
}

const LISTED_OBSERVATIONS = 3;

/** What the evidence is, when it was taken and how it is named; the newest observations first. */
function evidence(control: Control, result: ControlResult, { result: run }: ReportInput): Child {
  if (result === 'manual') return html`${control.evidence || 'none from the product'}`;
  const hosts = run.facts.estate.hosts.toSorted((a, b) => b.lastObservedAt - a.lastObservedAt);
  const shown = hosts
    .slice(0, LISTED_OBSERVATIONS)
    .map(
      (h) =>
        html`<li>${time(h.lastObservedAt)}, ${distance(h.lastObservedAt, run.now)}: observation ${code(h.observationId)} of <a href="#${anchor('h', h.host.name)}">${h.host.name}</a>`,
    );
  const more = hosts.length - shown.length;
  return html`${control.evidence}<ul class="plain">${shown}${more > 0 && html`<li><a href="#coverage">${count(more, 'older observation')}</a>`}${
    hosts.length === 0 && html`<li>No observation.`
  }<li>Register ${code(run.facts.estate.register.digest)}</ul>`;
}

/** What stays open even where everything is in order: an assessor must not read more into the evidence than it holds. */
function notShown(control: Control, result: ControlResult, { result: run }: ReportInput): Child {
  if (result === 'manual') return 'Nothing of this control is measured here.';
  const { hosts, register } = run.facts.estate;
  const gaps = hosts.reduce((n, h) => n + h.gaps.length, 0);
  const seen = new Set(hosts.map((h) => h.host.name));
  const unseen = register.hosts.filter((h) => !seen.has(h.name)).length;
  const stale = hosts.filter((h) => !isFresh(h, run)).length;
  return html`Strength: ${control.strength.map((s) => STRENGTH[s]).join('; ') || 'not rated'}. Who can connect is not verified: packet filters were not evaluated.${
    gaps > 0 ? html` <a href="#gaps">${count(gaps, 'gap')}</a> in what was looked at.` : null
  }${stale > 0 ? ` ${formatNumber(stale)} of ${count(hosts.length, 'host')} not observed recently enough to speak of now.` : null}${unseen > 0 ? html` <a href="#coverage">${formatNumber(unseen)} of ${formatNumber(register.hosts.length)} declared hosts</a> never observed.` : null}`;
}
