"""A disk that fills up with a thousand jobs due: the daemon answers, claims stop, and all goes on by itself."""
import json
import os
import sqlite3
import time
import urllib.error
import urllib.request

from daemon import Daemon
from foreground import rng_of
from places import file_rows, state_leftovers
from places_made import NotHere, tmpfs

JOBS = 1000
ROWS = 40
SIZE = "256m"
LEFT = 3 << 20  # When the jobs come due: less than half of them fit.
JOB = """name: due {number}
source: {{name: dummy, stream: creatures, sync_mode: full_refresh, rows: {rows}, authentication: {{type: api_key, params: {{token: dummy_key}}}}}}
destination: {{name: file, config: {{destination_id: out/{number}.json}}}}
schedule: {{at: "{at}", catch_up: last}}
retry: {{max_attempts: 1000, initial_backoff: 200ms, max_backoff: 1s}}
"""


def fill(path, left):
    """Leaves so many bytes."""
    disk = os.statvfs(path.parent)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - left)


def alive(daemon):
    with urllib.request.urlopen("http://127.0.0.1:%d/healthz" % daemon.port, timeout=5) as answer:
        return answer.status == 200


def ready(daemon):
    try:
        return bool(daemon.ask("/readyz"))
    except urllib.error.HTTPError:
        return False


def runs(daemon, state):
    """By id: what the store says, read as any reader may."""
    path = daemon.folder / "state" / "bizond.db"
    with sqlite3.connect("file:%s?mode=rw" % path, uri=True, timeout=5) as db:
        return dict(db.execute("SELECT id, phase FROM runs WHERE phase = ?", (state,)))


def count_done(daemon):
    return len(runs(daemon, 2))


def go(binary, work, seed, report, jobs):
    folder = work / "full"
    try:
        with tmpfs(folder, SIZE):
            full_disk(binary, folder, rng_of(seed, "disk"), report, jobs)
    except NotHere as why:
        report.skip("the full disk", why)


def wait_for(what, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.1)
    return False


def full_disk(binary, folder, rng, report, jobs):
    daemon = Daemon(binary, folder, rng, [], "", 0)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    for number in range(jobs):
        (folder / "jobs" / ("%d.yml" % number)).write_text(JOB.format(number=number, rows=ROWS, at=at))
    daemon.start()
    daemon.await_ready()
    filler = folder / "filler"
    fill(filler, LEFT)
    began = time.monotonic()
    if not wait_for(lambda: not ready(daemon), 30):
        report.finding("disk", "/readyz is well on a full disk")
    # What a claim may still have begun has ended by now.
    time.sleep(1)
    before = count_done(daemon)
    if before == jobs:
        report.finding("disk", "it never was full")
    time.sleep(3)
    if count_done(daemon) != before:
        report.finding("disk", "runs are claimed and done on a full disk")
    if not alive(daemon):
        report.finding("disk", "/healthz does not answer")
    if daemon.process.poll() is not None:
        report.finding("disk", "the daemon died: " + (folder / "log").read_text()[-2000:])
        return
    full_for = time.monotonic() - began
    filler.unlink()
    freed = time.monotonic()
    if not wait_for(lambda: count_done(daemon) > before, 20):
        report.finding("disk", "nothing goes on when there is room: " + (folder / "log").read_text()[-2000:])
    went_on = time.monotonic() - freed
    if not wait_for(lambda: count_done(daemon) == jobs, 90):
        report.finding("disk", "not every job came to a success: " + json.dumps(runs(daemon, 1))[:500])
    check_done(daemon, folder, jobs, report)
    code = daemon.stop()
    if code != 0:
        report.finding("disk", "SIGTERM ended it with %s" % code)
    found = state_leftovers(folder / "state")
    if found:
        report.leftover("disk", found)
    report.note("%d jobs on a disk that was full for %.1f s: on their way again after %.1f s" % (jobs, full_for, went_on))


def check_done(daemon, folder, jobs, report):
    short = [n for n in range(jobs) if len(file_rows(folder / "data" / "out" / ("%d.json" % n))
                                           or file_rows(folder / "out" / ("%d.json" % n))) != ROWS]
    if short:
        report.finding("disk", "%d jobs are said to be done, and their rows are not there: %s" % (len(short), short[:5]))
