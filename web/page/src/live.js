// The live connection: one event stream, mended by itself, with the last event's id so that the
// daemon sends what was missed. Where no stream can be had, the listeners are told to refetch.
import { signal } from '@preact/signals';
import { loginNeeded, openStream } from './api.js';
import { readEvents } from './sse.js';

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 10_000;
// A stream that says nothing for this long (no comment either) is opened anew.
const SILENCE_MS_MAX = 60_000;

/** `connecting` at first, then `live`, or `lost` until it is mended. */
export const link = signal('connecting');

const listeners = new Set();

/** `listener(type, data)`; types are the stream's own, and `refetch` when events may be missing. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(type, data) {
  for (const listener of [...listeners]) listener(type, data);
}

let lastEventId = '';
let wake = () => {};

function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Tries at once instead of at the end of the backoff. */
export function reconnectNow() {
  wake();
}

function take({ type, id, data }) {
  if (id !== null) lastEventId = id;
  let value;
  try {
    value = JSON.parse(data);
  } catch {
    return; // Not ours: the daemon's events are JSON objects.
  }
  tell(type, value);
}

async function readOnce() {
  const abort = new AbortController();
  let watchdog;
  const feed = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => abort.abort(), SILENCE_MS_MAX);
  };
  feed();
  try {
    const response = await openStream(lastEventId, abort.signal);
    const mended = link.value === 'lost';
    link.value = 'live';
    if (mended) tell('refetch', null);
    await readEvents(response, take, feed);
  } finally {
    clearTimeout(watchdog);
  }
}

export async function startLive() {
  let backoff = BACKOFF_MS_MIN;
  window.addEventListener('online', reconnectNow);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    reconnectNow();
    if (link.value === 'live') tell('refetch', null);
  });
  for (;;) {
    const began = performance.now();
    try {
      await readOnce();
    } catch {
      // Said on the page by the link's state; the reason is the same as for any request.
    }
    if (performance.now() - began > BACKOFF_MS_MAX) backoff = BACKOFF_MS_MIN;
    link.value = 'lost';
    await pause(backoff * (0.75 + Math.random() / 2));
    backoff = Math.min(backoff * 2, BACKOFF_MS_MAX);
    if (loginNeeded.value) await loggedIn();
    // The API may well answer where a stream is refused (too many of them): show what it says.
    else if (link.value === 'lost') tell('refetch', null);
  }
}

function loggedIn() {
  return new Promise((resolve) => {
    const stop = loginNeeded.subscribe((needed) => {
      if (!needed) queueMicrotask(() => (stop(), resolve()));
    });
  });
}
