// All jobs on one screen: is all well, and if not, where. What needs a look comes first.
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { RequestFailure } from '../components/failure.js';
import { Icon } from '../components/icon.js';
import { plural } from '../format.js';
import { html } from '../html.js';
import { filterRef } from '../keys.js';
import { goTo, jobLink, place, setQuery } from '../router.js';
import { HEALTH, attention } from '../states.js';
import { healthCounts, jobList, jobs, jobsError, loadJobs } from '../store.js';
import { Empty } from './empty.js';
import { JobRow } from './job_row.js';

// Rows beyond these are drawn when one scrolls near them: a thousand jobs open as fast as sixty.
const ROWS_FIRST = 60;
const ROWS_MORE = 120;

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function haystack(job) {
  return [
    job.name,
    job.source?.name,
    ...(job.source?.streams ?? []),
    job.destination?.name,
    job.destination?.alias,
    job.destination?.destination_id,
    ...(job.tags ?? []),
  ]
    .join(' ')
    .toLowerCase();
}

function matching(list, words, health) {
  return list
    .filter(
      (job) =>
        (!health || job.health === health) && words.every((word) => haystack(job).includes(word)),
    )
    .sort((a, b) => attention(a) - attention(b) || collator.compare(a.name, b.name));
}

function Verdict() {
  const counts = healthCounts.value;
  const bad = counts.failing ?? 0;
  const late = counts.late ?? 0;
  const words = [bad && `${bad} failing`, late && `${late} late`].filter(Boolean).join(', ');
  const tone = bad ? 'bad' : late ? 'warn' : 'good';
  return html`<p class=${`verdict tone-${tone}`} role="status">
    <${Icon} name=${bad ? 'cross' : late ? 'clock' : 'check'} />${words || 'All is well'}
    <span class="quiet"> · ${plural(jobList.value.length, 'job')}</span></p>`;
}

function HealthFilter({ chosen }) {
  const counts = healthCounts.value;
  return html`<div class="chips" role="group" aria-label="Show jobs by health">
    ${Object.entries(HEALTH)
      .filter(([key]) => counts[key] || chosen === key)
      .map(
        ([key, state]) => html`
      <button key=${key} type="button" class=${`chip tone-${state.tone}`} aria-pressed=${chosen === key}
        title=${state.about} onClick=${() => setQuery({ health: chosen === key ? '' : key })}>
        <${Icon} name=${state.icon} />${state.word} <b>${counts[key] ?? 0}</b></button>`,
      )}
  </div>`;
}

function Filter({ onEnter }) {
  const text = place.value.query.get('q') ?? '';
  const keys = (event) => {
    if (event.key === 'Enter') onEnter();
    if (event.key === 'Escape') {
      setQuery({ q: '' });
      event.currentTarget.blur();
    }
  };
  return html`<label class="search"><${Icon} name="search" /><span class="sr-only">Filter jobs</span>
    <input id="filter" ref=${filterRef} type="search" placeholder="Filter by name, tag, source…" value=${text}
      autocomplete="off" spellcheck="false" aria-keyshortcuts="/"
      onInput=${(event) => setQuery({ q: event.currentTarget.value })} onKeyDown=${keys} />
    <kbd aria-hidden="true">/</kbd></label>`;
}

function Table({ list }) {
  const drawn = useSignal(ROWS_FIRST);
  const end = useRef(null);
  const more = list.length > drawn.value;
  useEffect(() => {
    if (!more) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) drawn.value += ROWS_MORE;
      },
      { rootMargin: '800px' },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [more, drawn.value]);
  const heads = [
    ['Health'],
    ['Job'],
    ['Source → destination'],
    ['Last 30 runs'],
    ['Last success'],
    ['Next run'],
    ['Rows/s', 'number'],
    ['Actions', 'sr'],
  ];
  return html`<table role="table" class="rows jobs" aria-label="Jobs">
      <thead role="rowgroup"><tr role="row">${heads.map(
        ([word, kind]) => html`<th key=${word} role="columnheader"
        scope="col" class=${kind === 'number' ? 'number' : ''}>${
          kind === 'sr' ? html`<span class="sr-only">${word}</span>` : word
        }</th>`,
      )}</tr></thead>
      <tbody role="rowgroup">${list.slice(0, drawn.value).map(
        (job) => html`<${JobRow} key=${job.name}
        job=${jobs.value.get(job.name)} />`,
      )}</tbody>
    </table>
    ${more && html`<p ref=${end} class="quiet end-of-rows">${plural(list.length - drawn.value, 'more job')}…</p>`}`;
}

export function Overview() {
  const list = useComputed(() => {
    const { query } = place.value;
    const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    return matching(jobList.value, words, query.get('health'));
  }).value;
  const heading = html`<h1 class="sr-only">Jobs</h1>`;
  if (jobs.value === null) {
    if (jobsError.value)
      return html`${heading}<${RequestFailure} error=${jobsError.value} retry=${loadJobs} />`;
    return html`${heading}<p class="quiet loading">Loading…</p>`;
  }
  if (jobs.value.size === 0) return html`${heading}<${Empty} />`;
  const first = () => list.length && goTo(jobLink(list[0].name));
  return html`${heading}
    <div class="toolbar"><${Verdict} /><${HealthFilter} chosen=${place.value.query.get('health')} />
      <${Filter} onEnter=${first} /></div>
    ${
      list.length
        ? html`<div class="card flush"><${Table} list=${list} /></div>`
        : html`<p class="card empty">No job matches. <button type="button" class="plain text"
          onClick=${() => setQuery({ q: '', health: '' })}>Show all</button></p>`
    }`;
}
