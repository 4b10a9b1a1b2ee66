// The five stages of a run as a line of steps. The API says which stage a run is in; the ones
// before it are done. No percentage: nobody knows how much a source still holds.
import { html } from '../html.js';
import { FINISHED, STAGES } from '../states.js';
import { Icon } from './icon.js';

const WORDS = { done: 'done', now: 'under way', failed: 'stopped here', ahead: 'not reached' };
const ICONS = { done: 'check', now: 'arrows', failed: 'cross', ahead: 'dot' };

function stepState(run, index) {
  if (run.state === 'succeeded') return 'done';
  const current = STAGES.findIndex((stage) => stage.name === run.stage);
  if (index < current) return 'done';
  if (index > current) return 'ahead';
  if (run.state === 'queued') return 'ahead';
  return FINISHED.has(run.state) || run.state === 'held' ? 'failed' : 'now';
}

export function Stages({ run }) {
  return html`<ol class="stages" aria-label="Stages">
    ${STAGES.map((stage, index) => {
      const state = stepState(run, index);
      return html`<li key=${stage.name} class=${`stage-${state}`} title=${stage.about}
        aria-current=${state === 'now' ? 'step' : null}>
        <${Icon} name=${ICONS[state]} spin=${state === 'now'} />
        <span class="stage-name">${stage.name}</span>
        <span class="stage-state">${WORDS[state]}</span></li>`;
    })}
  </ol>`;
}
