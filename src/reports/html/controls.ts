import { showsHost } from '../../model/asset-match.ts';
import type { CheckResult } from '../../model/facts.ts';
import type { Control, Framework, Strength } from '../../model/framework.ts';
import { isStale } from '../../model/freshness.ts';
import type { FrameworkChoice } from '../../model/register.ts';
import { count } from '../../util/words.ts';
import type { ReportInput } from '../report-format.ts';
import { formatNumber, frameworkName } from '../words.ts';
import { type Share, stackedBar } from './charts.ts';
import {
  type CheckOutcome,
  type ControlResult,
  type ControlView,
  type FrameworkView,
  frameworkViews,
} from './control-result.ts';
import { filtersNotRead } from './cover.ts';
import { type Child, html, type Markup } from './escape.ts';
import type { ListenerHashes } from './evidence.ts';
import { anchor, code, distance, listed, pair, rowsAddress, sentence, severity, time } from './format.ts';

const WORDS: Record<ControlResult, { readonly mark: string; readonly word: string }> = {
  findings: { mark: '✗', word: 'findings' },
  stale: { mark: '?', word: 'stale' },
  evidence: { mark: '●', word: 'evidence' },
  manual: { mark: '○', word: 'manual' },
};
const RESULTS = ['findings', 'stale', 'evidence', 'manual'] as const;

/** One section per framework chosen: the matrix on one line, then each control; those outside the baseline last. */
export function frameworks(input: ReportInput, hashes: ListenerHashes): Markup {
  const views = frameworkViews(input);
  const { frameworks: choices } = input.result.facts.estate.register;
  const missing = choices.filter((choice) => !views.some((v) => v.framework.id === choice.id));
  return html`<section id="frameworks"><h2>Frameworks</h2>
<p class="lead">Evidence for an assessor, control by control. Findings: a check that speaks to the control found a deviation, open or accepted by an exception. Evidence: its checks ran and found none, which is not to say that the control is satisfied: that is for the assessor.</p>${
    views.length === 0
      ? html`<p class="empty">No framework is chosen. Add one under frameworks in quietdoor.yaml, for example <code>- id: nist-800-53-r5</code>.</p>`
      : null
  }${missing.map((c: FrameworkChoice) => html`<p><span class="bad">✗</span> ${code(c.id)} is chosen in quietdoor.yaml, but this version does not know it.</p>`)}${views.map((v) => frameworkSection(v, input, hashes))}</section>`;
}

