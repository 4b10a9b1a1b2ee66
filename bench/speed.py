"""Rows a second, beside a minimal program that does the same work in one thread."""
import dataclasses
import itertools
import json
import shutil
import sqlite3
import statistics

from kit import Failure, quiet_disk, run, spread, to_file, to_sqlite, warm, write_job

# What stands in the target before an incremental sync that appends.
BEFORE = 1000
TARGETS = {"file": 0.6, "sqlite": 0.8}
NAMES = {"file": ("out.json", to_file), "sqlite": ("out.db", to_sqlite)}


@dataclasses.dataclass
class Case:
    what: str
    destination: str
    incremental: bool
    before: int  # Records of a sync that is not timed.


CASES = [
    Case("NDJSON -> file, full refresh", "file", False, 0),
    Case("NDJSON -> SQLite, full refresh", "sqlite", False, 0),
    Case("NDJSON -> file, incremental by cursor, first sync", "file", True, 0),
    Case("NDJSON -> file, incremental by cursor, appends", "file", True, BEFORE),
    Case("NDJSON -> SQLite, incremental by cursor, first sync", "sqlite", True, 0),
    Case("NDJSON -> SQLite, incremental by cursor, appends", "sqlite", True, BEFORE),
]


def source(path, incremental):
    common = {"path": str(path), "primary_key": "id"}
    return {**common, "sync_mode": "incremental", "cursor_field": "updated_at"} if incremental \
        else common


def last_cursor(path):
    with open(path, "rb") as file:
        return json.loads(file.read().splitlines()[-1])["updated_at"]


class Contest:
    """Both programs over one case. The target that stands before a sync is made once and copied."""

    def __init__(self, bench, case):
        self.bench, self.case = bench, case
        self.input = bench.data(bench.records)
        self.target, self.connector = NAMES[case.destination]
        self.earlier = bench.data(case.before) if case.before else None
        self.program = bench.programs / f"bench_to_{case.destination}"
        warm(self.input)

    def bizond(self):
        folder = self.bench.fresh("bizond")
        link = folder / "in.ndjson"
        job = write_job(folder / "job.yml", source(link, self.case.incremental),
                        self.connector(folder / self.target))
        command = self.bench.sync_command(job, folder / "state")
        if self.earlier:
            shutil.copy(self.earlier, link)
            run(self.bench, command, folder)
            link.unlink()
        link.hardlink_to(self.input)
        quiet_disk()
        return folder, run(self.bench, command, folder)

    def minimal(self):
        folder = self.bench.fresh("minimal")
        mode = "append" if self.case.incremental else "replace"
        cursor = ""
        if self.earlier:
            run(self.bench, [self.program, mode, self.earlier, folder / self.target, ""], folder)
            cursor = last_cursor(self.earlier)
        quiet_disk()
        above = [cursor] if self.case.incremental else []
        command = [self.program, mode, self.input, folder / self.target, *above]
        return folder, run(self.bench, command, folder)


def file_rows(path):
    """(key, record) of every line; what differs from run to run has a fixed width."""
    with open(path, "rb") as file:
        for line in file:
            row = json.loads(line)
            yield row["source_record_id"], row["source_data"]


def table_rows(path):
    database = sqlite3.connect(path)
    yield from database.execute("SELECT source_record_id, source_data FROM records ORDER BY rowid")


def same_rows(case, ours, theirs, records):
    """Both targets hold every record, in the same order, with the same text."""
    rows = file_rows if case.destination == "file" else table_rows
    count = 0
    for a, b in itertools.zip_longest(rows(ours), rows(theirs)):
        if a != b:
            raise Failure(f"{case.what}: row {count} differs: {str(a)[:120]} | {str(b)[:120]}")
        count += 1
    if count != records:
        raise Failure(f"{case.what}: {count} rows instead of {records}")


def measure(bench):
    peak = 0
    for case in CASES:
        contest = Contest(bench, case)
        ours, theirs = [], []
        for turn in range(bench.rounds + 1):  # The first one warms up, and is checked.
            costs = {}
            contestants = [contest.bizond, contest.minimal]
            for contestant in contestants if turn % 2 else reversed(contestants):
                folder, costs[contestant.__name__] = contestant()
            if turn == 0:
                same_rows(case, bench.scratch / "bizond" / contest.target,
                          bench.scratch / "minimal" / contest.target, bench.records)
                continue
            ours.append(costs["bizond"])
            theirs.append(costs["minimal"])
        report(bench, case, ours, theirs)
        peak = max(peak, *(cost.rss_mb for cost in ours))
    bench.row("peak memory of these syncs", f"{peak:.1f} MB", "< 64 MB", peak < 64, rss_mb=peak)


def report(bench, case, ours, theirs):
    our_walls, their_walls = [c.wall_s for c in ours], [c.wall_s for c in theirs]
    # A round's two runs are neighbours in time: their ratio knows nothing of the machine's moods.
    ratios = [b / a for a, b in zip(our_walls, their_walls, strict=True)]
    ratio = statistics.median(ratios)
    target = TARGETS[case.destination]
    rate = bench.records / statistics.median(our_walls)
    cpu = statistics.median(c.cpu_s for c in ours)
    bench.row(case.what, f"{spread(our_walls)}, {rate / 1e6:.2f}M rows/s, {cpu:.2f} s CPU",
              f">= {target:.0%} of its speed", ratio >= target, minimal=spread(their_walls),
              ratio=f"{ratio:.0%} ({min(ratios):.0%}-{max(ratios):.0%})",
              wall_s=our_walls, minimal_wall_s=their_walls, ratio_median=ratio, cpu_s=cpu,
              rss_mb=max(c.rss_mb for c in ours))
