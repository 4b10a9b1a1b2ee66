// Labelled values: `items` are `[label, value, title?]`; one without a value is left out.
import { html } from '../html.js';

export function Facts({ items }) {
  return html`<dl class="facts">
    ${items
      .filter(([, value]) => value != null && value !== '' && value !== false)
      .map(
        ([label, value, title]) => html`
      <div key=${label} title=${title}><dt>${label}</dt><dd>${value}</dd></div>`,
      )}
  </dl>`;
}
