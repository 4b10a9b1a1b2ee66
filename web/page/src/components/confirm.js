// A question before what cannot be undone. The browser's own dialog element keeps the focus inside
// and gives it back afterwards; Escape means no.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../html.js';

const question = signal(null);

/** Resolves to whether the answer is yes. */
export function confirm({ title, text, yes, no = 'Keep it', danger = false }) {
  return new Promise((resolve) => {
    question.value = { title, text, yes, no, danger, resolve };
  });
}

export function ConfirmDialog() {
  const element = useRef(null);
  const asked = question.value;
  useEffect(() => {
    if (asked) element.current?.showModal();
  }, [asked]);
  if (!asked) return null;
  const answer = (yes) => {
    element.current?.close();
    question.value = null;
    asked.resolve(yes);
  };
  return html`<dialog ref=${element} aria-labelledby="confirm-title" aria-describedby="confirm-text"
    onCancel=${(event) => (event.preventDefault(), answer(false))}>
    <h2 id="confirm-title">${asked.title}</h2>
    <p id="confirm-text">${asked.text}</p>
    <div class="actions end">
      <button type="button" autofocus onClick=${() => answer(false)}>${asked.no}</button>
      <button type="button" class=${asked.danger ? 'danger' : 'primary'}
        onClick=${() => answer(true)}>${asked.yes}</button>
    </div>
  </dialog>`;
}
