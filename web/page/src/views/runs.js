// The runs of all jobs, newest first.
import { useSignal } from '@preact/signals';
import { get, withQuery } from '../api.js';
import { RequestFailure } from '../components/failure.js';
import { RunsTable } from '../components/runs_table.js';
import { html } from '../html.js';
import { useResource } from '../resource.js';
import { place, setQuery } from '../router.js';
import { RUN } from '../states.js';

const PAGE = 50;

export function Runs() {
  const size = useSignal(PAGE);
  const state = place.value.query.get('state') ?? '';
  const resource = useResource(
    (abort) =>
      get(withQuery('runs', { limit: size.value, state: state || null }), { signal: abort }),
    `${state} ${size.value}`,
    (type) => type === 'run',
  );
  const { data, error, reload } = resource.value;
  return html`<div class="head"><h1>Runs</h1>
      <label class="push">State <select value=${state} onChange=${(e) => setQuery({ state: e.currentTarget.value })}>
        <option value="">all</option>
        ${Object.entries(RUN).map(([key, { word }]) => html`<option key=${key} value=${key}>${word.toLowerCase()}</option>`)}
      </select></label></div>
    ${error && !data && html`<${RequestFailure} error=${error} retry=${reload} />`}
    ${!data && !error && html`<p class="quiet loading">Loading…</p>`}
    ${
      data &&
      (data.items.length
        ? html`<div class="card flush"><${RunsTable} runs=${data.items} withJob label="Runs of all jobs" />
          ${
            data.next_cursor &&
            size.value < 4 * PAGE &&
            html`<p class="end-of-rows"><button type="button"
            onClick=${() => (size.value += PAGE)}>More</button></p>`
          }</div>`
        : html`<p class="card empty">No runs${state ? ' in this state' : ' yet'}.</p>`)
    }`;
}
