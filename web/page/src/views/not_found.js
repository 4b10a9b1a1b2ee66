// An address that names nothing.
import { RequestFailure } from '../components/failure.js';
import { html } from '../html.js';

export const NotFound = () => html`<h1 class="sr-only">Not found</h1>
  <${RequestFailure} error=${{ status: 404, message: 'There is no such page.' }} />`;
