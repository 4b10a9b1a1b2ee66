// A daemon's web side made of samples: every health, every state of a run, hostile names. The page
// is tested against it where a real daemon would need hours to get into those states. It serves the
// page with the same content policy as the daemon.
import { createServer } from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HOSTILE, makeJob, sampleCalendar, sampleJobs, sampleLogs } from './samples.mjs';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../../web/page/dist');
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};
const PROGRESS_MS = 300;
const RUN_MS = 2500;

function pageFiles() {
  const files = new Map();
  const add = (path) => files.set(`/${path}`, readFileSync(join(DIST, `${path}.gz`)));
  add('index.html');
  for (const name of readdirSync(join(DIST, 'assets'))) add(`assets/${name.replace(/\.gz$/, '')}`);
  files.set('/', files.get('/index.html'));
  return files;
}

class Fake {
  constructor({ jobs, token }) {
    this.jobs = new Map(jobs.map((job) => [job.name, job]));
    this.runs = new Map(jobs.flatMap((job) => job.runs.map((run) => [run.id, run])));
    this.token = token;
    this.clients = new Set();
    this.lastEvent = 0;
    this.files = pageFiles();
    this.server = createServer((request, response) => this.answer(request, response));
  }

  send(type, data) {
    this.lastEvent += 1;
    for (const client of this.clients)
      client.write(`id: ${this.lastEvent}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Cuts every event stream, as a restart of the daemon does. */
  dropStreams() {
    for (const client of this.clients) client.destroy();
  }

  progress() {
    for (const run of this.runs.values()) {
      if (run.state !== 'running') continue;
      run.rows_read += 4321;
      run.rows_written += 4321;
      run.bytes_written += 1_080_250;
      this.send('progress', {
        run_id: run.id,
        job: run.job,
        stage: run.stage,
        rows_read: run.rows_read,
        rows_written: run.rows_written,
        bytes_written: run.bytes_written,
        at: new Date().toISOString(),
      });
    }
  }

  view(job, whole) {
    const { runs, definition, ...rest } = job;
    const recent = runs
      .slice(0, 30)
      .map(({ id, state, started_at, finished_at, rows_written }) => ({
        id,
        state,
        started_at,
        finished_at,
        rows_written,
        duration_ms: finished_at ? Date.parse(finished_at) - Date.parse(started_at) : null,
      }));
    return {
      ...rest,
      last_run: runs[0] ?? null,
      recent_runs: recent,
      ...(whole && { definition }),
    };
  }

  page(items, query) {
    const from = Number(query.get('cursor') ?? 0);
    const limit = Number(query.get('limit') ?? 50);
    return {
      items: items.slice(from, from + limit),
      next_cursor: from + limit < items.length ? String(from + limit) : null,
    };
  }

  answer(request, response) {
    const url = new URL(request.url, 'http://localhost');
    const reply = (status, body) => {
      response.writeHead(status, {
        'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
      });
      response.end(JSON.stringify(body));
    };
    if (!url.pathname.startsWith('/api/v1/')) return this.file(url.pathname, response);
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
      return reply(401, {
        title: 'A token is needed',
        status: 401,
        code: 'unauthorized',
        remedy: 'Send it.',
      });
    }
    const parts = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    if (parts[0] === 'events') return this.events(request, response);
    const missing = () =>
      reply(404, {
        title: 'There is none of this name',
        status: 404,
        code: 'not_found',
        remedy: 'List them with bizond jobs list.',
      });
    if (parts[0] === 'jobs')
      return this.job(request, parts.slice(1), url.searchParams, reply, missing);
    if (parts[0] === 'runs')
      return this.run(request, parts.slice(1), url.searchParams, reply, missing);
    return missing();
  }

  file(path, response) {
    const content = this.files.get(path);
    response.writeHead(
      content ? 200 : 404,
      content && {
        'Content-Type': TYPES[path === '/' ? 'html' : path.split('.').pop()],
        'Content-Encoding': 'gzip',
        'Content-Security-Policy': POLICY,
        'X-Content-Type-Options': 'nosniff',
      },
    );
    response.end(content ?? '');
  }

  events(request, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(': hello\n\n');
    this.clients.add(response);
    response.on('close', () => this.clients.delete(response));
  }

  job(request, [name, what], query, reply, missing) {
    if (name === undefined && request.method === 'POST') return this.create(request, reply);
    if (name === undefined)
      return reply(
        200,
        this.page(
          [...this.jobs.values()].map((job) => this.view(job)),
          query,
        ),
      );
    const job = this.jobs.get(name);
    if (!job) return missing();
    if (request.method === 'DELETE') return reply(200, { deleted: this.jobs.delete(name) });
    const changed = () => (this.send('job', { name, change: what }), this.view(job, true));
    if (what === undefined) return reply(200, this.view(job, true));
    if (what === 'runs' && request.method === 'POST') return reply(202, this.start(job));
    if (what === 'runs') return reply(200, this.page(job.runs, query));
    if (what === 'state') return reply(200, { streams: job.state ?? [] });
    if (what === 'occurrences') {
      const states = query.get('state')?.split(',');
      const fires = (job.fires ?? []).filter((fire) => !states || states.includes(fire.state));
      return reply(200, this.page(fires, query));
    }
    if (what === 'calendar') return reply(200, sampleCalendar(job, query.get('from')));
    if (what === 'reset') return reply(200, changed());
    job.paused = what === 'pause';
    job.health = job.paused ? 'paused' : 'ok';
    return reply(200, changed());
  }

  async create(request, reply) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const { name, tags, source, destination } = JSON.parse(Buffer.concat(pieces));
    const job = makeJob(name, {
      tags,
      source: source.name,
      streams: [source.stream],
      destination: destination.name,
      schedule: null,
      runs: 0,
      health: 'never_run',
    });
    this.jobs.set(name, job);
    this.send('job', { name, change: 'created' });
    return reply(201, this.view(job, true));
  }

  run(request, [id, what], query, reply, missing) {
    if (id === undefined) {
      const all = [...this.runs.values()].sort((a, b) => b.queued_at.localeCompare(a.queued_at));
      return reply(
        200,
        this.page(
          all.filter((run) => !query.get('state') || run.state === query.get('state')),
          query,
        ),
      );
    }
    const run = this.runs.get(id);
    if (!run) return missing();
    if (what === 'logs') {
      const lines = sampleLogs(run).filter((line) => line.seq > Number(query.get('after') ?? 0));
      return reply(200, { items: lines, next_cursor: null });
    }
    if (what === 'cancel') {
      Object.assign(run, { state: 'cancelled', finished_at: new Date().toISOString() });
      this.send('run', run);
    }
    if (what === 'retry')
      return reply(409, {
        title: 'A later run has published',
        status: 409,
        code: 'run_superseded',
        remedy: 'Trigger a new run instead.',
      });
    return reply(200, run);
  }

  start(job) {
    const at = new Date().toISOString();
    const run = {
      ...job.runs[0],
      id: `new-${this.runs.size}`,
      job: job.name,
      job_version: 1,
      trigger: 'api',
      state: 'running',
      attempt: 1,
      queued_at: at,
      started_at: at,
      finished_at: null,
      stage: 'read',
      rows_read: 0,
      rows_written: 0,
      rows_rejected: 0,
      rows_deduplicated: 0,
      rows_filtered: 0,
      bytes_written: 0,
      published: false,
      error: null,
      streams: [],
      attempts: [],
    };
    job.runs.unshift(run);
    this.runs.set(run.id, run);
    job.health = 'running';
    this.send('run', run);
    setTimeout(() => {
      if (run.state !== 'running') return;
      Object.assign(run, {
        state: 'succeeded',
        stage: 'record',
        published: true,
        finished_at: new Date().toISOString(),
      });
      job.health = 'ok';
      this.send('run', run);
    }, RUN_MS).unref();
    return run;
  }
}

/** Starts it on a free port (or `port`); `jobs` is how many it has beyond the sample ones. */
export async function startFake({ jobs = 0, empty = false, token = null, port = 0 } = {}) {
  const fake = new Fake({ jobs: empty ? [] : sampleJobs(jobs), token });
  await new Promise((resolve) => fake.server.listen(port, '127.0.0.1', resolve));
  const timer = setInterval(() => fake.progress(), PROGRESS_MS);
  return {
    url: `http://127.0.0.1:${fake.server.address().port}`,
    hostile: HOSTILE,
    dropStreams: () => fake.dropStreams(),
    stop: () =>
      new Promise((resolve) => {
        clearInterval(timer);
        fake.server.closeAllConnections();
        fake.server.close(resolve);
      }),
  };
}
