// The page's addresses are in the fragment (#/jobs/NAME), so that the daemon serves one document
// for all of them and a proxy may put it under any path.
import { computed, signal } from '@preact/signals';

const fragment = signal(location.hash);
window.addEventListener('hashchange', () => (fragment.value = location.hash));

/** `{path: ['jobs', 'a b'], query: URLSearchParams}` of the address. */
export const place = computed(() => {
  const [path, query = ''] = fragment.value.replace(/^#\/?/, '').split('?');
  return { path: path.split('/').filter(Boolean).map(decode), query: new URLSearchParams(query) };
});

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A stray % that someone typed: it names nothing, and the view says so.
  }
}

export const jobLink = (name) => `#/jobs/${encodeURIComponent(name)}`;
export const runLink = (id) => `#/runs/${encodeURIComponent(id)}`;

export function goTo(address) {
  location.hash = address;
}

/** Changes the query of the current address without a step in the history. */
export function setQuery(values) {
  const query = new URLSearchParams(place.value.query);
  for (const [key, value] of Object.entries(values)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  const path = place.value.path.map(encodeURIComponent).join('/');
  const text = query.toString();
  history.replaceState(null, '', `#/${path}${text ? `?${text}` : ''}`);
  fragment.value = location.hash;
}
