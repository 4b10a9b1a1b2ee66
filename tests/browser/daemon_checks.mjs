// The page over a real daemon. It brings a job of its own, with a name that would run as a script
// if the page ever built markup from strings, and takes it away again.
import assert from 'node:assert/strict';
import { NARROW, WIDE, assertAccessible, assertClean, assertFits } from './browser.mjs';

const NAME = '<img src=x onerror=window.hacked=1> page test';
const FINISH_MS_MAX = 30_000;

const definition = {
  name: NAME,
  tags: ['<script>window.hacked=2<\\script>'],
  source: {
    name: 'dummy',
    stream: 'creatures',
  },
  destination: { name: 'logger', config: { dummy: 'bizon' } },
};

function client(url) {
  const token = process.env.BIZOND_TOKEN;
  const headers = {
    'Content-Type': 'application/json',
    ...(token && { Authorization: `Bearer ${token}` }),
  };
  return async (method, path, body) => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method,
      headers,
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : null };
  };
}

export async function checkDaemon(url, check, { open, shoot }) {
  const api = client(url);
  const own = `jobs/${encodeURIComponent(NAME)}`;
  const token = process.env.BIZOND_TOKEN ?? null;
  await api('DELETE', own);
  const created = await api('POST', 'jobs', definition);
  assert.equal(created.status, 201, `the test's job was refused: ${JSON.stringify(created.body)}`);
  let runAddress = null;
  try {
    await check(
      'the overview loads: no console error, no other origin, no payload run',
      async () => {
        const opened = await open(`${url}/`, { token });
        await opened.page.getByRole('link', { name: NAME, exact: true }).waitFor();
        await opened.page.getByText('Live', { exact: true }).waitFor();
        await assertClean(opened);
        await opened.page.close();
      },
    );
    await check('/ focuses the filter, and typing filters', async () => {
      const opened = await open(`${url}/`, { token });
      const { page } = opened;
      await page.locator('.jobs .name').first().waitFor();
      await page.keyboard.press('/');
      await page.locator('#filter:focus').waitFor();
      await page.keyboard.type('page test');
      await page.waitForFunction(() => document.querySelectorAll('.jobs tbody tr').length === 1);
      await assertClean(opened);
      await page.close();
    });
    await check('Run now starts a run, which is shown to its end without a reload', async () => {
      const opened = await open(`${url}/#/jobs/${encodeURIComponent(NAME)}`, { token });
      const { page } = opened;
      await page.getByRole('button', { name: 'Run now' }).click();
      await page
        .locator('.runs')
        .getByText('Succeeded')
        .first()
        .waitFor({ timeout: FINISH_MS_MAX });
      const { body } = await api('GET', `${own}/runs`);
      assert.equal(body.items[0].state, 'succeeded', 'the API agrees');
      runAddress = `#/runs/${body.items[0].id}`;
      await assertClean(opened);
      await page.close();
    });
    for (const size of [NARROW, WIDE]) {
      for (const [name, address] of [
        ['overview', '#/'],
        ['job', `#/jobs/${encodeURIComponent(NAME)}`],
        ['run', runAddress],
      ]) {
        await check(
          `${name} at ${size.width} px: no sideways scrolling, accessible, clean`,
          async () => {
            assert.ok(address, 'there is no run to show');
            const opened = await open(`${url}/${address}`, { size, token });
            await opened.page.locator('main .card').first().waitFor();
            await opened.page.waitForTimeout(500);
            await shoot(opened.page, `daemon-${name}-${size.width}`);
            await assertFits(opened.page);
            await assertAccessible(opened.page);
            await assertClean(opened);
            await opened.page.close();
          },
        );
      }
    }
  } finally {
    await api('DELETE', own);
  }
}
