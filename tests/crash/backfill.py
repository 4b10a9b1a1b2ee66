"""Backfills of a daemon that is killed while their slices run: each window once, the watermark as it was."""
import json
import sqlite3
import time
import urllib.request

from daemon import RETRY, START, Daemon
from foreground import Cell
from places import target_leftovers
from truth import compare, count_lines, expected

NAME = "backfill"
JOBS = [Cell("sqlite", "merge"), Cell("sqlite", "cursor"), Cell("file", "cursor")]
# Passed by runs that replace their target, or that a schedule or a cancel makes.
NOT_PASSED = ("scheduler.after_fire", "sync.after_discard", "file.before_rename", "file.after_rename")
SLICES = 5
ROUNDS_AT_MOST = 60


def cursor_of(line):
    """Of one width and in UTC, so that texts are in the order of the instants."""
    return json.loads(line)["updated_at"]


def window_of(source, rng):
    """Two cursors of the source, the greatest one left out, and a width that makes some slices."""
    cursors = sorted(set(map(cursor_of, source.lines)))
    first = rng.randrange(0, len(cursors) // 2)
    last = rng.randrange(first + SLICES, len(cursors) - 1)
    seconds = max(1, (last - first) // SLICES)
    return cursors[first], cursors[last], "%ds" % seconds


def correct(source, inside, rng):
    """Half of the rows in the window become others of the same key and cursor."""
    def other(line):
        if not inside(line) or rng.random() < 0.5:
            return line
        row = json.loads(line)
        row["pad"] = "corrected %d" % rng.randrange(1 << 30)
        return json.dumps(row, separators=(",", ":"))

    source.lines = [other(line) for line in source.lines]
    source.path.write_bytes("".join(line + "\n" for line in source.lines).encode())


class Backfilled:
    """One job of the daemon, with what its backfills have added to it."""

    def __init__(self, daemon, cell):
        self.daemon, self.cell = daemon, cell
        self.source = daemon.sources[cell.name]
        self.place = daemon.folder / cell.name
        self.job = "crash " + cell.name
        self.path = "/api/v1/jobs/" + urllib.request.quote(self.job)
        self.again = []  # Rows that an append has twice, as was asked for.

    def watermark(self):
        with sqlite3.connect(self.daemon.folder / "state" / "bizond.db") as db:
            return db.execute("SELECT stream, watermark FROM stream_states WHERE job = ?", (self.job,)).fetchall()

    def begin(self, rng):
        begin, end, width = window_of(self.source, rng)
        inside = [line for line in self.source.lines if begin <= cursor_of(line) < end]
        if self.cell.mode == "merge":
            correct(self.source, lambda line: begin <= cursor_of(line) < end, rng)
        else:
            self.again += inside
        body = json.dumps({"from": begin, "to": end, "slice": width, "allow_duplicates": True}).encode()
        request = urllib.request.Request(
            "http://127.0.0.1:%d%s/backfill" % (self.daemon.port, self.path), data=body,
            headers={"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            json.load(answer)

    def slices(self):
        with sqlite3.connect(self.daemon.folder / "state" / "bizond.db") as db:
            return [phase for (phase,) in db.execute(
                "SELECT phase FROM runs WHERE job = ? AND cursor_window IS NOT NULL", (self.job,))]

    def check(self, report):
        want = expected(self.source, self.cell.mode)
        for line in self.again:
            want[line] += 1
        report.rows(NAME + "/" + self.cell.name, *compare(want, count_lines(self.cell.rows(self.place))))
        if any(phase != 2 for phase in self.slices()):
            report.finding(NAME, "%s has slices that did not succeed: %s" % (self.job, self.slices()))


def go_on(daemon, jobs, point, report, rng):
    """Starts the daemon on what is queued, until it dies at the point or all slices have ended."""
    daemon.start("%s:%d" % (point, rng.randrange(1, 4)) if point else None)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if daemon.dies_within(0.1):
            report.death(NAME, point)
            return False
        if daemon.process.poll() is not None:
            report.finding(NAME, "ended by itself: " + (daemon.folder / "log").read_text()[-1000:])
            return True
        if all(phase >= 2 for job in jobs for phase in job.slices()):
            return True
    report.finding(NAME, "slices did not end within a minute")
    return True


def backfill_cell(binary, work, rng, report, names):
    daemon = Daemon(binary, work / NAME, rng, JOBS, RETRY, START)
    jobs = [Backfilled(daemon, cell) for cell in JOBS]
    prefixes = ("sync.", "store.", "scheduler.", "sqlite.", "file.")
    points = [name for name in names if name.startswith(prefixes) and name not in NOT_PASSED]
    rng.shuffle(points)
    daemon.start()
    daemon.await_ready()
    daemon.settle()
    for _ in range(ROUNDS_AT_MOST):
        if not points:
            break
        before = [job.watermark() for job in jobs]
        for job in jobs:
            job.begin(rng)
        daemon.kill()
        report.death(NAME, None)
        ended = False
        while points and not ended:
            ended = go_on(daemon, jobs, points.pop(), report, rng)
        if not ended:
            go_on(daemon, jobs, None, report, rng)
        for job, watermark in zip(jobs, before):
            job.check(report)
            if job.watermark() != watermark:
                report.finding(NAME, "a backfill has moved the watermark of " + job.job)
        daemon.kill()
        # The jobs' own runs go on behind what they had before.
        for source in daemon.sources.values():
            source.grow(rng.randrange(1, 200))
        daemon.start()
        daemon.await_ready()
        daemon.settle()
        for job in jobs:
            job.check(report)
            found = target_leftovers(job.place / "out")
            if found:
                report.leftover(NAME + "/" + job.cell.name, found)
    code = daemon.stop()
    if code != 0:
        report.finding(NAME, "SIGTERM ended it with %s" % code)
