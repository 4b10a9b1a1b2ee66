// What several views share: the jobs with their health, and the progress of running jobs. Each
// job is a signal of its own, so that an event redraws one row and not the list.
import { batch, computed, signal } from '@preact/signals';
import { ApiError, get, getAll, jobPath, loginNeeded } from './api.js';
import { listen } from './live.js';
import { FINISHED } from './states.js';

// Events come in bursts; one refetch answers all those of this long.
const GATHER_MS = 200;
// More jobs than this that changed together are fetched as the list.
const SINGLE_FETCHES_MAX = 8;

/** Map of name to a signal of the job; null until the first answer. */
export const jobs = signal(null);
/** Why the list could not be fetched, or null. */
export const jobsError = signal(null);

export const jobList = computed(() => [...(jobs.value?.values() ?? [])].map((job) => job.value));

/** How many jobs have each health. */
export const healthCounts = computed(() => {
  const counts = {};
  for (const job of jobList.value) counts[job.health] = (counts[job.health] ?? 0) + 1;
  return counts;
});

const progressByJob = new Map();

/** Signal of `{run_id, stage, rows_read, rows_written, bytes_written, rate}` or null. */
export function progressOf(name) {
  if (!progressByJob.has(name)) progressByJob.set(name, signal(null));
  return progressByJob.get(name);
}

function put(job) {
  const known = jobs.value?.get(job.name);
  if (known) known.value = job;
  else jobs.value = new Map(jobs.value ?? []).set(job.name, signal(job));
}

function remove(name) {
  if (!jobs.value?.has(name)) return;
  const rest = new Map(jobs.value);
  rest.delete(name);
  jobs.value = rest;
}

export async function loadJobs() {
  try {
    const answer = await getAll('jobs');
    batch(() => {
      const fresh = new Map();
      for (const job of answer) {
        const known = jobs.value?.get(job.name);
        if (known) known.value = job;
        fresh.set(job.name, known ?? signal(job));
      }
      jobs.value = fresh;
      jobsError.value = null;
    });
  } catch (error) {
    jobsError.value = error;
  }
}

async function loadJob(name) {
  try {
    put(await get(jobPath(name)));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) remove(name);
  }
}

const dirty = new Set();
let gathering = false;

/** Fetches a job again soon; its health is the daemon's word, never worked out here. */
export function refreshJob(name) {
  dirty.add(name);
  if (gathering) return;
  gathering = true;
  setTimeout(async () => {
    const names = [...dirty];
    dirty.clear();
    if (names.length > SINGLE_FETCHES_MAX) await loadJobs();
    else await Promise.all(names.map(loadJob));
    gathering = false;
    if (dirty.size) refreshJob([...dirty][0]);
  }, GATHER_MS);
}

function takeProgress(event) {
  const known = progressOf(event.job);
  const before = known.value?.run_id === event.run_id ? known.value : null;
  const seconds = before ? (Date.parse(event.at) - Date.parse(before.at)) / 1000 : 0;
  const rate =
    seconds > 0 ? Math.max(0, event.rows_read - before.rows_read) / seconds : before?.rate;
  // Half of the old value each time: a number that can be read instead of one that flickers.
  const smooth = before?.rate != null && rate != null ? (before.rate + rate) / 2 : (rate ?? null);
  known.value = { ...event, rate: smooth };
}

function takeRun(run) {
  const job = jobs.value?.get(run.job);
  if (job && (!job.value.last_run || run.id >= job.value.last_run.id)) {
    job.value = { ...job.value, last_run: run };
  }
  if (FINISHED.has(run.state)) progressOf(run.job).value = null;
  refreshJob(run.job);
}

const TAKERS = {
  refetch: () => loadJobs(),
  job: (event) => refreshJob(event.name),
  run: takeRun,
  progress: takeProgress,
};

export function startStore() {
  listen((type, data) => TAKERS[type]?.(data));
  loginNeeded.subscribe((needed) => {
    if (!needed) loadJobs();
  });
}
