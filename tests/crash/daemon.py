"""`bizond serve` with jobs on a schedule over growing sources, killed and started again."""
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request

from foreground import Cell
from places import state_leftovers, target_leftovers
from truth import Source, compare, count_lines, expected

JOBS = [Cell("file", "cursor"), Cell("sqlite", "merge"), Cell("sqlite", "position")]
UPSTREAM, FOLLOWER = JOBS[0], Cell("file", "position")
RETRY = "retry: {initial_backoff: 100ms}\n"
SCHEDULE = "schedule: {every: 1s}\n" + RETRY
AFTER = 'schedule: {after: "crash %s", overlap: buffer_one}\n' % UPSTREAM.name + RETRY
# Runs long enough for a cancel to meet it.
CANCELLED = Cell("sqlite", "full_refresh")
CANCELLED_ROWS = 60_000
START = 1500
GROWTH = 400


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    def __init__(self, binary, folder, rng, jobs, more, rows):
        self.binary, self.folder, self.jobs = binary, folder, jobs
        self.port = free_port()
        self.process = None
        self.sources = {}
        (folder / "jobs").mkdir(parents=True)
        for cell in jobs:
            place = folder / cell.name
            (place / "out").mkdir(parents=True)
            self.sources[cell.name] = Source(place / "rows.jsonl", rng)
            self.sources[cell.name].grow(rows)
            (folder / "jobs" / (cell.name + ".yml")).write_text(
                cell.job(place, self.sources[cell.name]) + (AFTER if cell is FOLLOWER else more))

    def start(self, failpoint=None):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BIZOND_")}
        if failpoint:
            environment["BIZOND_FAILPOINT"] = failpoint
        self.log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--state-dir", str(self.folder / "state"), "--jobs-dir", str(self.folder / "jobs"),
             "--data-dir", str(self.folder), "--listen", "127.0.0.1:%d" % self.port],
            env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
        )

    def dies_within(self, seconds):
        """True once the process is gone by SIGKILL."""
        try:
            return self.process.wait(timeout=seconds) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def stop(self):
        """As an operator does; the exit code."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            return self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()
            return "none within 15 s"

    def ask(self, path, method="GET"):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), method=method)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def await_ready(self):
        for _ in range(200):
            try:
                return self.ask("/readyz")
            except (urllib.error.URLError, OSError):
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise AssertionError("the daemon is not ready: " + (self.folder / "log").read_text()[-2000:])

    def settle(self):
        """Every job is paused, triggered once more and awaited: all that the sources hold is read."""
        for cell in self.jobs:
            name = "/api/v1/jobs/" + urllib.request.quote("crash " + cell.name)
            self.ask(name + "/pause", "POST")
            deadline = time.monotonic() + 60
            run = None
            while time.monotonic() < deadline:
                active = [r for r in self.ask(name + "/runs?limit=5")["items"] if r["state"] in ("queued", "running")]
                if run is None and not active:
                    run = self.ask(name + "/runs", "POST")["id"]
                elif run is not None:
                    state = self.ask("/api/v1/runs/" + run)
                    if state["state"] not in ("queued", "running"):
                        if state["state"] != "succeeded":
                            raise AssertionError("%s: %s" % (cell.name, state))
                        break
                time.sleep(0.05)
            else:
                raise AssertionError("%s did not come to rest" % cell.name)


def check(daemon, report):
    for cell in daemon.jobs:
        place = daemon.folder / cell.name
        lost, doubled, foreign = compare(
            expected(daemon.sources[cell.name], cell.mode), count_lines(cell.rows(place)))
        report.rows("daemon/" + cell.name, lost, doubled, foreign)
        found = target_leftovers(place / "out")
        if found:
            report.leftover("daemon/" + cell.name, found)


def check_followers(daemon, report):
    """Each success of the upstream is one occurrence of the job after it."""
    if FOLLOWER not in daemon.jobs:
        return
    with sqlite3.connect(daemon.folder / "state" / "bizond.db") as db:
        def count(what, cell):
            return db.execute("SELECT count(*) FROM " + what, ("crash " + cell.name,)).fetchone()[0]
        successes = count("runs WHERE phase = 2 AND job = ?", UPSTREAM)
        fires = count("occurrences WHERE job = ?", FOLLOWER)
        runs = count("runs WHERE trigger = 'after' AND job = ?", FOLLOWER)
        fired = count("occurrences WHERE run_id IS NOT NULL AND job = ?", FOLLOWER)
    if successes != fires or runs != fired or not runs:
        report.finding("daemon", "%d successes made %d fires, of which %d have one of %d runs"
                       % (successes, fires, fired, runs))


def end_well(daemon, report):
    daemon.start()
    daemon.await_ready()
    daemon.settle()
    check(daemon, report)
    code = daemon.stop()
    if code != 0:
        report.finding("daemon", "SIGTERM ended it with %s" % code)
    check_followers(daemon, report)
    found = state_leftovers(daemon.folder / "state")
    if found:
        report.leftover("daemon", found)


def cancel_cell(binary, work, rng, report):
    """A run is cancelled, and the daemon dies once the run's staging is removed."""
    daemon = Daemon(binary, work / "cancelled", rng, [CANCELLED], "", CANCELLED_ROWS)
    name = "/api/v1/jobs/" + urllib.request.quote("crash " + CANCELLED.name)
    for _ in range(20):
        daemon.start("sync.after_discard")
        daemon.await_ready()
        try:
            run = "/api/v1/runs/" + daemon.ask(name + "/runs", "POST")["id"]
            while daemon.ask(run)["state"] == "queued":
                pass
            daemon.ask(run + "/cancel", "POST")
        except (urllib.error.URLError, OSError):
            pass  # It ended before, or died at once.
        dead = daemon.dies_within(1)
        if dead or daemon.kill():
            report.death("daemon", "sync.after_discard" if dead else None)
        if dead:
            break
    end_well(daemon, report)


def daemon_cell(binary, work, rng, report, deaths, names):
    daemon = Daemon(binary, work / "daemon", rng, JOBS + [FOLLOWER], SCHEDULE, START)
    points = ["scheduler.after_fire", "scheduler.after_claim", "store.after_commit", "sync.after_intent",
              "sync.after_record", "file.append_half", "sqlite.publish_after_commit"]
    assert set(points) <= set(names)
    died = 0
    while died < deaths or points:
        point = points.pop() if points else None
        daemon.start("%s:%d" % (point, rng.randrange(1, 3)) if point else None)
        if point:
            dead = daemon.dies_within(6)
        else:
            dead = daemon.dies_within(rng.uniform(0.02, 1.5))
        if not dead and not daemon.kill():
            report.finding("daemon", "ended by itself: " + (daemon.folder / "log").read_text()[-1000:])
            return
        report.death("daemon", point if dead and point else None)
        died += 1
        for source in daemon.sources.values():
            source.grow(rng.randrange(1, GROWTH))
    end_well(daemon, report)
    cancel_cell(binary, work, rng, report)
