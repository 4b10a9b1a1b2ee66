// The last runs of a job as bars, newest on the right: the height is the duration, the tone the
// state, and a run that did not succeed has a mark below it as well. One path for each state, so
// that a thousand strips are a few thousand nodes; the bar under the pointer says its own run.
import { useMemo, useState } from 'preact/hooks';
import { html } from '../html.js';
import { compact } from '../format.js';
import { goTo, runLink } from '../router.js';
import { RUN, UNKNOWN } from '../states.js';
import { duration, shortTime } from '../time.js';

const SLOTS = 30;
const STEP = 5;
const BAR = 3.5;
const MARKED = new Set(['failed', 'partial', 'held']);

function msOf(run) {
  if (run.duration_ms != null) return run.duration_ms;
  if (!run.started_at || !run.finished_at) return null;
  return Date.parse(run.finished_at) - Date.parse(run.started_at);
}

function layout(runs, height) {
  const shown = runs.slice(0, SLOTS).reverse();
  const first = SLOTS - shown.length;
  const longest = Math.max(1, ...shown.map((run) => msOf(run) ?? 0));
  const paths = {};
  let marks = '';
  shown.forEach((run, index) => {
    const x = (first + index) * STEP;
    const tall = Math.max(3, Math.round(((msOf(run) ?? 0) / longest) * (height - 5)));
    const tone = (RUN[run.state] ?? UNKNOWN).tone;
    paths[tone] = `${paths[tone] ?? ''}M${x} ${height - 4}v${-tall}h${BAR}v${tall}z`;
    if (MARKED.has(run.state)) marks += `M${x} ${height - 2.5}h${BAR}v2h${-BAR}z`;
  });
  let empty = '';
  for (let slot = 0; slot < first; slot += 1)
    empty += `M${slot * STEP} ${height - 5}h${BAR}v1h${-BAR}z`;
  return { shown, first, longest, paths, marks, empty };
}

function summary(shown, longest) {
  if (!shown.length) return 'No runs yet';
  const counts = new Map();
  for (const run of shown) counts.set(run.state, (counts.get(run.state) ?? 0) + 1);
  const words = [...counts].map(
    ([state, n]) => `${n} ${(RUN[state] ?? UNKNOWN).word.toLowerCase()}`,
  );
  return `Last ${shown.length} runs: ${words.join(', ')}; longest ${duration(longest)}`;
}

function describe(run) {
  const rows = run.rows_written == null ? '' : ` · ${compact(run.rows_written)} rows`;
  const at = run.started_at ? ` · ${shortTime(run.started_at)}` : '';
  return `${(RUN[run.state] ?? UNKNOWN).word}${at} · ${duration(msOf(run))}${rows}`;
}

export function Strip({ runs, height = 26 }) {
  const drawn = useMemo(() => layout(runs ?? [], height), [runs, height]);
  const [pointed, setPointed] = useState(null);
  const runAt = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    const slot = Math.floor(((event.clientX - box.left) / box.width) * SLOTS);
    return drawn.shown[slot - drawn.first] ?? null;
  };
  const label = summary(drawn.shown, drawn.longest);
  // The title is an attribute of the box: an SVG title element would be read twice.
  return html`<span class="strip" title=${pointed ? describe(pointed) : label}>
    <svg viewBox=${`0 0 ${SLOTS * STEP - 1.5} ${height}`} width=${SLOTS * STEP - 1.5} height=${height}
      preserveAspectRatio="none" role="img" aria-label=${label} class=${pointed ? 'pointed' : ''}
      onMouseMove=${(event) => setPointed(runAt(event))} onMouseLeave=${() => setPointed(null)}
      onClick=${(event) => {
        const run = runAt(event);
        if (run) goTo(runLink(run.id));
      }}>
      ${drawn.empty && html`<path class="bar-empty" d=${drawn.empty} />`}
      ${Object.entries(drawn.paths).map(([tone, d]) => html`<path key=${tone} class=${`bar-${tone}`} d=${d} />`)}
      ${drawn.marks && html`<path class="bar-mark" d=${drawn.marks} />`}
    </svg></span>`;
}
