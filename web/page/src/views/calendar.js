// Past and coming fires day by day, in the schedule's own zone, as the daemon counts them.
import { useSignal } from '@preact/signals';
import { get, jobPath, withQuery } from '../api.js';
import { html } from '../html.js';
import { useResource } from '../resource.js';

const DAYS = 35;
const DAY_MS = 86_400_000;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
// What a day's numbers are of; a sign stands with each, so that no colour is needed to tell them.
const KINDS = [
  { key: 'ran', sign: '✓', tone: 'good', word: 'ran' },
  { key: 'failed', sign: '✗', tone: 'bad', word: 'failed' },
  { key: 'notRun', sign: '–', tone: 'warn', word: 'did not run' },
  { key: 'waiting', sign: '…', tone: 'info', word: 'waiting' },
  { key: 'planned', sign: '○', tone: 'quiet', word: 'to come' },
];

const LONG = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  weekday: 'long',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
});
const MONTH = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', month: 'short' });
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

const at = (date) => Date.parse(`${date}T00:00:00Z`);
const moved = (date, days) => new Date(at(date) + days * DAY_MS).toISOString().slice(0, 10);

/** The numbers of a day by kind; a row that stands for many fires has no number. */
export function countsOf(day) {
  const notRun = day.skipped + day.missed;
  const values = { ...day, ran: Math.max(0, day.ran - day.failed), notRun };
  return KINDS.map((kind) => ({
    ...kind,
    count: values[kind.key],
    many: kind.key === 'notRun' && day.missed_in_a_row,
  })).filter(({ count, many }) => count > 0 || many);
}

/** What is odd about a day's length, in a word or two; empty for nearly all. */
export function lengthOf(day) {
  if (day.hours === 24) return '';
  if (day.hours === 0) return 'left out';
  return `${day.hours} h${day.gap ? ', gap' : ''}${day.fold ? ', fold' : ''}`;
}

/** Weeks from Monday on, filled up with null. */
export function weeksOf(days) {
  if (!days.length) return [];
  const before = (new Date(at(days[0].date)).getUTCDay() + 6) % 7;
  const cells = [...Array(before).fill(null), ...days];
  while (cells.length % 7) cells.push(null);
  return Array.from({ length: cells.length / 7 }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

function Day({ day, today }) {
  if (!day) return html`<td class="no-day"></td>`;
  const date = new Date(at(day.date));
  const number = date.getUTCDate();
  const length = lengthOf(day);
  return html`<td class=${day.date === today ? 'today' : ''} aria-current=${day.date === today ? 'date' : null}>
    <span class="sr-only">${LONG.format(date)}${day.date === today ? ', today' : ''}: </span>
    <span class="day-number" aria-hidden="true">${number}${number === 1 && html` ${MONTH.format(date)}`}</span>
    ${length && html`<span class="day-length">${length}</span>`}
    ${countsOf(day).map(
      ({ key, sign, tone, word, count, many }) => html`<span key=${key} class=${`day-count tone-${tone}`}
        title=${`${many ? 'many' : count}${day.more ? ' or more' : ''} ${word}`}>
        <span aria-hidden="true">${sign}</span>${many ? 'many' : COMPACT.format(count)}${day.more && !many && '+'}
        <span class="sr-only"> ${word}, </span></span>`,
    )}</td>`;
}

export function Calendar({ name }) {
  const from = useSignal(null);
  const resource = useResource(
    (abort) =>
      get(withQuery(jobPath(name, '/calendar'), { days: DAYS, from: from.value }), {
        signal: abort,
      }),
    `${name} ${from.value}`,
    (type, data) =>
      (type === 'run' && data.job === name) || (type === 'job' && data.name === name),
  );
  const { data, error } = resource.value;
  const turn = (days) => () => {
    from.value = moved(data.days[0].date, days);
  };
  return html`<section class="card flush" aria-labelledby="calendar-title">
    <header><h2 id="calendar-title">Calendar</h2>
      ${
        data &&
        html`<span class="quiet grow">days of ${data.timezone}${data.paused && ', paused: what is to come will be skipped'}</span>
      <span class="actions">
        <button type="button" class="small" onClick=${turn(-DAYS)}>Earlier</button>
        ${from.value && html`<button type="button" class="small" onClick=${() => (from.value = null)}>Today</button>`}
        <button type="button" class="small" onClick=${turn(DAYS)}>Later</button></span>`
      }</header>
    ${error && !data && html`<p class="field-error pad">${error.message}</p>`}
    ${
      data &&
      html`<table class="calendar"><caption class="sr-only">Fires by day, from ${data.days[0].date} on</caption>
      <thead><tr>${WEEKDAYS.map((word) => html`<th key=${word} scope="col">${word}</th>`)}</tr></thead>
      <tbody>${weeksOf(data.days).map(
        (week, index) =>
          html`<tr key=${index}>${week.map(
            (day, place) => html`<${Day} key=${place} day=${day} today=${data.today} />`,
          )}</tr>`,
      )}</tbody></table>
      <p class="legend quiet">${KINDS.map(
        ({ key, sign, tone, word }) =>
          html`<span key=${key}><b class=${`tone-${tone}`}>${sign}</b> ${word}</span>`,
      )}</p>`
    }
  </section>`;
}
