// A daemon of the test's own: a folder of its own, a free port, ended with the test.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const READY_MS_MAX = 10_000;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function isReady(url) {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Starts it and waits until it is ready. */
export async function startDaemon(binary) {
  const folder = mkdtempSync(join(tmpdir(), 'bizond-page-'));
  const url = `http://127.0.0.1:${await freePort()}`;
  const daemon = spawn(
    binary,
    ['serve', '--state-dir', folder, '--listen', url.slice('http://'.length)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  const stop = async () => {
    daemon.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const until = Date.now() + READY_MS_MAX;
  while (!(await isReady(url))) {
    if (daemon.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`${binary} serve is not ready after ${READY_MS_MAX / 1000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, stop };
}
