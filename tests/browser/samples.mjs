// Sample jobs and runs in every state that the page must show.

/** Runs where a page builds markup from strings; harmless in a text node. No slash: it is a name. */
export const HOSTILE = '<img src=x onerror=window.hacked=1>';

// A fixed sequence, so that two screenshots of the same page are the same picture.
let seed = 7;
function random() {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
}

const now = Date.now();
const time = (secondsAgo) => new Date(now - secondsAgo * 1000).toISOString();
let serial = 0;
const newId = () => `0193${String((serial += 1)).padStart(4, '0')}-7a10-7c31-9f00-6b1c2d3e4f50`;

function makeRun(job, state, secondsAgo, { ms, rows, more = {} }) {
  const done = state !== 'running' && state !== 'queued';
  const counters = {
    rows_read: rows,
    rows_written: rows,
    rows_rejected: 0,
    rows_deduplicated: Math.round(rows / 50),
    rows_filtered: 0,
  };
  const before = { cursor: time(secondsAgo + 400), cursor_type: 'timestamp' };
  return {
    id: newId(),
    job: job.name,
    job_version: job.version,
    trigger: 'schedule',
    state,
    attempt: 1,
    nominal_at: time(secondsAgo + 0.2),
    queued_at: time(secondsAgo + 0.1),
    started_at: state === 'queued' ? null : time(secondsAgo),
    finished_at: done ? time(secondsAgo - ms / 1000) : null,
    stage: state === 'succeeded' ? 'record' : 'read',
    ...counters,
    bytes_written: rows * 250,
    published: state === 'succeeded',
    error: null,
    warnings: [],
    attempts: [],
    streams: job.source.streams.map((stream) => ({
      stream,
      state,
      ...counters,
      watermark_before: before,
      watermark_after:
        state === 'succeeded' ? { cursor: time(secondsAgo), cursor_type: 'timestamp' } : null,
      error: null,
    })),
    ...more,
  };
}

export function makeJob(
  name,
  {
    health = 'ok',
    every = 300,
    rows = 1200,
    ms = 900,
    source = 'file',
    streams = ['events'],
    mode = 'incremental',
    destination = 'sqlite',
    tags = [],
    schedule = { cron: '*/5 * * * *', timezone: 'Europe/Paris' },
    runs = 30,
    managed_by = 'api',
  } = {},
) {
  const job = {
    name,
    tags,
    version: 3,
    etag: '"3"',
    managed_by,
    paused: health === 'paused',
    source: { name: source, streams, sync_mode: mode },
    destination: {
      name: destination,
      alias: destination === 'sqlite' ? 'warehouse' : null,
      destination_id: streams[0],
    },
    schedule,
    next_at: schedule && health !== 'paused' ? time(-Math.round(every * random()) - 3) : null,
    health,
    warnings: [],
    last_success_at: null,
  };
  job.runs = Array.from({ length: runs }, (_, index) =>
    makeRun(job, 'succeeded', 40 + index * every + Math.round(random() * 20), {
      ms: Math.round(ms * (0.5 + random() * random() * 2)),
      rows: Math.round(rows * random() * 2),
    }),
  );
  job.last_success_at = job.runs[0]?.finished_at ?? null;
  job.definition = {
    name,
    tags,
    source: {
      name: source,
      streams,
      sync_mode: mode,
      cursor_field: 'updated_at',
      path: `${streams[0]}.jsonl`,
    },
    destination: {
      name: destination,
      alias: 'warehouse',
      config: { path: 'warehouse.db', destination_id: streams[0], write: 'append' },
    },
    ...(schedule && { schedule }),
    retry: { max_attempts: 5, initial_backoff: '1s' },
    timeout: '1h',
  };
  job.state = streams.map((stream) => ({
    stream,
    watermark: { cursor: time(40), cursor_type: 'timestamp' },
    position: null,
    checkpoint: null,
    updated_at: time(40),
  }));
  job.fires = job.runs
    .slice(0, 12)
    .map((run, index) => ({
      nominal_at: run.nominal_at,
      until: null,
      run_id: index === 3 ? null : run.id,
      run_state: index === 3 ? null : run.state,
      state: index === 3 ? 'skipped' : 'ran',
      reason: index === 3 ? 'overlap' : null,
      why: index === 3 ? 'an earlier run of the job was not done' : null,
      remedy: index === 3 ? 'let it fire less often' : null,
    }));
  return job;
}

function fail(job, count, error) {
  for (let index = 0; index < count; index += 1) {
    const attempts = [1, 2, 3].map((number) => ({
      number,
      started_at: time(60 - number * 8 + index * 300),
      finished_at: time(58 - number * 8 + index * 300),
      error,
    }));
    Object.assign(job.runs[index], {
      state: 'failed',
      stage: 'read',
      published: false,
      error,
      attempt: 3,
      attempts,
    });
    for (const stream of job.runs[index].streams)
      Object.assign(stream, { state: 'failed', watermark_after: null, error });
  }
  job.last_success_at = job.runs[count].finished_at;
  return job;
}

const MISSING = {
  code: 'file_not_found',
  kind: 'permanent',
  message: 'The source file “flights.jsonl” does not exist in /var/lib/bizond/data.',
  remedy: 'Create it, or change source.path of the job:\n  bizond jobs show flights-hourly',
};
const HUNG = {
  code: 'destination_unavailable',
  kind: 'transient',
  message: `The destination did not answer within 30 s. ${HOSTILE}`,
  remedy: 'Check that it is up, then: bizond check job.yml',
};

