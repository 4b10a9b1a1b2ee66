// The page's modules that need no browser: the event stream's reader, the YAML writer, schedules
// in words, numbers. Run: node --test modules_test.mjs
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, cursorOf, rate, rowsPerSecond } from '../../web/page/src/format.js';
import { scheduleWords } from '../../web/page/src/schedule.js';
import { readEvents } from '../../web/page/src/sse.js';
import { toYaml } from '../../web/page/src/yaml.js';

async function eventsOf(text, pieceBytes) {
  const all = new TextEncoder().encode(text);
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < all.length; at += pieceBytes)
        controller.enqueue(all.slice(at, at + pieceBytes));
      controller.close();
    },
  });
  const events = [];
  await readEvents(
    { body },
    (event) => events.push(event),
    () => {},
  );
  return events;
}

test('an event stream reads the same however it is cut and whatever ends its lines', async () => {
  const text =
    ': hello\n\nid: 7\nevent: run\ndata: {"job":"é"}\n\ndata:a\ndata: b\nretry: 9\n\nid: 8\n\nevent: x\ndata\n\ndata: cut';
  const expected = [
    { type: 'run', id: '7', data: '{"job":"é"}' },
    { type: 'message', id: null, data: 'a\nb' },
    { type: 'x', id: null, data: '' },
  ];
  for (const end of ['\n', '\r\n', '\r']) {
    for (let piece = 1; piece <= 12; piece += 1) {
      assert.deepEqual(
        await eventsOf(text.replaceAll('\n', end), piece),
        expected,
        `${JSON.stringify(end)} ${piece}`,
      );
    }
  }
});

test('YAML quotes what YAML would read as something else', () => {
  const strings = [
    'true',
    'NO',
    '12',
    '.5',
    '1e3',
    '',
    ' x',
    'x ',
    'a: b',
    '#x',
    '- x',
    '*/5 * * * *',
    '~',
    '2026-01-01',
    '[a]',
    'a\nb',
    '0x1f',
  ];
  for (const text of strings) assert.equal(toYaml({ key: text }), `key: ${JSON.stringify(text)}`);
  for (const text of ['flights', 'Europe/Paris', '90s', 'full refresh', 'a@b.c'])
    assert.equal(toYaml({ key: text }), `key: ${text}`);
});

test('YAML nests maps and lists', () => {
  assert.equal(
    toYaml({ a: 1, b: { c: null, d: [1, 'x'] }, e: [{ f: true, g: { h: 2 } }, 'i'], j: {}, k: [] }),
    'a: 1\nb:\n  c: null\n  d: [1, x]\ne:\n  - f: true\n    g:\n      h: 2\n  - i\nj: {}\nk: []',
  );
});

test('schedules in words', () => {
  const words = (schedule, mode) => scheduleWords(schedule, mode);
  assert.equal(words({ cron: '* * * * *' }), 'every minute');
  assert.equal(
    words({ cron: '*/5 * * * *', timezone: 'Europe/Paris' }),
    'every 5 minutes, Europe/Paris',
  );
  assert.equal(words({ cron: '5 6 * * 1' }), 'Mondays at 06:05');
  assert.equal(words({ cron: '0 6,18 * * *' }), 'cron 0 6,18 * * *');
  assert.equal(words({ every: '90s' }), 'every 90s');
  assert.equal(words({ after: 'other' }), 'after other');
  assert.equal(words(null), 'on request');
  assert.equal(words(null, 'stream'), 'continuous');
});

test('numbers', () => {
  assert.deepEqual([0, 999, 1000, 250_000, 1.5e9].map(bytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '250 kB',
    '1.5 GB',
  ]);
  assert.deepEqual([null, 0, 0.52, 73.2, 1234].map(rate), ['–', '0/s', '0.52/s', '73/s', '1.2K/s']);
  assert.equal(rowsPerSecond(10, 0), null);
  assert.equal(rowsPerSecond(10, 500), 20);
  assert.equal(cursorOf({ cursor: 5, cursor_type: 'integer' }), '5');
  assert.equal(cursorOf({ cursor: null }), '–');
  assert.equal(cursorOf('2026'), '2026');
});
