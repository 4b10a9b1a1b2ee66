// The page against samples of every state: looks, layout, accessibility, live updates, login.
import assert from 'node:assert/strict';
import { startFake } from './fake_api.mjs';
import { NARROW, WIDE, assertAccessible, assertClean, assertFits } from './browser.mjs';

const jobAddress = (name) => `#/jobs/${encodeURIComponent(name)}`;
const SCRIPTING_MS_MAX = 200;

async function views(url) {
  const ask = async (path) => (await fetch(`${url}/api/v1/${path}`)).json();
  const runOf = async (name) =>
    `#/runs/${(await ask(`jobs/${encodeURIComponent(name)}/runs?limit=1`)).items[0].id}`;
  return {
    overview: '#/',
    job: jobAddress('flights'),
    'job-warned': jobAddress('iso-codes'),
    'job-failing': jobAddress('flights-hourly'),
    'job-missed': jobAddress('old-ledger'),
    runs: '#/runs',
    'run-failed': await runOf('payments'),
    'run-running': await runOf('orders'),
    'run-succeeded': await runOf('iso-codes'),
  };
}

async function checkLooks(check, { open, shoot }, fake) {
  for (const [name, address] of Object.entries(await views(fake.url))) {
    for (const [label, size, dark] of [
      ['wide', WIDE, false],
      ['wide-dark', WIDE, true],
      ['narrow', NARROW, false],
    ]) {
      await check(
        `${name} at ${size.width} px${dark ? ', dark' : ''}: clean, fits, accessible`,
        async () => {
          const opened = await open(`${fake.url}/${address}`, { size, dark });
          await opened.page.locator('main .card').first().waitFor();
          await opened.page.waitForTimeout(name === 'run-running' ? 900 : 250);
          await shoot(opened.page, `${name}-${label}`);
          await assertFits(opened.page);
          await assertAccessible(opened.page);
          await assertClean(opened);
          await opened.page.close();
        },
      );
    }
  }
}

async function checkFlows(check, { open, shoot }, fake) {
  await check('hostile names, tags, errors and log lines stay text', async () => {
    const opened = await open(`${fake.url}/${jobAddress(fake.hostile)}`);
    await opened.page.getByRole('heading', { name: fake.hostile }).waitFor();
    await opened.page.locator('.runs a.row-link').first().click();
    await opened.page.locator('.log-line', { hasText: fake.hostile }).first().waitFor();
    await assertClean(opened);
    await opened.page.close();
  });
  await check('a fire that did not run is explained at the top and in the list', async () => {
    const opened = await open(`${fake.url}/${jobAddress('old-ledger')}`);
    const { page } = opened;
    const now = page.getByRole('region', { name: 'The last fire did not run' });
    await now.getByText('the daemon was not running').waitFor();
    await now.getByText('set catch_up: all').waitFor();
    await page.goto(`${fake.url}/${jobAddress('flights')}`);
    const before = page.getByRole('region', { name: 'The last fire that did not run' });
    await before.getByText('an earlier run of the job was not done').waitFor();
    await page.locator('.fires li', { hasText: 'let it fire less often' }).waitFor();
    await assertClean(opened);
    await page.close();
  });
  await check('the calendar shows days of 23 and 25 hours, and turns', async () => {
    const opened = await open(`${fake.url}/${jobAddress('flights')}`, { size: NARROW });
    const { page } = opened;
    const calendar = page.getByRole('region', { name: 'Calendar' });
    await calendar.getByText('23 h, gap').waitFor();
    await calendar.getByText('25 h, fold').waitFor();
    assert.equal(await calendar.locator('td[aria-current=date]').count(), 1);
    assert.equal(await calendar.locator('tbody tr').count(), 5);
    assert.equal(await calendar.getByText('5K+').count(), 1, 'what is more than was counted');
    await calendar.getByRole('button', { name: 'Later' }).click();
    await calendar.getByRole('button', { name: 'Today' }).waitFor();
    await calendar.locator('td[aria-current=date]').waitFor({ state: 'detached' });
    await calendar.getByRole('button', { name: 'Today' }).click();
    await calendar.locator('td[aria-current=date]').waitFor();
    await assertFits(page);
    await assertClean(opened);
    await page.close();
  });
  await check('a warning is said in the overview, with its job and with its run', async () => {
    const opened = await open(`${fake.url}/#/`);
    const { page } = opened;
    const row = page.locator('.jobs tr', { hasText: 'iso-codes' });
    await row.getByText('bigquery_quota_near').waitFor();
    assert.equal(await page.getByText('bigquery_quota_near').count(), 1, 'one job has it');
    await row.getByRole('link', { name: 'iso-codes' }).click();
    const said = async (heading) => {
      await page.getByRole('heading', { name: heading, exact: true, level: 1 }).waitFor();
      const section = page.getByRole('region', { name: '2 warnings' });
      await section.getByText('languages: BigQuery takes 1500').waitFor();
      await section.getByText('let the job run less often').first().waitFor();
    };
    await said('iso-codes');
    await page.locator('.runs a.row-link').first().click();
    await said('Run of iso-codes');
    await assertClean(opened);
    await page.close();
  });
  await check(
    'failed jobs come first; / filters; Enter opens; a chip filters by health',
    async () => {
      const opened = await open(`${fake.url}/#/runs`);
      const { page } = opened;
      await page.keyboard.press('/');
      await page.locator('#filter:focus').waitFor();
      const names = await page.locator('.jobs .name > a').allTextContents();
      assert.deepEqual(names.slice(0, 3), ['flights-hourly', 'payments', 'sensor-readings']);
      await page.keyboard.type('aviation');
      await page.waitForFunction(() => document.querySelectorAll('.jobs tbody tr').length === 2);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'flights-hourly' }).waitFor();
      await page.goBack();
      await page.getByRole('button', { name: /Paused/ }).click();
      await page.getByText('No job matches').waitFor();
      await assertClean(opened);
      await page.close();
    },
  );
  await check('reset asks first, Escape means no; a refusal shows its remedy', async () => {
    const opened = await open(`${fake.url}/${jobAddress('flights')}`);
    const { page } = opened;
    await page.getByRole('button', { name: 'Reset…' }).click();
    await page.locator('dialog[open]').waitFor();
    await shoot(page, 'confirm-wide');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('dialog[open]').count(), 0);
    await page.getByRole('button', { name: 'Reset…' }).click();
    await page.getByRole('button', { name: 'Reset', exact: true }).click();
    await page.getByText('starts from the beginning').waitFor();
    await page.goto(`${fake.url}/${(await views(fake.url))['run-failed']}`);
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('Trigger a new run instead.').waitFor();
    opened.seen.errors = opened.seen.errors.filter((text) => !text.includes('409'));
    await assertClean(opened);
    await page.close();
  });
  await check(
    'a triggered run appears by itself, and a lost connection is shown and mended',
    async () => {
      const opened = await open(`${fake.url}/#/`);
      const { page } = opened;
      await page.getByText('Live', { exact: true }).waitFor();
      const began = Date.now();
      await page.getByRole('button', { name: 'Run airports now' }).click();
      await page.locator('tr', { hasText: 'airports' }).getByText('Running').waitFor();
      assert.ok(Date.now() - began < 1000, `an update took ${Date.now() - began} ms`);
      await page.locator('tr', { hasText: 'airports' }).getByText('so far').waitFor();
      fake.dropStreams();
      await page.getByText('Reconnecting…').waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      opened.seen.errors = opened.seen.errors.filter((text) => !text.includes('ERR_'));
      await assertClean(opened);
      await page.close();
    },
  );
}

