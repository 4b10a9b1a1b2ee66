// Why the last fire did not run, or does not yet, in the daemon's words.
import { get, jobPath, withQuery } from '../api.js';
import { Icon } from '../components/icon.js';
import { Ago } from '../components/when.js';
import { html } from '../html.js';
import { useResource } from '../resource.js';
import { shortTime } from '../time.js';

const SHOWN_QUIETLY_MS = 7 * 86_400_000;

/** The fire to explain: the newest when it did not run or waits, else the last that did not run. */
export function toExplain(newest, lastNotRun, now) {
  const waits = newest && ['queued', 'buffered'].includes(newest.state) && newest.run_state !== 'running';
  if (waits && newest.why) return { fire: newest, kind: 'waits' };
  if (!lastNotRun) return null;
  if (newest && newest.nominal_at === lastNotRun.nominal_at) return { fire: newest, kind: 'now' };
  const last = Date.parse(lastNotRun.until ?? lastNotRun.nominal_at);
  return now - last < SHOWN_QUIETLY_MS ? { fire: lastNotRun, kind: 'before' } : null;
}

const TITLES = {
  waits: 'The last fire waits',
  now: 'The last fire did not run',
  before: 'The last fire that did not run',
};

export function NotRun({ name }) {
  const occurrences = (query, signal) =>
    get(withQuery(jobPath(name, '/occurrences'), { limit: 1, ...query }), { signal });
  const resource = useResource(
    async (signal) => {
      const [newest, notRun] = await Promise.all([
        occurrences({}, signal),
        occurrences({ state: 'skipped,missed' }, signal),
      ]);
      return toExplain(newest.items[0], notRun.items[0], Date.now());
    },
    name,
    (type, data) => (type === 'run' && data.job === name) || (type === 'job' && data.name === name),
  );
  const explained = resource.value.data;
  if (!explained) return null;
  const { fire, kind } = explained;
  return html`<section class=${`failure ${kind === 'now' ? 'warned' : 'calm'}`} aria-labelledby="not-run-title">
    <h2 id="not-run-title"><${Icon} name=${kind === 'waits' ? 'clock' : 'stop'} />${TITLES[kind]}
      ${fire.reason && html`<code>${fire.reason}</code>`}</h2>
    <p class="message">${shortTime(fire.nominal_at)}${
      fire.until && html` – ${shortTime(fire.until)}, every fire in between`
    } (<${Ago} at=${fire.until ?? fire.nominal_at} />): ${fire.why}.</p>
    ${fire.remedy && html`<dl><div><dt>What to do</dt><dd class="message">${fire.remedy}</dd></div></dl>`}
  </section>`;
}
