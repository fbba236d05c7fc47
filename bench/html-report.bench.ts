/**
 * The HTML report of 10,000 endpoints on 200 hosts with 3,000 findings: time to make it, its size, and in Chromium the
 * time to load it, to filter, search and sort its rows, and to lay all of them out for print. Beside it the same rows as
 * a plain table of elements. Medians of 5 runs. Fails when an answer is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium, type Page } from 'playwright-core';
import { checks } from '../src/checks/index.ts';
import { runChecks } from '../src/checks/run.ts';
import { controlsOfRule, loadFrameworks } from '../src/frameworks/load.ts';
import { buildFacts } from '../src/model/build-facts.ts';
import { endpointKey } from '../src/model/endpoint.ts';
import type { Listener } from '../src/model/listener.ts';
import { ALL_PORTS } from '../src/model/observation.ts';
import { type ApprovalState, DAY_MS, type Register, type RegisterEntry } from '../src/model/register.ts';
import type { HostState, ListenerState } from '../src/model/state.ts';
import { html } from '../src/reports/html.ts';
import type { ReportInput } from '../src/reports/report-format.ts';
import { median, printTable } from './measure.ts';

const CHROMIUM = '/usr/bin/chromium';
const HOSTS = 200;
const PER_HOST = 50;
/** Of the ports of a host: no entry covers them, or an entry allows loopback only. Together 3,000 findings. */
const UNREGISTERED = 8;
const WIDER = 7;
const RUNS = 5;
const NOW = Date.UTC(2026, 10, 21, 12);
const portOf = (n: number) => 2_000 + 17 * n;
const hex = (text: string) => createHash('sha256').update(text).digest('hex');

function entryAt(n: number): RegisterEntry {
  const isWider = n < UNREGISTERED + WIDER;
  return {
    ...{ id: `service-${n}`, service: 'https', purpose: `Service ${n} of the order platform`, workflow: null },
    ...{ owner: `team-${n % 9}`, hosts: ['tag:app'], scope: 'host', workload: {}, transport: 'tcp' },
    ...{ ports: [{ from: portOf(n), to: portOf(n) }], bind: isWider ? 'loopback' : 'any' },
    process: { exe: '/usr/lib/service/bin/service-*', user: 'service' },
    ...{
      sources: ['zone:app', '10.20.9.17'],
      data: ['internal'],
      encryption: 'tls',
      auth: 'token',
      change: `CHG-${n}`,
    },
    ...{ risk: null, approval: { by: 'a@example.org', at: NOW - 40 * DAY_MS, hosts: NAMES }, review: null },
    ...{ expires: null, evidence: [], digest: `sha256:${hex(`${n}`)}`, inheritedFrom: null },
    at: { file: 'register/services.yaml', line: 12 * n, column: 5 },
  };
}

function listenerAt(n: number): ListenerState {
  const port = portOf(Math.floor(n / HOSTS));
  const listener: Listener = {
    ...{ host: NAMES[n % HOSTS] as string, scope: 'host', transport: 'tcp', port, address: '0.0.0.0', bind: 'any' },
    ...{ families: ['ipv4'], role: 'service', uid: 998, user: 'service', sharedWith: [] },
    process: {
      ...{ pid: 1_000 + n, name: `service-${port}`, exe: `/usr/lib/service/bin/service-${port}`, exeState: 'present' },
      ...{ sha256: hex(`${port}`), uid: 998, user: 'service', unit: `service@${port}.service` },
      commandLine: `/usr/lib/service/bin/service-${port} --config /etc/service/${port}.yaml --listen 0.0.0.0:${port}`,
      package: { manager: 'dpkg', name: 'service', version: '2.14.3-1+deb12u1' },
    },
  };
  const times = { firstSeen: NOW - 50 * DAY_MS, openSince: NOW - 50 * DAY_MS, lastSeen: NOW - 60_000, closedAt: null };
  return { vantage: 'local', listener, open: true, restarts: 0, ...times };
}

function hostAt(n: number): HostState {
  const name = NAMES[n] as string;
  return {
    ...{ vantage: 'local', host: { name, addresses: [`10.20.3.${n}`], tags: ['app'] }, privilege: 'root', gaps: [] },
    ...{ firstObservedAt: NOW - 60 * DAY_MS, lastObservedAt: NOW - 60_000, collector: 'local' },
    observationId: `019aa9b4-7c31-7c3e-9c1e-${String(n).padStart(12, '0')}`,
    coverage: [{ host: name, scope: '*', transports: ['tcp', 'udp'], ports: ALL_PORTS, addresses: 'all' }],
  };
}

const NAMES = Array.from({ length: HOSTS }, (_, n) => `node-${String(n).padStart(3, '0')}`);

