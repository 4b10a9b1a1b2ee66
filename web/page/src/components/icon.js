// Line icons on a 16 px grid, drawn in the colour of the text around them. They repeat a word that
// stands beside them, so they are hidden from assistive technology.
import { html } from '../html.js';

const PATHS = {
  check: 'M8 1.5a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M5 8.200l2.100 2.100L11 6',
  cross:
    'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M5.800 5.800l4.400 4.400M10.200 5.800l-4.400 4.400',
  clock: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M8 4.500V8l2.500 1.500',
  pause: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M6.500 5.500v5M9.500 5.500v5',
  stop: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M5 8h6',
  half: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M8 4.500v4M8 11v.2',
  hand: 'M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13M5.800 6h4.400v4.400H5.800z',
  dot: 'M8 3a5 5 0 1 0 0 10a5 5 0 1 0 0-10',
  arrows:
    'M13.500 8A5.500 5.500 0 0 1 3.600 11.300M2.500 8a5.500 5.500 0 0 1 9.900-3.300M12.600 2v2.800H9.800M3.400 14v-2.800h2.800',
  play: 'M5 3.200v9.600L12.500 8z',
  retry: 'M13 8a5 5 0 1 1-1.500-3.600M13 2v3h-3',
  resume: 'M4 3v10M7 3.200v9.600L13.500 8z',
  undo: 'M3 6h6.500a3.500 3.500 0 0 1 0 7H6M5.500 3.500 3 6l2.500 2.500',
  arrow: 'M2.500 8h11M9.500 4l4 4-4 4',
  close: 'M4 4l8 8M12 4l-8 8',
  copy: 'M6 6h7v7H6zM3 10V3h7',
  search: 'M7 2.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 1 0 0-9M10.500 10.500 14 14',
  file: 'M4 1.800h5l3 3v9.400H4zM9 1.800v3h3',
};

export function Icon({ name, spin = false }) {
  return html`<svg class=${`icon${spin ? ' spin' : ''}`} viewBox="0 0 16 16" aria-hidden="true"
    focusable="false"><path d=${PATHS[name] ?? PATHS.dot} /></svg>`;
}
