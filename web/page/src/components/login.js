// Asks for the operator's token when the daemon wants one. It is kept for this tab's life only.
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../html.js';
import { signIn } from '../api.js';

export function Login() {
  const field = useRef(null);
  const [message, setMessage] = useState('');
  useEffect(() => field.current?.focus(), []);
  const submit = async (event) => {
    event.preventDefault();
    const token = field.current.value.trim();
    if (!token) return;
    setMessage('');
    try {
      await signIn(token);
    } catch (error) {
      setMessage(error.status === 401 ? 'The daemon refused this token.' : error.message);
    }
  };
  return html`<main class="login" id="main">
    <form class="card" onSubmit=${submit}>
      <h1>Sign in</h1>
      <p class="quiet">This daemon wants a token. Its operator gave one to${' '}
        <code>bizond serve</code>; it is kept in this tab only.</p>
      <label for="token">Token</label>
      <input id="token" ref=${field} type="password" autocomplete="current-password" required
        aria-describedby="token-message" aria-invalid=${message ? 'true' : 'false'} />
      <p id="token-message" class="field-error" role="alert">${message}</p>
      <button type="submit" class="primary">Sign in</button>
    </form>
  </main>`;
}