export function frameworkTitle({ framework, baseline }: FrameworkView): string {
  return `${frameworkName(framework)}${baseline === null ? '' : `, ${baseline} baseline`}`;
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

function frameworkSection(view: FrameworkView, input: ReportInput, hashes: ListenerHashes): Markup {
  const inside = view.controls.filter((c) => c.inBaseline);
  const outside = view.controls.filter((c) => !c.inBaseline);
  const { framework } = view;
  return html`<section class="framework" id="${frameworkAnchor(view)}"><h3>${frameworkTitle(view)}</h3>
<p class="note">${count(inside.length, 'control')}${view.baseline === null ? '' : ` in the ${view.baseline} baseline`} of ${formatNumber(view.controls.length)} that the product speaks to${
    framework.legacy ? '. Superseded edition' : ''
  }. ${sentence(framework.source)}</p>${stackedBar('Controls by result', controlShares(view))}${matrix(framework, inside)}${
    outside.length > 0 &&
    html`<p class="note outside-note">Outside the ${view.baseline} baseline:</p>${matrix(framework, outside)}`
  }${inside.map((c) => controlArticle(view, c, input.result, hashes))}${outside.map((c) => controlArticle(view, c, input.result, hashes))}</section>`;
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

function controlArticle(view: FrameworkView, c: ControlView, run: CheckResult, hashes: ListenerHashes): Markup {
  const { control, inBaseline, result } = c;
  return html`<article class="control${inBaseline ? '' : ' outside'}" id="${controlAnchor(view.framework, control)}">
<h4>${control.id} <span>${control.title}</span>${inBaseline ? null : html` <em>outside the ${view.baseline} baseline</em>`}</h4>
<dl>${pair('Result', html`<b class="c-${result}">${WORDS[result].mark} ${WORDS[result].word}</b> ${says(c)}`)}${pair(
    'Checks',
    c.checks.length === 0
      ? 'none'
      : html`<ul class="plain">${c.checks.map((check) => html`<li>${checkLine(check)}`)}</ul>`,
  )}${c.open.length > 0 && pair('Findings', findingList(c))}${pair('Evidence', evidence(c, run, hashes))}${pair('Not shown', notShown(c, run))}${
    control.manual !== undefined || result === 'manual'
      ? pair('From people', control.manual ?? 'All evidence for this control.')
      : null
  }${control.note && pair('Source', sentence(control.note))}</dl></article>`;
}

function says({ result, checks, open }: ControlView): Child {
  switch (result) {
    case 'findings': {
      const raising = checks.filter((c) => c.open.length > 0).length;
      const by = checks.length === 1 ? 'its check' : `${raising} of its ${checks.length} checks`;
      const accepted = checks.reduce((n, c) => n + c.accepted.length, 0);
      const also =
        accepted === 0
          ? ''
          : ` ${count(accepted, 'deviation')} accepted by an exception, which ${accepted === 1 ? 'stays one' : 'stay deviations'}.`;
      return open.length === 0
        ? `Nothing is open.${also}`
        : `${count(open.length, 'open finding')}, raised by ${by}.${also}`;
    }
    case 'stale':
      return 'No host was observed recently enough to speak of now.';
    case 'evidence': {
      const ran = checks.filter((c) => c.ran).length;
      const which = checks.length === 1 ? 'Its check' : `Its ${checks.length} checks`;
      const some = `${formatNumber(ran)} of its ${checks.length} checks`;
      return `${ran < checks.length ? some : which} ran and found no deviation. Whether that satisfies the control is for the assessor to say.`;
    }
    case 'manual':
      return `${checks.length > 0 ? 'No check that speaks to it had anything to judge by' : 'No check speaks to it'}; the evidence comes from people.`;
  }
}

/** What one check came to: `✗ 2 open findings`, `✗ 1 accepted deviation`, `● nothing open`, and what else it says. */
function checkLine({ id, rule, open, notes, accepted, dismissed }: CheckOutcome): Child {
  if (rule === undefined) return html`<b class="c-stale">? did not run</b> ${code(id)}: this version has no such check`;
  const name = html`${rule.title} <span class="note"><a href="#${anchor('rule', id)}">${id}</a></span>`;
  if (rule.lacks !== undefined) return html`<b class="c-stale">? judged nothing</b>, ${rule.lacks}: ${name}`;
  const acceptedRows = rowsAddress('findings', { rule: [id], status: ['accepted'] });
  const parts: Child[] = [];
  if (open.length > 0) {
    const href = rowsAddress('findings', { rule: [id], kind: ['deviation'] });
    parts.push(html`<b class="c-findings">✗ <a href="${href}">${count(open.length, 'open finding')}</a></b>`);
  } else if (accepted.length === 0) parts.push(html`<b class="c-evidence">● nothing open</b>`);
  if (accepted.length > 0) {
    const words = html`<a href="${acceptedRows}">${count(accepted.length, 'accepted deviation')}</a>`;
    parts.push(open.length > 0 ? words : html`<b class="c-findings">✗ ${words}</b>`);
  }
  if (dismissed.length > 0)
    parts.push(html`<a href="${acceptedRows}">${formatNumber(dismissed.length)} accepted as false positive</a>`);
  if (notes.length > 0)
    parts.push(
      html`<a href="${rowsAddress('findings', { rule: [id], severity: ['info'] })}">${formatNumber(notes.length)} announced</a>`,
    );
  return html`${listed(parts)}: ${name}`;
}

const LISTED_FINDINGS = 5;

function findingList({ open }: ControlView): Markup {
  const more = open.length - LISTED_FINDINGS;
  return html`<ul class="plain">${open
    .slice(0, LISTED_FINDINGS)
    .map(
      (f) => html`<li>${severity(f.severity)} <a href="#${anchor('f', f.fingerprint)}">${f.message}</a>`,
    )}${more > 0 && html`<li>${formatNumber(more)} more, by the checks above`}</ul>`;
}

const LISTED_OBSERVATIONS = 3;
const SHORT_HASH = 16;

/** What the evidence is, when it was taken and how it is named; the newest observations first. */
function evidence({ control, result }: ControlView, run: CheckResult, hashes: ListenerHashes): Child {
  if (result === 'manual') return html`${control.evidence || 'none from the product'}`;
  const hosts = run.facts.estate.hosts.filter(showsHost).toSorted((a, b) => b.lastObservedAt - a.lastObservedAt);
  const shown = hosts
    .slice(0, LISTED_OBSERVATIONS)
    .map(
      (h) =>
        html`<li>${time(h.lastObservedAt)}, ${distance(h.lastObservedAt, run.now)}: <a href="#${anchor('h', h.host.name)}">${h.host.name}</a>, observation ${code(h.observationId)}${hashes.has(h) && html`, listeners SHA-256 ${code(`${hashes.get(h)?.slice(0, SHORT_HASH)}…`)}`}`,
    );
  const more = hosts.length - shown.length;
  return html`${control.evidence}<ul class="plain">${shown}${more > 0 && html`<li><a href="#coverage">${count(more, 'older observation')}</a>`}${
    hosts.length === 0 && html`<li>No observation.`
  }<li>Register ${code(run.facts.estate.register.digest)}</ul>`;
}

/** What stays open even where everything is in order: an assessor must not read more into the evidence than it holds. */
function notShown({ control, result }: ControlView, run: CheckResult): Child {
  if (result === 'manual') return 'Nothing of this control is measured here.';
  const { estate } = run.facts;
  const { hosts, register } = estate;
  const gaps = hosts.reduce((n, h) => n + h.gaps.length, 0);
  const seen = new Set(hosts.map((h) => h.host.name));
  const unseen = register.hosts.filter((h) => !seen.has(h.name)).length;
  const stale = hosts.filter((h) => isStale(h.lastObservedAt, estate)).length;
  const doubtful = run.results.filter((r) => r.verdict.word === 'UNDETERMINED').length;
  const errors = register.problems.filter((p) => p.severity === 'error').length;
  return html`Strength: ${control.strength.map((s) => STRENGTH[s]).join('; ') || 'not rated'}. Not seen of who can connect: ${filtersNotRead(estate)}.${
    doubtful > 0 &&
    html` <a href="${rowsAddress('endpoints', { verdict: ['UNDETERMINED'] })}">${formatNumber(doubtful)} of ${count(run.results.length, 'endpoint')}</a> ${doubtful === 1 ? 'is' : 'are'} UNDETERMINED.`
  }${gaps > 0 && html` <a href="#gaps">${count(gaps, 'gap')}</a> in what was looked at.`}${
    stale > 0 &&
    ` ${formatNumber(stale)} of ${count(hosts.length, 'host')} not observed recently enough to speak of now.`
  }${unseen > 0 && html` <a href="#coverage">${formatNumber(unseen)} of ${formatNumber(register.hosts.length)} declared hosts</a> never observed.`}${
    errors > 0 && html` <a href="#register">${count(errors, 'part')}</a> of the register could not be read.`
  }`;
}
