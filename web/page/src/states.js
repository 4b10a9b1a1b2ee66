// The words, icons and tones of every state, in one place. A state is always shown as a word with
// an icon; the tone (a colour) only repeats it.

export const HEALTH = {
  failing: { word: 'Failing', icon: 'cross', tone: 'bad', about: 'The last run did not succeed' },
  held: {
    word: 'Held',
    icon: 'hand',
    tone: 'warn',
    about: 'A check holds a run back until someone approves or cancels it',
  },
  late: {
    word: 'Late',
    icon: 'clock',
    tone: 'warn',
    about: 'A fire is overdue or the data is old',
  },
  running: { word: 'Running', icon: 'arrows', tone: 'info', about: 'A run is under way' },
  ok: { word: 'OK', icon: 'check', tone: 'good', about: 'The last run succeeded' },
  never_run: { word: 'New', icon: 'dot', tone: 'quiet', about: 'It has not run yet' },
  paused: { word: 'Paused', icon: 'pause', tone: 'quiet', about: 'Its schedule is switched off' },
};

export const RUN = {
  queued: { word: 'Queued', icon: 'clock', tone: 'quiet' },
  running: { word: 'Running', icon: 'arrows', tone: 'info' },
  succeeded: { word: 'Succeeded', icon: 'check', tone: 'good' },
  failed: { word: 'Failed', icon: 'cross', tone: 'bad' },
  partial: { word: 'Partial', icon: 'half', tone: 'warn' },
  held: { word: 'Held', icon: 'hand', tone: 'warn' },
  cancelled: { word: 'Cancelled', icon: 'stop', tone: 'quiet' },
};

export const UNKNOWN = { word: 'Unknown', icon: 'dot', tone: 'quiet' };

export const FINISHED = new Set(['succeeded', 'failed', 'partial', 'cancelled']);
export const RETRYABLE = new Set(['failed', 'partial', 'cancelled']);
export const CANCELLABLE = new Set(['queued', 'running', 'held']);

export const STAGES = [
  { name: 'open', about: 'Connect to both sides' },
  { name: 'read', about: 'Read, transform, stage' },
  { name: 'verify', about: 'Check what was staged' },
  { name: 'publish', about: 'Make it visible at once' },
  { name: 'record', about: 'Keep the cursor' },
];

export const TRIGGERS = {
  schedule: 'by schedule',
  api: 'by request',
  cli: 'from a terminal',
  backfill: 'as a backfill',
  after: 'after another job',
  file: 'by a file',
};

export const ERROR_KINDS = {
  transient: 'Transient: the same run may succeed when tried again.',
  permanent: 'Permanent: trying again changes nothing until the cause is mended.',
  config: 'Configuration: the definition or what it refers to needs a change.',
  stopped: 'Stopped: someone or the shutdown of the daemon ended it.',
};

const BAD_RUNS = new Set(['failed', 'partial', 'held']);

/** What needs a look comes first; a failing job that is tried again keeps its place meanwhile. */
export function attention(job) {
  if (job.health === 'failing' || job.health === 'held') return 0;
  if (job.health === 'late') return 1;
  if (job.health === 'running') {
    const finished = (job.recent_runs ?? []).find(
      (run) => run.state !== 'running' && run.state !== 'queued',
    );
    if (finished && BAD_RUNS.has(finished.state)) return 0;
  }
  return 2;
}

/** Whether the data is safe, in one sentence: what every failed run must say. */
export function safety(run, syncMode) {
  if (syncMode === 'stream') {
    return (
      'What was committed up to the last checkpoint is in the destination; the job goes on from there ' +
      'when it is resumed or started again.'
    );
  }
  if (run.state === 'partial') {
    return 'Streams that succeeded are published. The others are as they were before this run.';
  }
  if (run.state === 'held') {
    return 'What was read is staged and not published. The destination is as it was before this run.';
  }
  if (run.published) {
    return 'The data of this run is published. Nothing of it will be published a second time.';
  }
  return (
    'Nothing of this run was published. The destination is as the last published run left it, ' +
    'and no cursor moved.'
  );
}
