"""`bizond run`, killed at named places and at random moments until the work is done."""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

from places import file_rows, full_logs, logged_rows, sqlite_rows, state_leftovers, target_leftovers
from truth import CsvSource, DummySource, LateSource, Source, canonical, compare, count_lines, expected

# A run's log holds 16 MiB, all its attempts together, and the logger's rows beyond that are dropped: its
# cells stay below, for they ask what a death does.
LOGGER_GROWTH = 300
LOGGER_START = 1500
# Where a run takes its time, several deaths are looked at together.
DEATHS_A_LOOK = 3
# A run of these cells ends after so many pages: until all is there, it takes some.
PAGES_A_RUN = 2
RUNS_AT_MOST = 30

JOB = """name: {name}
source:
{reads}  sync_mode: {sync_mode}
  primary_key: id
destination:
  name: {destination}
  config:
    destination_id: {target}
    buffer_size: 0
{more}"""


DUMMY = """  name: dummy
  stream: creatures
  authentication:
    type: api_key
    params: {token: dummy_key}
  rows: %d
"""


class Cell:
    """One destination in one mode, from NDJSON, CSV or the dummy source.

    mode: full_refresh; position; cursor, late (rows that come behind the cursor, and a lookback), merge.
    limited: max_iterations ends every run early."""

    START = 9000  # More than two pages of the source, so that there are checkpoints between.
    GROWTH = 2500  # Records a step: some hundred kilobytes.
    STEPS_A_FOLDER = 12
    THOROUGH = True  # Every death is followed by others, and by a comparison.

    def __init__(self, destination, mode, suffix="jsonl", limited=False):
        self.destination, self.mode, self.suffix, self.limited = destination, mode, suffix, limited
        self.doubles = destination == "logger"  # Each row at least once: a row that is there twice is no fault.
        if destination == "logger":
            self.START, self.GROWTH = LOGGER_START, LOGGER_GROWTH
        self.name = "%s-%s" % (destination, mode)
        if suffix != "jsonl":
            self.name += "-" + suffix
        if limited:
            self.name += "-limited"

    def counterpart(self):
        """What the runs need beside the folder, for as long as the cell goes on."""
        return contextlib.nullcontext()

    def environment(self):
        return {}

    def leftovers(self, folder):
        return target_leftovers(folder / "out")

    def source(self, folder, rng):
        if self.suffix == "dummy":
            return DummySource()
        kind = CsvSource if self.suffix == "csv" else LateSource if self.mode == "late" else Source
        return kind(folder / ("rows." + self.suffix), rng)

    def target(self, folder):
        """The destination_id, and what else the configuration holds."""
        if self.destination != "sqlite":
            return str(folder / "out" / "rows.json"), ""
        more = "    path: %s\n" % (folder / "out" / "rows.db")
        return "rows", more + ("    write: merge\n" if self.mode == "merge" else "")

    def job(self, folder, source):
        target, more = self.target(folder)
        reads = "  name: file\n  stream: rows\n  path: %s\n" % (folder / ("rows." + self.suffix))
        if self.suffix == "dummy":
            reads = DUMMY % len(source.lines)
        if self.mode in ("cursor", "late", "merge"):
            reads += "  cursor_field: updated_at\n"
        if self.mode == "late":
            reads += "  cursor: {lookback: %ds}\n" % LateSource.LATEST
        if self.mode == "stream":
            reads += "  poll_interval: 10ms\n"
        if self.limited:
            reads += "  max_iterations: %d\n" % PAGES_A_RUN
        return JOB.format(
            name="crash " + self.name,
            reads=reads,
            sync_mode=self.mode if self.mode in ("full_refresh", "stream") else "incremental",
            destination=self.destination,
            target=target,
            more=more,
        )

    def rows(self, folder):
        if self.destination == "file":
            rows = file_rows(folder / "out" / "rows.json")
            return [canonical(row) for row in rows] if self.suffix != "jsonl" else rows
        if self.destination == "logger":
            return logged_rows(folder / "state")
        return sqlite_rows(folder / "out" / "rows.db", "rows")


CELLS = [Cell("file", m) for m in ("full_refresh", "cursor", "position")]
CELLS.append(Cell("file", "cursor", "csv"))
CELLS += [Cell("file", "late"), Cell("file", "cursor", limited=True), Cell("file", "cursor", "dummy")]
CELLS += [Cell("sqlite", m) for m in ("full_refresh", "cursor", "position", "merge", "late")]
CELLS += [Cell("sqlite", "cursor", limited=True), Cell("sqlite", "position", limited=True)]
CELLS += [Cell("logger", m) for m in ("full_refresh", "cursor")]


