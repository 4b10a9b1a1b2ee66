// What failed, why, what to do, and whether the data is safe.
import { html } from '../html.js';
import { ERROR_KINDS, safety } from '../states.js';
import { jobs } from '../store.js';
import { Icon } from './icon.js';

/** The error of a run. */
export function RunFailure({ run }) {
  const error = run.error;
  const syncMode = jobs.value?.get(run.job)?.value.source?.sync_mode;
  const titles = {
    held: 'Held before publishing',
    partial: 'Some streams failed',
    cancelled: 'Cancelled',
  };
  if (!error && !titles[run.state]) return null;
  const calm = run.state === 'cancelled' || error?.kind === 'stopped';
  return html`<section class=${`failure ${calm ? 'calm' : ''}`} aria-label="What went wrong">
    <h2><${Icon} name=${calm ? 'stop' : 'cross'} />${titles[run.state] ?? 'The run failed'}
      ${error?.code && html`<code>${error.code}</code>`}</h2>
    ${error && html`<p class="message">${error.message}</p>`}
    <dl>
      ${
        (error?.cause || ERROR_KINDS[error?.kind]) &&
        html`<div><dt>Cause</dt>
        <dd>${error.cause ?? ERROR_KINDS[error.kind]}</dd></div>`
      }
      ${error?.remedy && html`<div><dt>What to do</dt><dd class="message">${error.remedy}</dd></div>`}
      <div><dt>Your data</dt><dd>${safety(run, syncMode)}</dd></div>
    </dl>
  </section>`;
}

/** A request that failed, in the daemon's words. */
export function RequestFailure({ error, retry }) {
  if (!error) return null;
  return html`<section class="failure" role="alert">
    <h2><${Icon} name="cross" />${error.status === 404 ? 'Not found' : 'This cannot be shown'}
      ${error.code && html`<code>${error.code}</code>`}</h2>
    <p class="message">${error.message}</p>
    ${error.remedy && html`<p class="message">${error.remedy}</p>`}
    <div class="actions">
      ${retry && html`<button type="button" onClick=${retry}>Try again</button>`}
      <a class="button" href="#/">All jobs</a>
    </div>
  </section>`;
}
