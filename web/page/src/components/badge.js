// A state as icon and word, in its tone.
import { html } from '../html.js';
import { HEALTH, RUN, UNKNOWN } from '../states.js';
import { Icon } from './icon.js';

function Badge({ state, title }) {
  return html`<span class=${`badge tone-${state.tone}`} title=${title ?? state.about}>
    <${Icon} name=${state.icon} spin=${state.icon === 'arrows'} />${state.word}</span>`;
}

export const HealthBadge = ({ health }) => html`<${Badge} state=${HEALTH[health] ?? UNKNOWN} />`;

export const RunBadge = ({ state }) => html`<${Badge} state=${RUN[state] ?? UNKNOWN} />`;
