// What the buttons do. Every action says how it went; a refusal is shown in the daemon's words.
import { get, jobPath, newKey, post, runPath } from './api.js';
import { confirm } from './components/confirm.js';
import { notify, notifyError } from './components/notices.js';
import { goTo, runLink } from './router.js';
import { refreshJob } from './store.js';

const STOPS =
  'It stops at its next checkpoint. What it has not published stays unpublished, and the next ' +
  'run goes on from the same cursor.';
const DROPS =
  'What a check held back is removed and never published. The destination stays as it is, and ' +
  'the next run reads again.';

async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    notifyError(error);
    return null;
  }
}

/** Starts a run; `open` shows it. */
export function trigger(name, { open = false } = {}) {
  return attempt(async () => {
    const run = await post(jobPath(name, '/runs'), {}, { 'Idempotency-Key': newKey() });
    notify(`A run of “${name}” is queued.`, runLink(run.id), 'Show it');
    refreshJob(name);
    if (open) goTo(runLink(run.id));
    return run;
  });
}

export function setPaused(name, paused) {
  return attempt(async () => {
    await post(jobPath(name, paused ? '/pause' : '/resume'));
    notify(paused ? `“${name}” is paused.` : `“${name}” is resumed.`);
    refreshJob(name);
    return true;
  });
}

export async function reset(name) {
  const sure = await confirm({
    title: `Reset “${name}”?`,
    text:
      'The cursor of every stream is forgotten. The next run reads everything from the start and ' +
      'replaces what the job published, in one step at its end; until then the destination stays ' +
      'as it is. This cannot be undone.',
    yes: 'Reset',
    danger: true,
  });
  if (!sure) return null;
  return attempt(async () => {
    await post(jobPath(name, '/reset'));
    notify(`“${name}” starts from the beginning at its next run.`);
    refreshJob(name);
    return true;
  });
}

export async function cancel(run) {
  const held = run.state === 'held';
  const sure = await confirm({
    title: held ? 'Drop what this run has staged?' : 'Cancel this run?',
    text: held ? DROPS : STOPS,
    yes: held ? 'Drop it' : 'Cancel the run',
    no: held ? 'Keep it' : 'Let it run',
    danger: true,
  });
  if (!sure) return null;
  return attempt(async () => {
    await post(runPath(run.id, '/cancel'));
    notify(held ? 'What the run has staged is removed.' : 'The run is asked to stop.');
    return get(runPath(run.id));
  });
}

export async function approve(run) {
  const sure = await confirm({
    title: 'Publish what this run has staged?',
    text:
      'A check holds it back. It is published as it was staged, nothing is read again, and the ' +
      'checks do not look at it a second time.',
    yes: 'Approve',
  });
  if (!sure) return null;
  return attempt(async () => {
    await post(runPath(run.id, '/approve'));
    notify('The run is approved and publishes what it has staged.');
    return get(runPath(run.id));
  });
}

export function retry(run) {
  return attempt(async () => {
    await post(runPath(run.id, '/retry'));
    notify('Another attempt of the run is queued.');
    return get(runPath(run.id));
  });
}
