// One job: how it stands, its runs, where each stream's cursor is, its fires and its definition.
import { useSignal } from '@preact/signals';
import { reset, setPaused, trigger } from '../actions.js';
import { get, jobPath, withQuery } from '../api.js';
import { HealthBadge } from '../components/badge.js';
import { Copyable } from '../components/copyable.js';
import { Facts } from '../components/facts.js';
import { RequestFailure, RunFailure } from '../components/failure.js';
import { Icon } from '../components/icon.js';
import { RunsTable } from '../components/runs_table.js';
import { Strip } from '../components/strip.js';
import { Warnings } from '../components/warnings.js';
import { Ago } from '../components/when.js';
import { html } from '../html.js';
import { useResource } from '../resource.js';
import { runLink } from '../router.js';
import { scheduleWords } from '../schedule.js';
import { toYaml } from '../yaml.js';
import { Calendar } from './calendar.js';
import { NotRun } from './not_run.js';
import { Occurrences } from './occurrences.js';
import { Next, Route } from './job_row.js';
import { State } from './state.js';

const RUNS_PAGE = 20;

function Actions({ job }) {
  const busy = useSignal(false);
  const act = (work) => async () => {
    busy.value = true;
    await work();
    busy.value = false;
  };
  return html`<div class="actions">
    <button type="button" class="primary" disabled=${busy.value} onClick=${act(() => trigger(job.name))}>
      <${Icon} name="play" />Run now</button>
    <button type="button" disabled=${busy.value} onClick=${act(() => setPaused(job.name, !job.paused))}>
      <${Icon} name=${job.paused ? 'resume' : 'pause'} />${job.paused ? 'Resume' : 'Pause'}</button>
    <button type="button" disabled=${busy.value} onClick=${act(() => reset(job.name))}>
      <${Icon} name="undo" />Reset…</button>
  </div>`;
}

function Runs({ name }) {
  const older = useSignal({ items: [], cursor: null, busy: false, used: false });
  const page = useResource(
    (abort) => get(withQuery(jobPath(name, '/runs'), { limit: RUNS_PAGE }), { signal: abort }),
    name,
    (type, data) => type === 'run' && data.job === name,
  );
  const { data, error, reload } = page.value;
  if (error && !data) return html`<${RequestFailure} error=${error} retry=${reload} />`;
  if (!data) return html`<p class="quiet pad">Loading…</p>`;
  if (!data.items.length) return html`<p class="quiet pad">It has not run yet.</p>`;
  const newest = new Set(data.items.map((run) => run.id));
  const runs = [...data.items, ...older.value.items.filter((run) => !newest.has(run.id))];
  const cursor = older.value.used ? older.value.cursor : data.next_cursor;
  const more = async () => {
    older.value = { ...older.value, busy: true };
    try {
      const next = await get(withQuery(jobPath(name, '/runs'), { limit: RUNS_PAGE, cursor }));
      older.value = {
        items: [...older.value.items, ...next.items],
        cursor: next.next_cursor,
        busy: false,
        used: true,
      };
    } catch {
      older.value = { ...older.value, busy: false };
    }
  };
  return html`<${RunsTable} runs=${runs} label=${`Runs of ${name}`} />
    ${
      cursor &&
      html`<p class="end-of-rows"><button type="button" disabled=${older.value.busy}
      onClick=${more}>Older runs</button></p>`
    }`;
}

export function Job({ name }) {
  const resource = useResource(
    (abort) => get(jobPath(name), { signal: abort }),
    name,
    (type, data) => (type === 'job' && data.name === name) || (type === 'run' && data.job === name),
  );
  const { data: job, error, reload } = resource.value;
  if (error && (!job || error.status === 404)) {
    return html`<h1><bdi>${name}</bdi></h1><${RequestFailure} error=${error} retry=${reload} />`;
  }
  if (!job) return html`<h1><bdi>${name}</bdi></h1><p class="quiet loading">Loading…</p>`;
  const held = (job.recent_runs ?? []).find((run) => run.state === 'held');
  const failed = (job.health === 'failing' || job.last_run?.state === 'held') && job.last_run;
  return html`
    <nav class="crumbs" aria-label="Where you are"><a href="#/">Jobs</a></nav>
    <div class="head"><h1><bdi>${job.name}</bdi></h1><${HealthBadge} health=${job.health} />
      ${
        job.late &&
        job.health !== 'late' &&
        html`<span class="tag tone-warn" title="No run has succeeded for longer than checks.freshness">
        <${Icon} name="clock" />late</span>`
      }
      ${
        held &&
        html`<a class="tag tone-warn" href=${runLink(held.id)} title="Show the run that a check holds back">
        <${Icon} name="hand" />judge the held run</a>`
      }
      ${
        job.managed_by === 'file' &&
        html`<span class="tag" title="It comes from the jobs folder: edit the file there">
        <${Icon} name="file" />jobs folder</span>`
      }
      ${(job.tags ?? []).map((tag) => html`<span key=${tag} class="tag"><bdi>${tag}</bdi></span>`)}
      <${Actions} job=${job} /></div>
    <div class="card">
      <${Facts} items=${[
        ['Route', html`<${Route} job=${job} />`],
        ['Mode', (job.source?.sync_mode ?? 'full_refresh').replace('_', ' ')],
        ['Schedule', scheduleWords(job.schedule, job.source?.sync_mode)],
        ['Next run', (job.paused || job.next_at || job.schedule_warning) && html`<${Next} job=${job} />`],
        ['Last success', html`<${Ago} at=${job.last_success_at} />`],
        [
          'Freshness',
          job.freshness &&
            html`within ${job.freshness.limit}, ${job.late ? 'late since' : 'late'} <${Ago} at=${job.freshness.late_at} />`,
          'How old the last success may get',
        ],
        ['Version', job.version],
        ['Last 30 runs', html`<${Strip} runs=${job.recent_runs} height=${30} />`],
      ]} />
    </div>
    ${failed && html`<${RunFailure} run=${job.last_run} />`}
    ${job.schedule && html`<${NotRun} name=${name} />`}
    <${Warnings} warnings=${job.warnings} streams=${job.source?.streams?.length} />
    <section class="card flush" aria-labelledby="runs-title"><header><h2 id="runs-title">Runs</h2></header>
      <${Runs} name=${name} /></section>
    ${job.schedule && html`<${Calendar} name=${name} />`}
    <${State} name=${name} />
    <div class="columns">
      <section class="card" aria-labelledby="definition-title"><header><h2 id="definition-title">Definition</h2></header>
        <${Copyable} text=${toYaml(job.definition ?? {})} label="Definition as YAML" /></section>
      ${job.schedule && html`<${Occurrences} name=${name} />`}
    </div>`;
}