async function scriptingMs(open, url) {
  const { page } = await open('about:blank');
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  await page.goto(`${url}/`);
  await page.locator('.jobs tbody tr').nth(50).waitFor();
  const { metrics } = await devtools.send('Performance.getMetrics');
  await page.close();
  return 1000 * metrics.find(({ name }) => name === 'ScriptDuration').value;
}

async function checkOthers(check, { open, shoot }) {
  await check('an empty daemon teaches the first job', async () => {
    const fake = await startFake({ empty: true });
    for (const [label, size] of [
      ['wide', WIDE],
      ['narrow', NARROW],
    ]) {
      const opened = await open(`${fake.url}/`, { size });
      await opened.page.getByText('No jobs yet').waitFor();
      await shoot(opened.page, `empty-${label}`);
      await assertFits(opened.page);
      await assertAccessible(opened.page);
      await assertClean(opened);
      await opened.page.close();
    }
    await fake.stop();
  });
  await check(
    'a daemon with a token asks for it, refuses a wrong one, goes on with the right one',
    async () => {
      const fake = await startFake({ token: 'sesame' });
      const { page } = await open(`${fake.url}/`);
      await page.getByLabel('Token').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByText('The daemon refused this token.').waitFor();
      await shoot(page, 'login-wide');
      await assertAccessible(page);
      await page.getByLabel('Token').fill('sesame');
      await page.keyboard.press('Enter');
      await page.locator('.jobs .name').first().waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.close();
      await fake.stop();
    },
  );
  await check(
    `1,000 jobs are drawn with less than ${SCRIPTING_MS_MAX} ms of scripting`,
    async () => {
      const fake = await startFake({ jobs: 988 });
      // The least of a few: other work on the machine only ever adds to it.
      let ms = Infinity;
      for (let round = 0; round < 4 && ms >= SCRIPTING_MS_MAX; round += 1)
        ms = Math.min(ms, await scriptingMs(open, fake.url));
      console.log(`      ${ms.toFixed(0)} ms`);
      assert.ok(ms < SCRIPTING_MS_MAX, `${ms.toFixed(0)} ms`);
      await fake.stop();
    },
  );
}

export async function checkSamples(check, tools) {
  const fake = await startFake();
  await checkLooks(check, tools, fake);
  await checkFlows(check, tools, fake);
  await fake.stop();
  await checkOthers(check, tools);
}
