// The bar at the top: where one is, and whether what one sees is live.
import { html } from '../html.js';
import { link, reconnectNow } from '../live.js';
import { place } from '../router.js';

const LINKS = [
  { href: '#/', word: 'Jobs', is: (path) => path.length === 0 || path[0] === 'jobs' },
  { href: '#/runs', word: 'Runs', is: (path) => path[0] === 'runs' },
];

function Link() {
  if (link.value === 'live') {
    return html`<span class="link tone-good" title="Changes appear by themselves"><i class="pip" />Live</span>`;
  }
  if (link.value === 'connecting')
    return html`<span class="link tone-quiet"><i class="pip hollow" />Connecting</span>`;
  return html`<button type="button" class="link tone-bad" onClick=${reconnectNow}
    title="The live connection is lost and is being mended; press to try now"><i class="pip hollow" />Reconnecting…</button>`;
}

export function Topbar() {
  const path = place.value.path;
  return html`<header class="topbar">
    <a class="brand" href="#/" aria-label="bizond, all jobs">
      <svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" />
        <path d="M8 12h13.500M18 7.500l4.500 4.500-4.500 4.500M24 20H10.500M14 15.500 9.500 20l4.500 4.500" /></svg>
      <span>bizond</span></a>
    <nav aria-label="Main">
      ${LINKS.map(
        ({ href, word, is }) => html`<a key=${href} href=${href}
        aria-current=${is(path) ? 'page' : null}>${word}</a>`,
      )}
    </nav>
    <span class="push" role="status" aria-live="polite"><${Link} /></span>
  </header>`;
}
