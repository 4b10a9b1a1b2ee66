// A moment, relative to now and kept so; the absolute time is the tooltip and the machine's value.
import { useComputed, useSignal } from '@preact/signals';
import { html } from '../html.js';
import { absolute, ago, duration, now, runMs, until } from '../time.js';

// The text is a signal of its own: each second only those text nodes change whose words do.
function Relative({ at, words, none }) {
  const latest = useSignal({ at, words });
  if (latest.peek().at !== at) latest.value = { at, words };
  const text = useComputed(() => latest.value.words(latest.value.at, now.value));
  if (!at) return html`<span class="quiet">${none}</span>`;
  return html`<time datetime=${at} title=${absolute(at)}>${text}</time>`;
}

export const Ago = ({ at, none = 'never' }) =>
  html`<${Relative} key=${at} at=${at} words=${ago} none=${none} />`;
export const Until = ({ at, none = '–' }) =>
  html`<${Relative} key=${at} at=${at} words=${until} none=${none} />`;

function Ticking({ run }) {
  const text = useComputed(() => duration(runMs(run, now.value)));
  return html`<span>${text}</span>`;
}

/** How long a run took, counting on while it runs. */
export function Took({ run }) {
  if (run?.started_at && !run.finished_at && run.state === 'running') {
    return html`<${Ticking} key=${run.started_at} run=${run} />`;
  }
  const known = runMs(run, Date.parse(run?.finished_at));
  return html`<span>${duration(Number.isNaN(known) ? null : known)}</span>`;
}
