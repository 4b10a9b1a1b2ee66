// Keys that work in every view; a field that is being typed into keeps its own.
import { goTo } from './router.js';

// The filter was asked for in a view that has none: the overview focuses it once it is drawn.
let filterWanted = false;
let filterField = null;

function typing(target) {
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

function focusFilter() {
  filterWanted = false;
  filterField.focus();
  filterField.select();
}

/** The ref of the field that `/` leads to. */
export function filterRef(element) {
  filterField = element;
  // After the view's own effects, one of which puts the focus at the top of a new view.
  if (element && filterWanted) setTimeout(() => filterField && focusFilter());
}

export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    if (filterField) {
      focusFilter();
      return;
    }
    filterWanted = true;
    goTo('#/');
  });
}
