// One job in the overview. Each cell answers one question; a row redraws only for its own job.
import { setPaused, trigger } from '../actions.js';
import { HealthBadge } from '../components/badge.js';
import { Icon } from '../components/icon.js';
import { Strip } from '../components/strip.js';
import { Ago, Until } from '../components/when.js';
import { compact, plural, rate, rowsPerSecond } from '../format.js';
import { html } from '../html.js';
import { jobLink, runLink } from '../router.js';
import { scheduleWords } from '../schedule.js';
import { progressOf } from '../store.js';
import { runMs } from '../time.js';

export function Route({ job }) {
  const { source = {}, destination = {} } = job;
  const streams = source.streams ?? [];
  const from =
    streams.length > 1
      ? `${source.name} (${streams.length})`
      : [source.name, ...streams].join(' / ');
  const to = [destination.alias || destination.name, destination.destination_id]
    .filter(Boolean)
    .join(' / ');
  return html`<span class="route" title=${streams.length > 1 ? `Streams: ${streams.join(', ')}` : null}>
    <bdi>${from}</bdi><${Icon} name="arrow" /><span class="sr-only"> to </span><bdi>${to}</bdi></span>`;
}

export function Next({ job }) {
  if (job.paused) return html`<span class="quiet">paused</span>`;
  if (job.next_at) return html`<${Until} at=${job.next_at} />`;
  if (job.schedule_warning) return html`<span class="tone-warn">${job.schedule_warning}</span>`;
  return html`<span class="quiet">${scheduleWords(job.schedule, job.source?.sync_mode)}</span>`;
}

function Speed({ job }) {
  const progress = progressOf(job.name).value;
  const run = job.last_run;
  if (progress && run?.state === 'running') {
    return html`<span class="tone-info">${rate(progress.rate)}</span>
      <small title=${plural(progress.rows_written, 'row')}>${compact(progress.rows_written)} so far</small>`;
  }
  if (!run?.finished_at) return html`<span class="quiet">–</span>`;
  if (run.rows_written === 0) return html`<span class="quiet">–</span><small>nothing new</small>`;
  const word = run.rows_written === 1 ? 'row' : 'rows';
  return html`${rate(rowsPerSecond(run.rows_written, runMs(run, 0)))}
    <small>${compact(run.rows_written)} ${word}</small>`;
}

function Health({ job }) {
  const bad = job.health === 'failing' || job.health === 'held';
  const code = bad ? job.last_run?.error?.code : null;
  const badge = html`<${HealthBadge} health=${job.health} />`;
  const warning = code ? null : job.warnings?.[0];
  const late = job.late && job.health !== 'late' && html`<small class="tone-warn">late</small>`;
  if (!job.last_run) return html`${badge}${late}`;
  return html`<a class="row-link" href=${runLink(job.last_run.id)} title="Show the last run">${badge}</a>
    ${code && html`<small class="tone-bad clip" title=${job.last_run.error.message}>${code}</small>`}
    ${warning && html`<small class="tone-warn clip" title=${warning.message}>${warning.code}</small>`}${late}`;
}

export function JobRow({ job: known }) {
  const job = known.value;
  const busy = job.last_run?.state === 'running' || job.last_run?.state === 'queued';
  const pauseWord = job.paused ? 'Resume' : 'Pause';
  const cell = (label, content, kind = '') =>
    html`<td role="cell" class=${kind} data-label=${label}>${content}</td>`;
  return html`<tr role="row">
    <td role="cell" class="lead"><${Health} job=${job} /></td>
    <td role="cell" class="name"><a href=${jobLink(job.name)}><bdi>${job.name}</bdi></a>
      <small>${scheduleWords(job.schedule, job.source?.sync_mode)}${(job.tags ?? []).map(
        (tag) => html`
        <span key=${tag} class="tag"><bdi>${tag}</bdi></span>`,
      )}</small></td>
    ${cell('Route', html`<${Route} job=${job} />`, 'wide')}
    <td role="cell" class="runs-cell"><${Strip} runs=${job.recent_runs} /></td>
    ${cell('Last success', html`<${Ago} at=${job.last_success_at} />`)}
    ${cell('Next run', html`<${Next} job=${job} />`)}
    ${cell('Rows/s', html`<${Speed} job=${job} />`, 'number')}
    <td role="cell" class="row-actions">
      <button type="button" class="plain" title=${busy ? 'A run is under way' : 'Run now'} disabled=${busy}
        aria-label=${`Run ${job.name} now`} onClick=${() => trigger(job.name)}><${Icon} name="play" /></button>
      <button type="button" class="plain" title=${pauseWord} aria-label=${`${pauseWord} ${job.name}`}
        onClick=${() => setPaused(job.name, !job.paused)}><${Icon} name=${job.paused ? 'resume' : 'pause'} /></button>
    </td>
  </tr>`;
}
