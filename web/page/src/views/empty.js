// What a new daemon shows instead of an empty table: how the first job goes in.
import { Copyable } from '../components/copyable.js';
import { html } from '../html.js';

function firstJob() {
  const url = new URL('api/v1/jobs', document.baseURI).href;
  return `curl -X POST ${url} \\
  -H 'Content-Type: application/yaml' --data-binary @- <<'EOF'
name: hello
source:
  name: dummy
  stream: creatures
destination:
  name: file
  config:
    destination_id: creatures
schedule:
  every: 60s
EOF`;
}

export function Empty() {
  return html`<section class="card empty" aria-labelledby="empty-title">
    <h2 id="empty-title">No jobs yet</h2>
    <p>A job says what to read, where to write it, and when. Submit one and it appears here at once,
      with its runs as they happen:</p>
    <${Copyable} text=${firstJob()} label="Command that submits a first job" />
    <p class="quiet">This one writes five made-up records to <code>creatures.json</code> in the daemon's data
      folder every minute, and needs no
      network or account. A YAML file put into the folder of <code>--jobs-dir</code> does the same, and${' '}
      <code>bizond run job.yml</code> runs one without a daemon. <code>bizond source list</code> and${' '}
      <code>bizond destination list</code> tell what can be connected.</p>
  </section>`;
}