class Foreground:
    def __init__(self, binary, cell, work, rng, report):
        self.binary, self.cell, self.work, self.rng, self.report = binary, cell, work, rng, report
        self.folders = 0
        self.fresh()

    def fresh(self):
        """A new source, target and state; what the last ones hold was checked."""
        if self.folders:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folders += 1
        self.steps = 0
        self.folder = self.work / ("%s-%d" % (self.cell.name, self.folders))
        (self.folder / "out").mkdir(parents=True)
        self.source = self.cell.source(self.folder, self.rng)
        self.source.grow(self.cell.START)
        self.write_job()

    def write_job(self):
        (self.folder / "job.yml").write_text(self.cell.job(self.folder, self.source))

    def command(self):
        # The dummy source grows by its job: what was read stays read.
        return [self.binary, "run", "job.yml", "--state-dir", "state", "--state", "keep", "--log-level", "error"]

    def start(self, failpoint=None):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BIZOND_")}
        environment.update(self.cell.environment())
        if failpoint:
            environment["BIZOND_FAILPOINT"] = failpoint
        return subprocess.Popen(
            self.command(),
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True,
        )

    def end(self, process):
        """Waits; the exit code, and what was said."""
        try:
            said = process.communicate(timeout=60)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, "a run did not end within 60 s"
        return process.returncode, said

    def die_at(self, failpoint):
        """Whether the run died there; otherwise it ended."""
        code, said = self.end(self.start(failpoint))
        if code == -signal.SIGKILL:
            self.report.death(self.cell.name, failpoint)
            return True
        if code != 0:
            self.report.finding(self, "a run with %s armed ended with %s: %s" % (failpoint, code, said))
        return False

    def die_after(self, seconds):
        process = self.start()
        time.sleep(seconds)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        code, said = self.end(process)
        if code == -signal.SIGKILL:
            self.report.death(self.cell.name, None)
        elif code != 0:
            self.report.finding(self, "a run ended with %s: %s" % (code, said))

    def finish(self):
        """To the end; the time it took, and what it left compared with the truth."""
        began = time.monotonic()
        code, said = self.end(self.start())
        took = time.monotonic() - began
        # A run may meet only rows that are known: by their number alone it is seen that all are there.
        for _ in range(RUNS_AT_MOST if self.cell.limited else 0):
            if code != 0 or len(self.cell.rows(self.folder)) >= len(self.source.lines):
                break
            code, said = self.end(self.start())
        if code != 0:
            self.report.finding(self, "the last run ended with %s: %s" % (code, said))
            self.fresh()
            return took
        found = self.cell.leftovers(self.folder) + state_leftovers(self.folder / "state")
        if found:
            self.report.leftover(self, found)
        lost, doubled, foreign = compare(
            expected(self.source, self.cell.mode), count_lines(self.cell.rows(self.folder))
        )
        if self.cell.doubles:
            self.report.again(doubled)
            doubled = 0
        if self.cell.destination == "logger":
            full = full_logs(self.folder / "state")
            if full and lost:
                self.report.finding(self, "full, so that rows were dropped: " + "; ".join(full))
        self.report.rows(self, lost, doubled, foreign)
        return took

    def step(self):
        """The source grows; now and then all begins anew."""
        self.steps += 1
        if self.steps >= self.cell.STEPS_A_FOLDER:
            self.fresh()
        else:
            self.grow()

    def grow(self):
        self.source.grow(self.rng.randrange(1, self.cell.GROWTH))
        self.write_job()

    def at_every_failpoint(self, names):
        waiting = 0  # Deaths that no comparison followed.
        for name in names:
            # Some are passed by a target's first publication alone, some by those that follow it.
            of_destination = name.startswith(self.cell.destination + ".")
            for last in (False, True) if of_destination else (True,):
                died = self.die_at(name + ":1")
                if died and self.cell.THOROUGH and self.rng.random() < 0.3:
                    self.die_at(name)  # It may die again on its way back.
                if died and (self.cell.THOROUGH or of_destination):
                    self.die_at(name + ":2")
                waiting += 1
                if self.cell.THOROUGH or of_destination or waiting == DEATHS_A_LOOK:
                    if waiting > 1:
                        self.end(self.start())  # The source grew behind what a run that goes on reads to.
                    self.finish()
                    waiting = 0
                if died or last:
                    break
                self.grow()
            self.step() if waiting == 0 else self.grow()

    def at_random(self, deaths):
        healthy = max(0.01, self.finish())
        self.step()
        wanted = self.report.deaths_of(self.cell.name) + deaths
        tries = 0
        while self.report.deaths_of(self.cell.name) < wanted and tries < deaths * 4:
            for _ in range(self.rng.randrange(1, 4)):
                tries += 1
                self.die_after(self.rng.random() * healthy * 1.1)
            self.finish()
            self.step()


def rng_of(seed, name):
    return random.Random("%s/%s" % (seed, name))
