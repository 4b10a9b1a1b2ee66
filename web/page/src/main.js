// Starts the page: one view for each address, the live connection, and the keys that work
// everywhere. A new view is one line in VIEWS.
import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { loginNeeded } from './api.js';
import { ConfirmDialog } from './components/confirm.js';
import { Login } from './components/login.js';
import { Notices } from './components/notices.js';
import { Topbar } from './components/topbar.js';
import { html } from './html.js';
import { startKeys } from './keys.js';
import { startLive } from './live.js';
import { place } from './router.js';
import { healthCounts, startStore } from './store.js';
import { Job } from './views/job.js';
import { NotFound } from './views/not_found.js';
import { Overview } from './views/overview.js';
import { Run } from './views/run.js';
import { Runs } from './views/runs.js';

const VIEWS = [
  { match: [], view: Overview, title: () => 'Jobs' },
  { match: ['jobs', '*'], view: Job, title: (path) => path[1] },
  { match: ['runs'], view: Runs, title: () => 'Runs' },
  { match: ['runs', '*'], view: Run, title: () => 'Run' },
];
const NOWHERE = { view: NotFound, title: () => 'Not found' };

function viewFor(path) {
  return (
    VIEWS.find(
      ({ match }) =>
        match.length === path.length &&
        match.every((part, index) => part === '*' || part === path[index]),
    ) ?? NOWHERE
  );
}

function View() {
  const { path } = place.value;
  const { view, title } = viewFor(path);
  const key = path.join('/');
  const shown = useRef(key);
  const failing = healthCounts.value.failing ?? 0;
  useEffect(() => {
    document.title = `${failing ? `(${failing} failing) ` : ''}${title(path)} · bizond`;
  });
  useEffect(() => {
    if (shown.current === key) return;
    shown.current = key;
    // A change of view is said to a screen reader, and the keyboard starts at its top.
    window.scrollTo(0, 0);
    const main = document.getElementById('main');
    // Unless the new view has put the focus somewhere itself.
    if (main && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
  }, [key]);
  return html`<main id="main" tabindex="-1"><${view} key=${key} name=${path[1]} /></main>`;
}

function Page() {
  if (loginNeeded.value) return html`<${Login} />`;
  return html`<a class="skip" href="#main" onClick=${(event) => {
    // The fragment is the address of a view here, so the jump is made by hand.
    event.preventDefault();
    document.getElementById('main').focus();
  }}>Skip to the content</a>
    <${Topbar} />
    <${View} />
    <${Notices} />
    <${ConfirmDialog} />`;
}

const root = document.getElementById('page');
root.textContent = '';
render(html`<${Page} />`, root);
startStore();
startKeys();
startLive();
