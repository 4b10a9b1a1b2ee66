// Keys that work in every view; a field that is being typed into keeps its own.
import { goTo, place } from './router.js';

const FILTER_ID = 'filter';

function typing(target) {
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

export function focusFilter() {
  const field = document.getElementById(FILTER_ID);
  field?.focus();
  field?.select();
}

export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    if (document.getElementById(FILTER_ID)) {
      focusFilter();
      return;
    }
    if (place.value.path.length) goTo('#/');
    setTimeout(focusFilter, 50);
  });
}
