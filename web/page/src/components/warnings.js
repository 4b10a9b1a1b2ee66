// What a run warned of, in the daemon's words: nothing failed, and somebody should know.
import { html } from '../html.js';
import { Icon } from './icon.js';

export function Warnings({ warnings = [], streams = 1 }) {
  if (!warnings.length) return null;
  return html`<section class="failure warned" aria-labelledby="warnings-title">
    <h2 id="warnings-title"><${Icon} name="hand" />${warnings.length === 1 ? 'A warning' : `${warnings.length} warnings`}</h2>
    <ul>${warnings.map(
      (warning) => html`<li key=${`${warning.code} ${warning.stream}`}>
      <p class="message"><code>${warning.code}</code>${' '}${
        streams > 1 && html`<bdi>${warning.stream}</bdi>: `
      }${warning.message}</p>
      ${warning.remedy && html`<p class="remedy">${warning.remedy}</p>`}</li>`,
    )}</ul>
  </section>`;
}
