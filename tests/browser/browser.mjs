// Opens pages in Chromium and watches what they do: errors, requests elsewhere, scripts that ran.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const NARROW = { width: 360, height: 780 };
export const WIDE = { width: 1440, height: 900 };

function executable() {
  const found = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
    (path) => path && existsSync(path),
  );
  if (!found)
    throw new Error(
      'Chromium is not installed: apt-get install chromium, or set CHROMIUM to its path.',
    );
  return found;
}

/** Calls `work({open, shoot})` with a browser of its own, which is closed whatever happens. */
export async function withBrowser(folder, work) {
  if (folder) mkdirSync(folder, { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), 'bizond-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable(),
    headless: true,
    args: FLAGS,
    viewport: WIDE,
    reducedMotion: 'reduce',
  });
  try {
    await work({
      open: (url, options) => open(context, url, options),
      shoot: async (page, name) =>
        folder && page.screenshot({ path: join(folder, `${name}.png`), fullPage: true }),
    });
  } finally {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

async function open(context, url, { size = WIDE, dark = false, token = null } = {}) {
  const page = await context.newPage();
  const seen = { errors: [], foreign: [] };
  page.on('console', (message) => {
    if (message.type() === 'error') seen.errors.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(error.stack ?? String(error)));
  page.on('request', (request) => {
    if (
      !/^(data|blob|about):/.test(request.url()) &&
      new URL(request.url()).origin !== new URL(url).origin
    )
      seen.foreign.push(request.url());
  });
  if (token)
    await page.addInitScript((value) => sessionStorage.setItem('bizond.token', value), token);
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' });
  await page.goto(url, { waitUntil: 'load' });
  return { page, seen };
}

/** What must hold of every page that was opened. */
export async function assertClean({ page, seen }) {
  assert.deepEqual(seen.errors, [], 'errors in the console');
  assert.deepEqual(seen.foreign, [], 'requests to another origin');
  assert.equal(await page.evaluate(() => window.hacked), undefined, 'a payload ran');
  assert.equal(await page.locator('#page img').count(), 0, 'a payload became an element');
}

export async function assertFits(page) {
  const { wide, most } = await page.evaluate(() => ({
    wide: document.documentElement.clientWidth,
    most: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
  }));
  assert.ok(most <= wide, `the page is ${most} px wide in a window of ${wide} px`);
}

export async function assertAccessible(page) {
  // Through the debugger, since the page's policy refuses an injected script element.
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document));
  assert.deepEqual(
    violations.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map((node) => node.html)
          .join(' | ')}`,
    ),
    [],
  );
}