function reportInput(): ReportInput {
  const entries = Array.from({ length: PER_HOST - UNREGISTERED }, (_, i) => entryAt(UNREGISTERED + i));
  const frameworks = loadFrameworks();
  const register: Register = {
    ...{ name: 'orders', boundary: 'Order platform', site: 'fra1', digest: hex('register'), hosts: [], entries },
    zones: [{ name: 'app', cidrs: ['10.20.4.0/24'] }],
    owners: Array.from({ length: 9 }, (_, n) => ({
      ...{ name: `team-${n}`, title: null, email: null, codeowners: [], members: [] },
    })),
    policy: {
      ...{ prohibited: [], allow: [], approvers: [], reviewEveryDays: 365, reviewEveryDaysByData: {}, dueSoonDays: 14 },
      ...{ exceptionMaxDays: 180, staleAfterHours: 24, silentAfterDays: 30, privilegedAllowed: [] },
    },
    ...{ frameworks: frameworks.map(({ id }) => ({ id })), exceptions: [], problems: [], deviations: [] },
  };
  const proven: ApprovalState = { kind: 'proven', by: 'a@example.org', how: 'ssh-signature' };
  const facts = buildFacts({
    now: NOW,
    register,
    approvals: new Map(entries.map((e) => [e.id, proven])),
    hosts: Array.from({ length: HOSTS }, (_, n) => hostAt(n)),
    listeners: Array.from({ length: HOSTS * PER_HOST }, (_, n) => listenerAt(n)),
  });
  const run = runChecks(facts, controlsOfRule(frameworks), { firstSeen: () => NOW - DAY_MS });
  const result = { schemaVersion: 1 as const, version: '0.0.0', now: NOW, facts, ...run, resolved: [], events: [] };
  return { result, frameworks, rules: checks, failOn: 'medium' };
}

/** The same rows with all that they say, as one table of elements: what a report without care would be. */
function plainTable({ result }: ReportInput): string {
  const rows = result.results.map((r) => {
    const p = r.facts.listeners[0]?.listener.process;
    const cells = [endpointKey(r.facts.endpoint), r.verdict.word, p?.name, p?.exe, p?.commandLine, p?.sha256, p?.unit];
    return `<tr><td>${cells.join('<td>')}`;
  });
  const found = result.findings.map((f) => `<tr><td>${f.severity}<td>${f.message}<td>${f.remediation}`);
  return `<!doctype html><title>plain</title><table>${rows.join('\n')}</table><table>${found.join('\n')}</table>`;
}

/** Milliseconds from a script's first statement to the next frame that is drawn after it. */
const timed = (page: Page, statements: string) =>
  page.evaluate<number>(`new Promise((done) => {
    const start = performance.now();
    ${statements};
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
  })`);

async function open(page: Page, address: string): Promise<number> {
  const start = performance.now();
  await page.goto(address);
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))');
  return performance.now() - start;
}

const input = reportInput();
assert.equal(input.result.results.length, HOSTS * PER_HOST);
assert.equal(input.result.findings.length, HOSTS * (UNREGISTERED + WIDER));

const times: Record<string, number[]> = {};
const note = (name: string, ms: number) => {
  times[name] ??= [];
  times[name].push(ms);
};
let text = '';
for (let run = 0; run < RUNS; run++) {
  const start = performance.now();
  text = html.render(input, { width: 100, color: false });
  note('make the report', performance.now() - start);
}

if (existsSync(CHROMIUM)) {
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  try {
    const [report, plain] = ['report', 'plain'].map((name) => join(folder, `${name}.html`)) as [string, string];
    writeFileSync(report, text);
    writeFileSync(plain, plainTable(input));
    for (let run = 0; run < RUNS; run++) {
      const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } });
      note('load: plain table of the same rows', await open(page, pathToFileURL(plain).href));
      note('load', await open(page, pathToFileURL(report).href));
      const rows = () => page.locator('#endpoints .status').innerText();
      const chip = "document.querySelector('#endpoints .chip[data-value=DEVIATES]').click()";
      note('filter by verdict', await timed(page, chip));
      assert.match(await rows(), /^3,000 of 10,000 endpoints/);
      await page.evaluate(chip);
      const sort = (name: string) => `document.querySelector('#endpoints thead .${name} button').click()`;
      note('sort by endpoint, first time', await timed(page, sort('endpoint')));
      note('sort by findings', await timed(page, sort('count')));
      const search = (words: string) =>
        `location.hash = '#endpoints?q=${encodeURIComponent(words)}'; dispatchEvent(new Event('hashchange'))`;
      note('search, first time', await timed(page, search('node-007 service')));
      assert.match(await rows(), /^50 of 10,000 endpoints/);
      note('search again', await timed(page, search('node-008')));
      note('lay out every row for print', await timed(page, "dispatchEvent(new Event('beforeprint'))"));
      assert.equal(await page.locator('#findings tbody').count(), input.result.findings.length);
      await page.close();
    }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
} else console.log(`Without ${CHROMIUM}: nothing was measured in a browser.`);

const bytes = Buffer.byteLength(text);
console.log(`${(bytes / 1e6).toFixed(1)} MB, ${(gzipSync(text).length / 1e6).toFixed(1)} MB as gzip`);
printTable(
  ['10,000 endpoints, 3,000 findings', `ms (median of ${RUNS})`],
  Object.entries(times).map(([name, all]) => [name, median(all).toFixed(0)]),
);
