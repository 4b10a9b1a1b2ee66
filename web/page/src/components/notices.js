// Short messages about what was just done. Good news goes away by itself, an error stays.
import { signal } from '@preact/signals';
import { html } from '../html.js';
import { Icon } from './icon.js';

const SHOWN_MS = 7000;
const SHOWN_MAX = 4;
const notices = signal([]);
let lastId = 0;

function add(notice) {
  lastId += 1;
  const id = lastId;
  notices.value = [...notices.value, { id, ...notice }].slice(-SHOWN_MAX);
  return id;
}

function dismiss(id) {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

export function notify(text, link = null, linkText = '') {
  const id = add({ tone: 'good', icon: 'check', text, link, linkText });
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function notifyError(error) {
  // A login is asked for by a form of its own.
  if (error.status === 401 || error.name === 'AbortError') return;
  add({ tone: 'bad', icon: 'cross', text: error.message, remedy: error.remedy });
}

export function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${notices.value.map(
      (notice) => html`<div key=${notice.id} class=${`notice tone-${notice.tone}`}>
      <${Icon} name=${notice.icon} />
      <div class="grow"><span>${notice.text}</span>
        ${notice.link && html` <a href=${notice.link}>${notice.linkText}</a>`}
        ${notice.remedy && html`<p class="remedy">${notice.remedy}</p>`}
      </div>
      <button type="button" class="plain" aria-label="Dismiss" onClick=${() => dismiss(notice.id)}>
        <${Icon} name="close" /></button>
    </div>`,
    )}
  </div>`;
}
