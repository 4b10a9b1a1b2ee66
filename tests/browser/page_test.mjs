// Drives the page in Debian's Chromium.
//
//   node page_test.mjs URL [--screenshots DIR]   against a running daemon: submits a job of its own
//                                                 with a hostile name, runs it, deletes it again
//   node page_test.mjs --binary BIZOND           the same against one that it starts itself
//   node page_test.mjs [--screenshots DIR]       against the samples of fake_api.mjs
//
// BIZOND_TOKEN is used where the daemon wants one. Prints one line for each check; exits 1 when one
// failed.
import { checkDaemon } from './daemon_checks.mjs';
import { withBrowser } from './browser.mjs';
import { startDaemon } from './daemon.mjs';
import { checkSamples } from './sample_checks.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--screenshots');
const folder = at < 0 ? null : args.splice(at, 2)[1];
const binaryAt = args.indexOf('--binary');
const binary = binaryAt < 0 ? null : args.splice(binaryAt, 2)[1];
if (args.length > 1 || args[0]?.startsWith('-')) {
  console.error('usage: node page_test.mjs [URL | --binary BIZOND] [--screenshots DIR]');
  process.exit(2);
}

let failed = 0;
async function check(name, body) {
  try {
    await body();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(
      `FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll('\n', '\n      ')}`,
    );
  }
}

const daemon = binary ? await startDaemon(binary) : null;
const url = daemon?.url ?? args[0]?.replace(/\/$/, '');
try {
  await withBrowser(folder, (tools) =>
    url ? checkDaemon(url, check, tools) : checkSamples(check, tools),
  );
} finally {
  await daemon?.stop();
}
console.log(failed ? `${failed} failed` : 'all passed');
process.exit(failed ? 1 : 0);
