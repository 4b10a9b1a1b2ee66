// The end of a run's log: read in order once, then asked for what is new while the run goes on.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { get, runPath, withQuery } from '../api.js';
import { html } from '../html.js';
import { plural, value } from '../format.js';
import { absolute, clockTime } from '../time.js';

const POLL_MS = 1000;
const FAILED_POLL_MS = 5000;
const PAGE_LIMIT = 500;
// The page keeps this many lines; the whole log is the API's.
const LINES_MAX = 2000;
// How far from the end, in px, still counts as reading the end.
const END_PX = 24;

const SEVERITY = { trace: 0, debug: 1, info: 2, warn: 3, warning: 3, error: 4, critical: 5 };
const CHOICES = [
  [0, 'Everything'],
  [2, 'Info and up'],
  [3, 'Warnings and up'],
  [4, 'Errors'],
];

const severity = (line) => SEVERITY[String(line.level).toLowerCase()] ?? 2;

function useLog(runId, running) {
  const log = useSignal({ lines: [], dropped: 0, error: null, read: false });
  const following = useRef(running);
  following.current = running;
  useEffect(() => {
    const abort = new AbortController();
    let after = 0;
    let timer = null;
    const take = (items) => {
      const lines = log.value.lines.concat(items);
      const extra = Math.max(0, lines.length - LINES_MAX);
      log.value = {
        lines: lines.slice(extra),
        dropped: log.value.dropped + extra,
        error: null,
        read: true,
      };
    };
    const poll = async () => {
      // Read before the request: the last lines of a run that just ended are asked for once more.
      const goOn = following.current;
      let wait = POLL_MS;
      try {
        let page;
        do {
          page = await get(withQuery(runPath(runId, '/logs'), { after, limit: PAGE_LIMIT }), {
            signal: abort.signal,
          });
          const fresh = page.items.filter((line) => line.seq > after);
          if (fresh.length) after = fresh[fresh.length - 1].seq;
          if (fresh.length || !log.value.read) take(fresh);
          if (!fresh.length) break;
        } while (page.next_cursor);
      } catch (error) {
        if (abort.signal.aborted) return;
        log.value = { ...log.value, error };
        wait = FAILED_POLL_MS;
      }
      if (!abort.signal.aborted && goOn) timer = setTimeout(poll, wait);
    };
    log.value = { lines: [], dropped: 0, error: null, read: false };
    poll();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [runId, running]);
  return log;
}

function Fields({ fields }) {
  const entries = Object.entries(fields ?? {});
  return entries.length === 0
    ? null
    : html`<span class="log-fields">
    ${entries.map(([key, field]) => html`<span key=${key}> ${key}=${value(field)}</span>`)}</span>`;
}

export function LogTail({ runId, running }) {
  const { lines, dropped, error, read } = useLog(runId, running).value;
  const [least, setLeast] = useState(0);
  const box = useRef(null);
  const atEnd = useRef(true);
  const shown = least ? lines.filter((line) => severity(line) >= least) : lines;
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown.length]);
  const noteEnd = ({ currentTarget: it }) => {
    atEnd.current = it.scrollHeight - it.scrollTop - it.clientHeight < END_PX;
  };
  return html`<section class="card" aria-labelledby="log-title">
    <header><h2 id="log-title">Log</h2>
      <span class="quiet">${plural(shown.length, 'line')}${running ? ', following' : ''}${
        dropped ? `; ${plural(dropped, 'earlier line')} not shown` : ''
      }</span>
      <label class="push">Show <select value=${least} onChange=${(e) => setLeast(Number(e.target.value))}>
        ${CHOICES.map(([level, word]) => html`<option key=${level} value=${level}>${word}</option>`)}
      </select></label></header>
    ${error && html`<p class="field-error">${error.message}</p>`}
    <div class="log" ref=${box} onScroll=${noteEnd} tabindex="0" role="log" aria-label="Log lines" aria-live="off">
      ${read && shown.length === 0 && html`<p class="quiet">No lines${least ? ' of this level' : ' yet'}.</p>`}
      ${shown.map(
        (
          line,
        ) => html`<div key=${line.seq} class=${`log-line level-${Math.min(4, severity(line))}`}>
        <time datetime=${line.at} title=${absolute(line.at)}>${clockTime(line.at)}</time>
        <span class="log-level">${line.level}</span>
        <span class="log-message">${line.message}<${Fields} fields=${line.fields} /></span></div>`,
      )}
    </div>
  </section>`;
}
