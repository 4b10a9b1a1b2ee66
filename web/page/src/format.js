// Numbers as people read them.
const FULL = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

export const count = (value) => (value == null ? '–' : FULL.format(value));
export const compact = (value) => (value == null ? '–' : COMPACT.format(value));
export const plural = (value, word) => `${count(value)} ${word}${value === 1 ? '' : 's'}`;

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
export function bytes(value) {
  if (value == null) return '–';
  let size = 0;
  while (value >= 1000 && size < SIZES.length - 1) {
    value /= 1000;
    size += 1;
  }
  return `${size && value < 100 ? value.toFixed(1) : Math.round(value)} ${SIZES[size]}`;
}

/** Rows a second of a finished run, or null where that means nothing. */
export function rowsPerSecond(rows, ms) {
  return rows == null || ms == null || ms <= 0 ? null : rows / (ms / 1000);
}

export function rate(value) {
  if (value == null) return '–';
  return `${value >= 100 || value === 0 ? compact(Math.round(value)) : value.toPrecision(2)}/s`;
}

/** A cursor, position or checkpoint as text: a string as it is, anything else as JSON. */
export function value(any) {
  if (any == null) return '–';
  return typeof any === 'string' ? any : JSON.stringify(any);
}

/** The cursor of a watermark, which may be null or a bare value. */
export function cursorOf(watermark) {
  if (watermark && typeof watermark === 'object' && 'cursor' in watermark)
    return value(watermark.cursor);
  return value(watermark);
}
