// The REST client. One function sends every request: it adds the token, reads the problem
// document of an error, and asks for a login where the daemon answers 401.
import { signal } from '@preact/signals';

const BASE = new URL('api/v1/', document.baseURI);
const TOKEN_KEY = 'bizond.token';
const PAGE_LIMIT = 200;

/** True while the daemon wants a token that we do not have (or refused the one we have). */
export const loginNeeded = signal(false);
/** How far the daemon's clock is ahead of the browser's, in ms; 0 where it is not told. */
export const clockSkewMs = signal(0);

/** What a failed request says, in the words of its RFC 9457 problem document. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The daemon answered ${status}.`);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? '';
    this.remedy = problem.remedy ?? '';
    this.errors = Array.isArray(problem.errors) ? problem.errors : [];
  }
}

/** Keeps the token and tries it; throws what the daemon says to it. */
export async function signIn(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
  await get('jobs?limit=1');
  loginNeeded.value = false;
}

function headers(extra) {
  const token = sessionStorage.getItem(TOKEN_KEY);
  return {
    Accept: 'application/json',
    ...(token && { Authorization: `Bearer ${token}` }),
    ...extra,
  };
}

function noteClock(response) {
  const told = Date.parse(response.headers.get('Date') ?? '');
  if (Number.isNaN(told)) return;
  const skew = told - Date.now();
  // The header has whole seconds: less than two of them are no skew that we could measure.
  clockSkewMs.value = Math.abs(skew) < 2000 ? 0 : skew;
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { title: `The daemon answered ${response.status} ${response.statusText}` };
  }
}

async function send(path, init) {
  let response;
  try {
    response = await fetch(new URL(path, BASE), { cache: 'no-store', ...init });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, {
      title: 'The daemon does not answer.',
      code: 'unreachable',
      remedy: 'Check that it runs (bizond serve, or systemctl status bizond).',
    });
  }
  noteClock(response);
  if (response.status === 401) loginNeeded.value = true;
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return response;
}

export async function get(path, { signal: abort } = {}) {
  return (await send(path, { headers: headers(), signal: abort })).json();
}

/** Sends a body even where there is nothing to say: the daemon takes JSON only, against CSRF. */
export async function post(path, body = {}, extra = {}) {
  const response = await send(path, {
    method: 'POST',
    headers: headers({ 'Content-Type': 'application/json', ...extra }),
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** An open event stream; EventSource could not send the token. */
export function openStream(lastEventId, abort) {
  const extra = {
    Accept: 'text/event-stream',
    ...(lastEventId && { 'Last-Event-ID': lastEventId }),
  };
  return send('events', { headers: headers(extra), signal: abort });
}

/** Every page of a list. */
export async function getAll(path) {
  const items = [];
  let cursor = null;
  do {
    const page = await get(withQuery(path, { limit: PAGE_LIMIT, cursor }));
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== null && value !== undefined) query.set(key, value);
  }
  return `${path}?${query}`;
}

export const jobPath = (name, rest = '') => `jobs/${encodeURIComponent(name)}${rest}`;
export const runPath = (id, rest = '') => `runs/${encodeURIComponent(id)}${rest}`;

/** A key that makes a repeated trigger the same trigger; works without a secure context too. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