const QUOTA = {
  code: 'bigquery_quota_near',
  message: `BigQuery takes 1500 changes of a table a day, and p.d.countries has had 1231. ${HOSTILE}`,
  remedy: 'let the job run less often, or raise `buffer_size`',
};

// The last run of a job with several streams warned of two of them.
function warn(job) {
  job.warnings = job.source.streams.slice(0, 2).map((stream) => ({ ...QUOTA, stream }));
  job.runs[0].warnings = job.warnings;
  return job;
}

// A daemon that was down: one row for all that was missed, the newest.
function missed(job) {
  job.fires.unshift({
    nominal_at: time(7200),
    until: time(60),
    run_id: null,
    run_state: null,
    state: 'missed',
    reason: 'downtime',
    why: 'the daemon was not running, and catch_up does not make up for this fire',
    remedy: 'set catch_up: all or {within: D} where each fire counts',
  });
  return job;
}

/** Five weeks of a day with 23 and one with 25 hours, a gap of the ledger and a fire a second. */
export function sampleCalendar(job, from) {
  const monday = new Date(now - ((new Date(now).getUTCDay() + 6) % 7) * 86_400_000);
  const first = from ? Date.parse(`${from}T00:00:00Z`) : monday.getTime() - 21 * 86_400_000;
  const date = (at) => new Date(at).toISOString().slice(0, 10);
  const today = date(now);
  const days = Array.from({ length: 35 }, (_, index) => {
    const day = date(first + index * 86_400_000);
    const past = day <= today;
    return {
      date: day,
      starts_at: `${day}T00:00:00.000Z`,
      hours: { 6: 23, 13: 25 }[index] ?? 24,
      ran: past ? (index === 2 ? 5000 : 288 - index) : 0,
      failed: past && index % 5 === 1 ? 2 : 0,
      skipped: past && index % 6 === 3 ? 7 : 0,
      missed: index === 8 ? 1 : 0,
      missed_in_a_row: index === 8 || index === 9,
      waiting: day === today ? 1 : 0,
      planned: day >= today ? 288 : 0,
      more: index === 2,
      gap: index === 6,
      fold: index === 13,
    };
  });
  return { job: job.name, timezone: 'Europe/Paris', today, paused: job.paused, days };
}

function running(job) {
  job.runs.unshift(makeRun(job, 'running', 95, { ms: 0, rows: 412_000 }));
  job.state[0].checkpoint = { iteration: 412, position: 103_000_000 };
  return job;
}

export function sampleJobs(more) {
  const jobs = [
    makeJob('airports', { schedule: { every: '90s' }, rows: 40, ms: 60 }),
    makeJob('flights', { tags: ['aviation'], rows: 5400 }),
    fail(
      makeJob('flights-hourly', {
        health: 'failing',
        tags: ['aviation'],
        schedule: { cron: '5 * * * *' },
        every: 3600,
      }),
      2,
      MISSING,
    ),
    warn(makeJob('iso-codes', {
      mode: 'full_refresh',
      destination: 'file',
      streams: ['countries', 'languages', 'currencies'],
      schedule: { cron: '0 6 * * *', timezone: 'Europe/Paris' },
      every: 86_400,
      ms: 4200,
    })),
    running(
      makeJob('orders', {
        health: 'running',
        rows: 380_000,
        ms: 240_000,
        managed_by: 'file',
        tags: ['sales', 'nightly'],
      }),
    ),
    fail(makeJob('payments', { health: 'failing', destination: 'logger', rows: 90 }), 5, HUNG),
    makeJob('sensor-readings', {
      health: 'late',
      rows: 22_000,
      ms: 12_000,
      schedule: { every: '1m' },
      every: 60,
    }),
    missed(makeJob('old-ledger', { health: 'paused', rows: 3000 })),
    makeJob('reference data', {
      health: 'never_run',
      runs: 0,
      schedule: null,
      mode: 'full_refresh',
    }),
    makeJob(
      'a job with a rather long name that somebody typed in a hurry, with spaces and no end',
      { rows: 12 },
    ),
    makeJob('audit_trail_0123456789_0123456789_0123456789_0123456789_0123456789', {
      rows: 1,
      mode: 'stream',
      schedule: null,
    }),
    makeJob(HOSTILE, { tags: [HOSTILE], streams: [HOSTILE], rows: 7 }),
  ];
  Object.assign(jobs[1].runs[4], { state: 'partial' });
  Object.assign(jobs[1].runs[9], { state: 'cancelled' });
  Object.assign(jobs[0].runs[0], { rows_written: 0, rows_read: 0 });
  for (let index = 0; index < more; index += 1) jobs.push(makeJob(`load-${index}`, {}));
  return jobs;
}

export function sampleLogs(run) {
  const start = Date.parse(run.started_at ?? run.queued_at);
  const line = (seq, level, message, fields = {}) => ({
    seq,
    at: new Date(start + seq * 7).toISOString(),
    level,
    message,
    fields,
  });
  const lines = [
    line(1, 'info', 'run started', { attempt: run.attempt }),
    line(2, 'info', 'source opened', { source: 'file' }),
    line(3, 'debug', 'cursor resolved', {
      cursor: run.streams[0]?.watermark_before?.cursor ?? null,
    }),
  ];
  for (let seq = 4; seq < 40; seq += 1)
    lines.push(line(seq, 'info', 'checkpoint committed', { iteration: seq - 3, rows: 1000 }));
  lines.push(
    line(40, 'warn', 'slow write', { ms: 812 }),
    line(41, 'info', HOSTILE, { field: HOSTILE }),
  );
  if (run.error) lines.push(line(42, 'error', run.error.message, { code: run.error.code }));
  return lines;
}
