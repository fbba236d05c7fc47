import type { CheckResult, EstateFacts } from '../../model/facts.ts';
import { isStale } from '../../model/freshness.ts';
import { count } from '../../util/words.ts';
import { hostsSeen, neverSeen } from '../words.ts';
import { type Completeness, scopeWords } from './completeness.ts';
import { type Child, html, type Markup } from './escape.ts';
import { code, distance, listed, pair, time, unknown } from './format.ts';

/** What the report is about and what it rests on; in print the first page, with room for signatures. */
export function cover(result: CheckResult, completeness: Completeness): Markup {
  const { register } = result.facts.estate;
  return html`<header class="cover" id="top"><p class="crumb">Internal ports: approved, admitted, observed</p>
<h1>${register.name}${register.boundary === null ? null : html` <span>${register.boundary}</span>`}</h1>
<dl class="facts">${pair('As of', time(result.now))}${pair('Scope', scope(result, completeness))}${register.boundary === null && pair('Boundary', html`${unknown('not named')} in quietdoor.yaml`)}${pair('Register', html`${code(register.digest)}, ${count(register.entries.length, 'entry', 'entries')}`)}${pair(
    'Looked at',
    looked(result),
  )}${pair('Not seen', notSeen(result))}${pair('Made by', html`Quietdoor ${result.version}`)}</dl>
<p class="statement">A port conforms to a register; whether a control is satisfied is for the assessor to say.</p>
<dl class="signatures" aria-hidden="true"><dt>Prepared by<dd>Date<dt>Reviewed by<dd>Date<dt>Accepted by<dd>Date</dl></header>`;
}

function scope({ facts: { estate } }: CheckResult, completeness: Completeness): Child {
  return html`site ${estate.register.site}, ${hostCount(estate.hosts)} observed; ${scopeWords(completeness)}`;
}

export function hostCount(hosts: CheckResult['facts']['estate']['hosts']): string {
  return count(hostsSeen(hosts).length, 'host');
}

function looked({ now, facts: { estate } }: CheckResult): Child {
  if (estate.hosts.length === 0) return unknown('nothing yet');
  const times = estate.hosts.map((h) => h.lastObservedAt);
  const oldest = Math.min(...times);
  const how = [
    ...new Set(
      estate.hosts.map(
        (h) => `collector ${h.collector} with the rights of ${h.privilege === 'root' ? 'root' : 'a user'}`,
      ),
    ),
  ].sort();
  return html`by ${listed(how)}, ${estate.hosts.length === 1 ? null : 'oldest '}${time(oldest)}, ${distance(oldest, now)}`;
}

/** Hosts whose filters were not read, not all of them, or long ago; what lies between the hosts never is. */
export function filtersNotRead(estate: EstateFacts): string {
  const { hosts, firewalls } = estate;
  if (firewalls === undefined) return 'packet filters and network ACLs';
  const read = new Set(firewalls.map((f) => f.host));
  const unread = hostsSeen(hosts).filter((host) => !read.has(host)).length;
  const old = firewalls.filter((f) => isStale(f.takenAt, estate)).length;
  const partly = firewalls.filter((f) => f.problems.length > 0).length;
  return [
    ...(unread > 0 ? [`packet filters of ${count(unread, 'host')}`] : []),
    ...(partly > 0 ? [`parts of the packet filters of ${count(partly, 'host')}`] : []),
    ...(old > 0 ? [`packet filters of ${count(old, 'host')} as they are now`] : []),
    'filters between the hosts',
  ].join(', ');
}

/** What an answer does not include, in the order of weight. */
export function notSeen({ facts: { estate } }: CheckResult): Child {
  const gaps = estate.hosts.reduce((n, h) => n + h.gaps.length, 0);
  const silent = neverSeen(estate).length;
  const errors = estate.register.problems.filter((p) => p.severity === 'error').length;
  const parts: Child[] = [filtersNotRead(estate)];
  if (silent > 0) parts.push(html`<a href="#coverage">${count(silent, 'declared host')}</a>`);
  if (gaps > 0) parts.push(html`<a href="#gaps">${count(gaps, 'gap')}</a> in what was looked at`);
  if (errors > 0)
    parts.push(html`<a href="#register">${count(errors, 'part')}</a> of the register that could not be read`);
  return listed(parts);
}
