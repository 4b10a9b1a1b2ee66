// Runs, newest first. On a narrow screen each row becomes a block of labelled values.
import { html } from '../html.js';
import { bytes, count, rate, rowsPerSecond } from '../format.js';
import { jobLink, runLink } from '../router.js';
import { TRIGGERS } from '../states.js';
import { runMs } from '../time.js';
import { RunBadge } from './badge.js';
import { Ago, Took } from './when.js';

function speed(run) {
  return run.finished_at ? rate(rowsPerSecond(run.rows_written, runMs(run, 0))) : '–';
}

function Rejected({ rows }) {
  return html`<span class=${rows ? 'tone-warn strong' : 'quiet'}>${count(rows)}</span>`;
}

function Trigger({ run }) {
  const again = run.attempt > 1 ? ` · attempt ${run.attempt}` : '';
  return html`<span title=${TRIGGERS[run.trigger]}>${run.trigger}${again}</span>`;
}

function Row({ run, withJob }) {
  const cell = (label, content, kind = '') =>
    html`<td role="cell" class=${kind} data-label=${label}>${content}</td>`;
  return html`<tr role="row">
    <td role="cell" class="lead"><a class="row-link" href=${runLink(run.id)}><${RunBadge} state=${run.state} />
      <span class="sr-only">, run ${run.id}</span></a></td>
    ${withJob && cell('Job', html`<a href=${jobLink(run.job)}><bdi>${run.job}</bdi></a>`, 'wide')}
    ${cell('Started', html`<${Ago} at=${run.started_at ?? run.queued_at} none="–" />`, 'started short')}
    ${cell('Took', html`<${Took} run=${run} />`, 'number')}
    ${cell('Read', count(run.rows_read), 'number')}
    ${cell('Written', count(run.rows_written), 'number')}
    ${cell('Rejected', html`<${Rejected} rows=${run.rows_rejected} />`,
      run.rows_rejected ? 'number' : 'number minor')}
    ${cell('Size', bytes(run.bytes_written), 'number minor')}
    ${cell('Rows/s', speed(run), 'number minor')}
    ${cell('Trigger', html`<${Trigger} run=${run} />`, 'short minor')}
    ${cell(
      'Error',
      run.error
        ? html`<span class="tone-bad clip" title=${run.error.message}>${run.error.code}</span>`
        : html`<span class="quiet">–</span>`,
      run.error ? '' : 'minor',
    )}
  </tr>`;
}

const HEADS = [
  ['State', ''],
  ['Started', ''],
  ['Took', 'number'],
  ['Read', 'number'],
  ['Written', 'number'],
  ['Rejected', 'number'],
  ['Size', 'number'],
  ['Rows/s', 'number'],
  ['Trigger', ''],
  ['Error', ''],
];

export function RunsTable({ runs, withJob = false, label }) {
  const heads = withJob ? [HEADS[0], ['Job', ''], ...HEADS.slice(1)] : HEADS;
  return html`<table role="table" class="rows runs" aria-label=${label}>
    <thead role="rowgroup"><tr role="row">${heads.map(
      ([word, kind]) => html`<th key=${word} role="columnheader"
      scope="col" class=${kind}>${word}</th>`,
    )}</tr></thead>
    <tbody role="rowgroup">${runs.map((run) => html`<${Row} key=${run.id} run=${run} withJob=${withJob} />`)}</tbody>
  </table>`;
}
