// A block of text with a button that copies it, where the browser allows that.
import { useState } from 'preact/hooks';
import { html } from '../html.js';
import { Icon } from './icon.js';

const SAID_MS = 2000;

export function Copyable({ text, label }) {
  const [said, setSaid] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setSaid(true);
    setTimeout(() => setSaid(false), SAID_MS);
  };
  return html`<div class="copyable">
    <pre tabindex="0" aria-label=${label}>${text}</pre>
    ${
      navigator.clipboard &&
      html`<button type="button" class="small" onClick=${copy}>
      <${Icon} name=${said ? 'check' : 'copy'} /><span aria-live="polite">${said ? 'Copied' : 'Copy'}</span>
    </button>`
    }
  </div>`;
}
