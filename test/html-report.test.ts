import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { RuleInfo } from '../src/model/rule.ts';
import { html } from '../src/reports/html.ts';
import { sampleResult } from './sample-result.ts';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const SIZES = ['empty', 'small', 'huge'] as const;
type Size = (typeof SIZES)[number];

const skip = existsSync(CHROMIUM) ? false : `needs ${CHROMIUM} (Debian package chromium)`;
let browser: Browser;
let folder: string;
const address = (size: Size) => pathToFileURL(join(folder, `${size}.html`)).href;

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), 'quietdoor-report-'));
  for (const size of SIZES) {
    const input = sampleResult(size);
    const lacking = { ...(input.rules[0] as RuleInfo), id: 'lacking', lacks: `no ${'long word '.repeat(9)}was given` };
    const rules = [...input.rules, lacking];
    writeFileSync(join(folder, `${size}.html`), html.render({ ...input, rules }, { width: 100, color: false }));
  }
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});

after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** Opens a report, hands it over, and asserts that nothing went wrong meanwhile: errors, policy, requests, dialogs. */
async function withReport(
  size: Size,
  options: BrowserContextOptions,
  hash: string,
  use: (page: Page) => Promise<void>,
) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
  const wrong: string[] = [];
  try {
    const page = await context.newPage();
    page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
    page.on('console', (message) => message.type() === 'error' && wrong.push(`console: ${message.text()}`));
    page.on(
      'request',
      (request) => request.url().split('#')[0] !== address(size) && wrong.push(`request: ${request.url()}`),
    );
    page.on('dialog', (dialog) => {
      wrong.push(`dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
    if (options.javaScriptEnabled !== false) await page.addInitScript({ content: REPORT_VIOLATIONS });
    await page.goto(address(size) + hash);
    await use(page);
  } finally {
    await context.close();
  }
  assert.deepEqual(wrong, []);
}

// What runs in the page is text: the browser's names are no part of this program.
const REPORT_VIOLATIONS =
  "document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.effectiveDirective + ' ' + e.blockedURI))";
const BACKGROUND = 'getComputedStyle(document.body).backgroundColor';

const rows = (page: Page, table: string) => page.locator(`#${table} tbody`).count();
const firstRow = (page: Page, table: string) => page.locator(`#${table} tbody th[scope=row]`).first().innerText();

for (const size of SIZES)
  for (const width of [1440, 390])
    for (const colorScheme of size === 'huge' ? (['light'] as const) : (['light', 'dark'] as const))
      test(`${size} at ${width} px, ${colorScheme}: no error, no request, nothing cut off`, { skip }, async () => {
        await withReport(size, { viewport: { width, height: 1000 }, colorScheme }, '', async (page) => {
          for (const summary of (await page.locator('#endpoints summary').all()).slice(0, 12)) await summary.click();
          const cutOff = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
          assert.equal(await page.evaluate(cutOff), 0);
          const background = await page.evaluate(BACKGROUND);
          assert.equal(background, colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 27)');
        });
      });

for (const width of [390, 768, 1240, 1241, 1440])
  test(`every cell that says something is shown at ${width} px, and no two overlap`, { skip }, async () => {
    await withReport('small', { viewport: { width, height: 1000 } }, '', async (page) => {
      const wrong = await page.evaluate(`(() => {
        const wrong = [];
        for (const row of document.querySelectorAll('.data tbody > tr:first-child')) {
          const cells = [...row.children].filter((cell) => cell.textContent !== '');
          const boxes = cells.map((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getBoundingClientRect();
          });
          cells.forEach((cell, i) => {
            const a = boxes[i];
            if (a.width === 0 || a.right > innerWidth) wrong.push('hidden: ' + cell.className + ' ' + cell.textContent);
            for (const b of boxes.slice(i + 1))
              if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
                wrong.push('overlap: ' + cell.className + ' ' + cell.textContent);
          });
        }
        return wrong;
      })()`);
      assert.deepEqual(wrong, []);
    });
  });

test('the choice of light or dark holds in the next report', { skip }, async () => {
  const context = await browser.newContext({ colorScheme: 'light' });
  const page = await context.newPage();
  await page.goto(address('small'));
  await page.getByRole('button', { name: 'Dark' }).click();
  await page.goto(address('empty'));
  assert.equal(await page.evaluate(BACKGROUND), 'rgb(20, 23, 27)');
  await context.close();
});

test('the policy stops what would slip in', { skip }, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address('empty'));
  const stopped = await page.evaluate(`(async () => {
    const seen = [];
    document.addEventListener('securitypolicyviolation', (e) => seen.push(e.effectiveDirective));
    const holder = document.createElement('div');
    holder.innerHTML = '<img src="http://127.0.0.1:9/x" onerror="window.hit=1"><b style="color:red">x</b>';
    document.body.append(holder);
    const script = document.createElement('script');
    script.textContent = 'window.hit=1';
    document.body.append(script);
    await new Promise((done) => setTimeout(done, 100));
    return { seen: [...new Set(seen)].sort(), hit: 'hit' in window };
  })()`);
  assert.deepEqual(stopped, { seen: ['img-src', 'script-src-attr', 'script-src-elem', 'style-src-attr'], hit: false });
  await context.close();
});

test('search, chips and sorting work and stand in the address', { skip }, async () => {
  await withReport('small', {}, '', async (page) => {
    const all = await rows(page, 'endpoints');
    await page.keyboard.press('/');
    await page.keyboard.type('postgres', { delay: 1 });
    await page.waitForURL(/#endpoints\?q=postgres$/);
    assert.equal(await rows(page, 'endpoints'), 1);
    assert.match(await page.locator('#endpoints .status').innerText(), new RegExp(`^1 of ${all} endpoints`));
    await page.getByRole('button', { name: 'Show all' }).click();
    assert.equal(await rows(page, 'endpoints'), all);

    await page.locator('#endpoints .chip', { hasText: 'CONFORMS' }).click();
    assert.match(page.url(), /#endpoints\?verdict=CONFORMS$/);
    assert.equal(await rows(page, 'endpoints'), 1);
    await page.locator('#endpoints .chip', { hasText: 'CONFORMS' }).press('Enter');
    assert.equal(await rows(page, 'endpoints'), all);

    const head = page.locator('#endpoints th', { hasText: 'Endpoint' });
    await head.getByRole('button').focus();
    await page.keyboard.press('Enter');
    assert.equal(await head.getAttribute('aria-sort'), 'ascending');
    assert.equal(await firstRow(page, 'endpoints'), 'vm:22/tcp');
    await page.keyboard.press('Enter');
    assert.equal(await head.getAttribute('aria-sort'), 'descending');
    assert.equal(await firstRow(page, 'endpoints'), 'vm:48211/udp');
    await page.keyboard.press('Enter');
    assert.equal(await head.getAttribute('aria-sort'), null);
    await page.locator('#endpoints th', { hasText: 'Findings' }).getByRole('button').click();
    assert.match(await page.locator('#endpoints tbody').first().locator('td.count').innerText(), /high/);
  });
});

test('a number leads to exactly its rows', { skip }, async () => {
  await withReport('small', {}, '', async (page) => {
    const links = page.locator('#summary a[href*="?"]');
    const n = await links.count();
    assert.ok(n > 10);
    for (let i = 0; i < n; i++) {
      const link = links.nth(i);
      const said = /^\d+/.exec((await link.innerText()).trim())?.[0];
      const table = /^#(\w+)/.exec((await link.getAttribute('href')) ?? '')?.[1] ?? '';
      const href = (await link.getAttribute('href')) ?? '';
      await link.click();
      // The browser tells a page of its new address in a task of its own, some time after the click.
      for (let tries = 0; tries < 100 && (await rows(page, table)) !== Number(said); tries++)
        await page.waitForTimeout(50);
      assert.equal(await rows(page, table), Number(said), href);
    }
  });
});

test('a link to a row past the first page opens it, and a filter in the address holds', { skip }, async () => {
  await withReport('huge', {}, '#e-node-49:10099/tcp', async (page) => {
    const row = page.locator('[id="e-node-49:10099/tcp"]');
    await row.locator('.truths').waitFor({ state: 'visible' });
    const box = await row.boundingBox();
    assert.ok(box && box.y > 0 && box.y < 1000);
    assert.equal(await rows(page, 'endpoints'), 100);
    await page.evaluate("location.hash = '#findings?rule=binary-replaced&q=node-07&page=1'");
    await page.locator('#findings .status', { hasText: '100 of 10,000 findings' }).waitFor();
    assert.equal(await page.locator('#findings input').inputValue(), 'node-07');
  });
});

test('every row is there without scripts, and again before printing', { skip }, async () => {
  const { results, findings } = sampleResult('huge').result;
  await withReport('huge', { javaScriptEnabled: false }, '', async (page) => {
    const found = await page.locator('#endpoints tbody').count();
    assert.equal(found, results.length);
    assert.equal(await page.locator('#findings tbody').count(), findings.length);
  });
  await withReport('huge', {}, '', async (page) => {
    const printed = await page.evaluate(`(() => {
      const count = () => document.querySelectorAll('#endpoints tbody').length;
      dispatchEvent(new Event('beforeprint'));
      const all = count();
      dispatchEvent(new Event('afterprint'));
      return [all, count()];
    })()`);
    assert.deepEqual(printed, [results.length, 100]);
  });
});

test('light and dark are switched by hand, j and Enter open a row', { skip }, async () => {
  await withReport('small', { colorScheme: 'light' }, '', async (page) => {
    await page.getByRole('button', { name: 'Dark' }).click();
    assert.equal(await page.evaluate(BACKGROUND), 'rgb(20, 23, 27)');
    await page.locator('#endpoints h2').scrollIntoViewIfNeeded();
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    assert.ok(await page.locator('#endpoints tbody').nth(1).locator('.truths').isVisible());
  });
});
