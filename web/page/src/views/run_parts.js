// The tables of a run: its streams with the cursor before and after, and its attempts.
import { RunBadge } from '../components/badge.js';
import { Icon } from '../components/icon.js';
import { count, cursorOf } from '../format.js';
import { html } from '../html.js';
import { absolute, duration, shortTime } from '../time.js';

const cell = (label, content, kind = '') =>
  html`<td role="cell" class=${kind} data-label=${label}>${content}</td>`;

function Cursor({ before, after, going }) {
  if (before == null && after == null) return html`<span class="quiet">–</span>`;
  const from = before == null ? 'start' : cursorOf(before);
  const to = after == null ? (going ? 'moves when published' : 'not moved') : cursorOf(after);
  if (from === to)
    return html`<span class="cursor"><code>${from}</code><span class="quiet"> unchanged</span></span>`;
  return html`<span class="cursor"><code>${from}</code><${Icon} name="arrow" /><span class="sr-only"> to </span><code>${to}</code></span>`;
}

function Stream({ stream }) {
  return html`<tr role="row">
    <th role="rowheader" scope="row" class="lead"><bdi>${stream.stream}</bdi></th>
    ${cell('State', html`<${RunBadge} state=${stream.state} />`)}
    ${cell(
      'Cursor',
      html`<${Cursor} before=${stream.watermark_before} after=${stream.watermark_after}
      going=${stream.state === 'running'} />`,
      'wide',
    )}
    ${cell('Read', count(stream.rows_read), 'number')}
    ${cell('Written', count(stream.rows_written), 'number')}
    ${cell('Rejected', count(stream.rows_rejected), 'number')}
    ${cell(
      'Error',
      stream.error
        ? html`<span class="tone-bad" title=${stream.error.remedy}>${stream.error.message ?? stream.error.code}</span>`
        : html`<span class="quiet">–</span>`,
      'wide',
    )}
  </tr>`;
}

const STREAM_HEADS = [
  ['Stream'],
  ['State'],
  ['Cursor before → after'],
  ['Read', 'number'],
  ['Written', 'number'],
  ['Rejected', 'number'],
  ['Error'],
];

export function Streams({ streams }) {
  if (!streams.length) return null;
  return html`<section class="card flush" aria-labelledby="streams-title">
    <header><h2 id="streams-title">Streams</h2></header>
    <table role="table" class="rows" aria-label="Streams">
      <thead role="rowgroup"><tr role="row">${STREAM_HEADS.map(
        ([word, kind]) => html`<th key=${word}
        role="columnheader" scope="col" class=${kind}>${word}</th>`,
      )}</tr></thead>
      <tbody role="rowgroup">${streams.map((stream) => html`<${Stream} key=${stream.stream} stream=${stream} />`)}</tbody>
    </table></section>`;
}

/** Only worth the room where there was more than one, or the one failed. */
export function Attempts({ attempts }) {
  if (attempts.length < 2) return null;
  const gap = (index) => {
    const end = attempts[index - 1]?.finished_at;
    const start = attempts[index].started_at;
    return end && start ? duration(Date.parse(start) - Date.parse(end)) : null;
  };
  return html`<section class="card flush" aria-labelledby="attempts-title">
    <header><h2 id="attempts-title">Attempts</h2></header>
    <ol class="attempts">${attempts.map((attempt, index) => {
      const waited = gap(index);
      const took =
        attempt.finished_at && attempt.started_at
          ? duration(Date.parse(attempt.finished_at) - Date.parse(attempt.started_at))
          : 'under way';
      return html`<li key=${attempt.number}>
        <b>#${attempt.number}</b>
        <span title=${attempt.started_at && absolute(attempt.started_at)}>${attempt.started_at ? shortTime(attempt.started_at) : 'not started'}</span>
        <span>${took}</span>
        ${waited && html`<span class="quiet">after a wait of ${waited}</span>`}
        ${attempt.error && html`<span class="tone-bad grow">${attempt.error.code && html`<code>${attempt.error.code}</code> `}${attempt.error.message}</span>`}
      </li>`;
    })}</ol></section>`;
}
