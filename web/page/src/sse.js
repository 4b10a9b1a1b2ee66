// Reads a text/event-stream as the HTML standard defines it, from a fetch response.

/**
 * Calls `onEvent({type, id, data})` for every event until the stream ends, and `onBytes` whenever
 * anything came, comments too: that is how a silent peer is told from a quiet one.
 */
export async function readEvents(response, onEvent, onBytes) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = { type: '', data: [], id: null };
  const takeLine = (line) => {
    if (line === '') {
      if (event.data.length) {
        onEvent({ type: event.type || 'message', id: event.id, data: event.data.join('\n') });
      }
      event = { type: '', data: [], id: null };
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event.type = value;
    if (field === 'data') event.data.push(value);
    if (field === 'id' && !value.includes('\0')) event.id = value;
  };
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    onBytes();
    rest += value;
    // A CR at the very end may be the first half of a CRLF: it waits for the next piece.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    lines.forEach(takeLine);
  }
}
