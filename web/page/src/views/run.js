// One run: what it did, stage by stage, what it counted, where the cursor went, and why it failed.
import { useSignal } from '@preact/signals';
import { approve, cancel, retry } from '../actions.js';
import { get, runPath } from '../api.js';
import { RunBadge } from '../components/badge.js';
import { Facts } from '../components/facts.js';
import { RequestFailure, RunFailure } from '../components/failure.js';
import { Icon } from '../components/icon.js';
import { LogTail } from '../components/log_tail.js';
import { Stages } from '../components/stages.js';
import { Warnings } from '../components/warnings.js';
import { Ago, Took } from '../components/when.js';
import { bytes, count, rate, rowsPerSecond } from '../format.js';
import { html } from '../html.js';
import { useResource } from '../resource.js';
import { jobLink, runLink } from '../router.js';
import { CANCELLABLE, RETRYABLE, TRIGGERS } from '../states.js';
import { progressOf } from '../store.js';
import { duration, runMs } from '../time.js';
import { Attempts, Streams } from './run_parts.js';

function Actions({ run, reload }) {
  const busy = useSignal(false);
  const act = (work) => async () => {
    busy.value = true;
    if (await work(run)) reload();
    busy.value = false;
  };
  return html`<div class="actions">
    ${
      run.state === 'held' &&
      html`<button type="button" class="primary" disabled=${busy.value} onClick=${act(approve)}>
      <${Icon} name="check" />Approve…</button>`
    }
    ${
      CANCELLABLE.has(run.state) &&
      html`<button type="button" disabled=${busy.value} onClick=${act(cancel)}>
      <${Icon} name="stop" />Cancel…</button>`
    }
    ${
      RETRYABLE.has(run.state) &&
      html`<button type="button" class="primary" disabled=${busy.value} onClick=${act(retry)}>
      <${Icon} name="retry" />Retry</button>`
    }
  </div>`;
}

// While a run goes on its progress events are newer than the record of it.
function current(run) {
  const progress = progressOf(run.job).value;
  if (run.state !== 'running' || progress?.run_id !== run.id) return { run, speed: null };
  const { stage, rows_read, rows_written, bytes_written } = progress;
  return { run: { ...run, stage, rows_read, rows_written, bytes_written }, speed: progress.rate };
}

function Counters({ run, speed }) {
  const done = run.finished_at ? rowsPerSecond(run.rows_written, runMs(run, 0)) : speed;
  const items = [
    ['Read', count(run.rows_read)],
    ['Written', count(run.rows_written)],
    ['Rejected', count(run.rows_rejected), run.rows_rejected ? 'tone-warn' : ''],
    ['Deduplicated', count(run.rows_deduplicated)],
    ['Filtered', count(run.rows_filtered)],
    ['Size', bytes(run.bytes_written)],
    ['Rows/s', done == null ? '–' : rate(done)],
  ];
  return html`<dl class="counters">${items.map(
    ([label, text, tone = '']) => html`
    <div key=${label} class=${tone}><dt>${label}</dt><dd>${text}</dd></div>`,
  )}</dl>`;
}

const WAITS = {
  worker: () => 'for a free worker',
  time: (wait) => html`until <${Ago} at=${wait.until} />`,
  job: () => 'for another run of its job',
  key: (wait) => html`for a place of the key <bdi>${wait.key}</bdi>`,
  pool: (wait) => html`for a place in the pool <bdi>${wait.pool}</bdi>`,
};

// Why a queued run does not run, with the runs that are in its way.
function waitsFor(wait) {
  if (!wait) return null;
  const holders = (wait.runs ?? []).map(
    (id, index) => html`${index ? ', ' : ', held by '}<a key=${id} href=${runLink(id)}>
      <code>${id.slice(-8)}</code></a>`,
  );
  return html`${WAITS[wait.reason]?.(wait) ?? wait.reason}${holders}`;
}

function waited(run) {
  if (!run.started_at || !run.queued_at) return null;
  return duration(Date.parse(run.started_at) - Date.parse(run.queued_at));
}

export function Run({ name: id }) {
  const resource = useResource(
    (abort) => get(runPath(id), { signal: abort }),
    id,
    (type, data) => type === 'run' && data.id === id,
  );
  const { data, error, reload } = resource.value;
  if (error && !data) return html`<h1>Run</h1><${RequestFailure} error=${error} retry=${reload} />`;
  if (!data) return html`<h1>Run</h1><p class="quiet loading">Loading…</p>`;
  const { run, speed } = current(data);
  const going = run.state === 'running' || run.state === 'queued';
  return html`
    <nav class="crumbs" aria-label="Where you are"><a href="#/">Jobs</a><span aria-hidden="true">/</span>
      <a href=${jobLink(run.job)}><bdi>${run.job}</bdi></a></nav>
    <div class="head"><h1>Run <span class="quiet">of <bdi>${run.job}</bdi></span></h1><${RunBadge} state=${run.state} />
      ${run.published && html`<span class="tag tone-good"><${Icon} name="check" />published</span>`}
      <${Actions} run=${run} reload=${reload} /></div>
    <${RunFailure} run=${run} />
    <${Warnings} warnings=${run.warnings} streams=${run.streams?.length} />
    <section class="card" aria-label="Progress"><${Stages} run=${run} /><${Counters} run=${run} speed=${speed} /></section>
    <div class="card"><${Facts} items=${[
      ['Started', html`<${Ago} at=${run.started_at} none="not yet" />`],
      ['Took', html`<${Took} run=${run} />`],
      ['Waits', waitsFor(run.waits_for)],
      ['Waited', waited(run), 'From being queued to being started'],
      [
        'Due',
        run.nominal_at && html`<${Ago} at=${run.nominal_at} />`,
        'The moment the schedule asked for',
      ],
      ['Trigger', TRIGGERS[run.trigger] ?? run.trigger],
      [
        'Window',
        run.window &&
          html`<span class="cursor"><code>${run.window.from}</code><${Icon} name="arrow" /><span class="sr-only"> up to </span><code>${run.window.to}</code></span>`,
        'The part of the cursor that this slice of a backfill reads; its end is not in it',
      ],
      ['Attempt', run.attempt],
      ['Job version', run.job_version],
      ['Id', html`<code class="id">${run.id}</code>`],
    ]} /></div>
    <${Streams} streams=${run.streams ?? []} />
    <${Attempts} attempts=${run.attempts ?? []} />
    <${LogTail} runId=${run.id} running=${going} />`;
}
