"""SIGTERM and SIGSTOP at random moments, and an input that is much larger than the memory allowed."""
import os
import resource
import shutil
import signal
import subprocess
import time

from foreground import Cell, Foreground, rng_of

CELLS = [Cell("file", "cursor"), Cell("file", "full_refresh"), Cell("sqlite", "merge"), Cell("sqlite", "position")]
MEMORY = 128 << 20


class Stopped(Foreground):
    def stop(self, seconds):
        process = self.start()
        time.sleep(seconds)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        code, said = self.end(process)
        # -SIGTERM: it came before main had asked for signals; nothing was begun.
        if code not in (0, 130, -signal.SIGTERM):
            self.report.finding(self, "SIGTERM ended it with %s: %s" % (code, said))

    def pause(self, seconds, length):
        process = self.start()
        time.sleep(seconds)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(length)
            os.kill(process.pid, signal.SIGCONT)
        code, said = self.end(process)
        if code != 0:
            self.report.finding(self, "SIGSTOP for %s s: it ended with %s: %s" % (length, code, said))


def go(binary, work, seed, report, tries, pause):
    for cell in CELLS:
        cell.START, cell.GROWTH = 6000, 2000
        rng = rng_of(seed, "stops/" + cell.name)
        stopped = Stopped(binary, cell, work, rng, report)
        healthy = stopped.finish()
        for number in range(tries):
            stopped.grow()
            stopped.stop(rng.random() * healthy)
            if number == 0:
                stopped.pause(rng.random() * healthy, pause)
            stopped.finish()
        shutil.rmtree(stopped.folder, ignore_errors=True)
    report.note("SIGTERM %d times, SIGSTOP for %s s" % (tries * len(CELLS), pause))


def little_memory(binary, work, report, megabytes):
    """Of data 128 MB are allowed; the rows come out, each once."""
    folder = work / "memory"
    folder.mkdir()
    line = b'{"id":%d,"pad":"' + b"x" * 1000 + b'"}\n'
    rows = (megabytes << 20) // len(line)
    with (folder / "rows.jsonl").open("wb") as file:
        for number in range(rows):
            file.write(line % number)
    job = Cell("file", "full_refresh").job(folder, None).replace("    buffer_size: 0\n", "")
    (folder / "out").mkdir()
    (folder / "job.yml").write_text(job)
    done = subprocess.run(
        [binary, "run", "job.yml", "--state-dir", "state", "--log-level", "error"], cwd=folder, capture_output=True,
        text=True, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)))
    if done.returncode != 0:
        report.finding("memory", "%d MB with 128 MB of memory ended with %s: %s"
                       % (megabytes, done.returncode, done.stderr[-500:]))
        return
    with (folder / "out" / "rows.json").open("rb") as file:
        have = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    if have != rows:
        report.finding("memory", "%d rows of %d" % (have, rows))
    report.note("%d MB were read with 128 MB of memory" % megabytes)
    shutil.rmtree(folder, ignore_errors=True)
