// Where each stream of a job is: its cursor after the last published run, and a checkpoint where a
// run was interrupted.
import { get, jobPath } from '../api.js';
import { RequestFailure } from '../components/failure.js';
import { Ago } from '../components/when.js';
import { cursorOf, value } from '../format.js';
import { html } from '../html.js';
import { useResource } from '../resource.js';

function Row({ state }) {
  const type = state.watermark?.cursor_type;
  return html`<tr role="row">
    <th role="rowheader" scope="row" class="lead"><bdi>${state.stream}</bdi></th>
    <td role="cell" class="wide" data-label="Cursor"><code>${cursorOf(state.watermark)}</code>${type && html`<small>${type}</small>`}</td>
    <td role="cell" class="wide" data-label="Position"><code>${value(state.position)}</code></td>
    <td role="cell" class="wide" data-label="Checkpoint">${
      state.checkpoint
        ? html`<code>${value(state.checkpoint)}</code>`
        : html`<span class="quiet">none: nothing is half done</span>`
    }</td>
    <td role="cell" data-label="Changed"><${Ago} at=${state.updated_at} none="–" /></td>
  </tr>`;
}

export function State({ name }) {
  const resource = useResource(
    (abort) => get(jobPath(name, '/state'), { signal: abort }),
    name,
    (type, data) => (type === 'run' && data.job === name) || (type === 'job' && data.name === name),
  );
  const { data, error, reload } = resource.value;
  const streams = data?.streams ?? [];
  return html`<section class="card flush" aria-labelledby="state-title">
    <header><h2 id="state-title">State</h2><span class="quiet">the next run goes on from here</span></header>
    ${error && !data && html`<${RequestFailure} error=${error} retry=${reload} />`}
    ${data && !streams.length && html`<p class="quiet pad">No cursor is kept yet.</p>`}
    ${
      streams.length > 0 &&
      html`<table role="table" class="rows" aria-label="State by stream">
      <thead role="rowgroup"><tr role="row">${[
        'Stream',
        'Cursor',
        'Position',
        'Checkpoint',
        'Changed',
      ].map(
        (word) => html`
        <th key=${word} role="columnheader" scope="col">${word}</th>`,
      )}</tr></thead>
      <tbody role="rowgroup">${streams.map((state) => html`<${Row} key=${state.stream} state=${state} />`)}</tbody>
    </table>`
    }
  </section>`;
}
