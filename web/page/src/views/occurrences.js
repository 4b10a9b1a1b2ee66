// The nominal fires of a schedule and what became of each, so that a skipped one is explained.
import { get, jobPath, withQuery } from '../api.js';
import { Ago } from '../components/when.js';
import { html } from '../html.js';
import { useResource } from '../resource.js';
import { runLink } from '../router.js';
import { shortTime } from '../time.js';

const SHOWN = 15;

/** A run that did not succeed is no fire that went well. */
const stateOf = ({ state, run_state: run }) =>
  state === 'ran' && run && run !== 'succeeded' ? `ran, ${run}` : state;

export function Occurrences({ name }) {
  const resource = useResource(
    (abort) => get(withQuery(jobPath(name, '/occurrences'), { limit: SHOWN }), { signal: abort }),
    name,
    (type, data) => type === 'run' && data.job === name,
  );
  const { data, error } = resource.value;
  return html`<section class="card flush" aria-labelledby="fires-title">
    <header><h2 id="fires-title">Fires</h2><span class="quiet">what the schedule asked for</span></header>
    ${error && !data && html`<p class="field-error pad">${error.message}</p>`}
    ${data && !data.items.length && html`<p class="quiet pad">The schedule has not fired yet.</p>`}
    ${
      data?.items.length > 0 &&
      html`<ul class="fires">
      ${data.items.map(
        (fire) => html`<li key=${fire.nominal_at}>
        <span class="fire-at" title=${fire.nominal_at}>${shortTime(fire.nominal_at)}${
          fire.until && html` – ${shortTime(fire.until)}`
        }</span>
        <span class="grow">${
          fire.run_id ? html`<a href=${runLink(fire.run_id)}>${stateOf(fire)}</a>` : fire.state
        }${fire.reason && html`<span class="quiet"> · ${fire.reason}</span>`}</span>
        <span class="quiet"><${Ago} at=${fire.nominal_at} /></span>
        ${fire.why && fire.run_state !== 'running' && html`<span class="fire-why">${fire.why}${
          fire.remedy && html`<span class="quiet"> · ${fire.remedy}</span>`
        }</span>`}</li>`,
      )}
    </ul>`
    }
  </section>`;
}
