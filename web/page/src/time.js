// Times as people read them: relative on the page, absolute (with the zone) on hover.
import { signal } from '@preact/signals';
import { clockSkewMs } from './api.js';

/** The daemon's time in ms, once a second. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now() + clockSkewMs.value;
}, 1000);

const UNITS = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`: two units at most. */
export function duration(ms) {
  if (ms == null || Number.isNaN(ms)) return '–';
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  let rest = Math.round(ms / 1000);
  const parts = [];
  for (const [seconds, unit] of UNITS) {
    const count = Math.floor(rest / seconds);
    if (count > 0 && parts.length < 2) parts.push(`${count} ${unit}`);
    else if (parts.length) break;
    rest %= seconds;
  }
  return parts.join(' ');
}

function coarse(seconds) {
  const [size, unit] = UNITS.find(([length]) => seconds >= length) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

export function ago(text, at) {
  const seconds = Math.floor((at - Date.parse(text)) / 1000);
  return seconds < 5 ? 'just now' : `${coarse(seconds)} ago`;
}

export function until(text, at) {
  const seconds = Math.ceil((Date.parse(text) - at) / 1000);
  return seconds <= 0 ? 'now' : `in ${coarse(seconds)}`;
}

const LOCAL = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

/** The viewer's zone, then UTC as the API says it. */
export function absolute(text) {
  const at = Date.parse(text);
  return Number.isNaN(at) ? String(text) : `${LOCAL.format(at)} (${text})`;
}

const SHORT = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
export const shortTime = (text) => SHORT.format(Date.parse(text));

const CLOCK = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});
export const clockTime = (text) => CLOCK.format(Date.parse(text));

/** How long a run has taken so far or took in all, in ms; null before it started. */
export function runMs(run, at) {
  if (!run?.started_at) return null;
  const end = run.finished_at ? Date.parse(run.finished_at) : at;
  return Math.max(0, end - Date.parse(run.started_at));
}
