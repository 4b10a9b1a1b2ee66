"""System calls that fail, at every Nth of each kind, on a destination's files and on the store."""
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess

from foreground import Cell, Foreground, rng_of
from places import file_rows
from truth import compare, count_lines, expected

# What a disk, a quota, a signal and a limit do. "short": no file may grow beyond a size that the run passes, so that
# a write stops in its middle. (strace cannot shorten a call: one whose result it sets is never made.)
FAULTS = (
    ("write", "ENOSPC"), ("write", "EIO"), ("write", "EINTR"), ("write", "EDQUOT"), ("write", "EFBIG"),
    ("write", "short"), ("fsync", "EIO"), ("fsync", "ENOSPC"), ("fsync", "EINTR"), ("rename", "EIO"),
    ("rename", "ENOSPC"), ("open", "EMFILE"), ("open", "ENOSPC"), ("open", "EINTR"), ("truncate", "EIO"),
    ("truncate", "EINTR"), ("read", "EIO"), ("read", "EINTR"), ("unlink", "EIO"), ("mkdir", "ENOSPC"),
)
CALLS = {
    "write": "write,pwrite64", "fsync": "fsync,fdatasync", "rename": "rename,renameat,renameat2",
    "open": "openat,openat2", "truncate": "ftruncate", "read": "read,pread64", "unlink": "unlink,unlinkat",
    "mkdir": "mkdir,mkdirat",
}
PLACES = ("destination", "store")
# At least two pages and a flush between them; small, so that a run under strace takes little.
START, GROWTH = 5000, 1200
LARGEST = 3 << 20
# From its intent on a run tries for ever: whoever watches stops it, as an operator would.
PATIENCE = 4
RETRY = "retry: {max_attempts: 2, initial_backoff: 20ms, max_backoff: 100ms}\n"
LASTING = 0.25  # Of the faults, those that stay for the rest of the run.

CELLS = [Cell("file", m) for m in ("full_refresh", "cursor", "position")]
CELLS += [Cell("sqlite", m) for m in ("full_refresh", "cursor", "merge")]


class Faulty(Foreground):
    def __init__(self, binary, cell, work, rng, report, codes):
        cell.START, cell.GROWTH = START, GROWTH
        super().__init__(binary, cell, work, rng, report)
        self.codes = codes
        self.published = self.after = {}

    def write_job(self):
        text = self.cell.job(self.folder, self.source) + RETRY
        (self.folder / "job.yml").write_text(text)

    def paths(self, place):
        """Of the files that a fault is to meet, whether they are there or not."""
        out, state = self.folder / "out", self.folder / "state"
        if place == "destination":
            names = [out / n for n in ("rows.json", "rows_temp.json", "rows_incremental.json", "rows.db")]
            return [out] + names + [out / "rows.db-journal"]
        found = [state, state / "run"]
        for folder in (state / "run").glob("*"):
            found += [folder] + [folder / n for n in ("bizond.db", "bizond.db-wal", "history.db", "bizond.lock")]
            found += [p for p in folder.rglob("*") if p.is_dir()]
        return found

    def under(self, options, limit=None):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BIZOND_")}
        command = ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "strace.log"] + options
        command += [self.binary, "run", "job.yml", "--state-dir", "state", "--state", "keep", "--log-level", "error"]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
                                preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))))

    def run_under(self, options, limit=None):
        """The exit code, what was said, and whether it had to be stopped."""
        process = self.under(options, limit)
        stopped = False
        try:
            said = process.communicate(timeout=PATIENCE)[1]
        except subprocess.TimeoutExpired:
            stopped = True
            children = pathlib.Path("/proc/%d/task/%d/children" % (process.pid, process.pid))
            for child in children.read_text().split():
                os.kill(int(child), signal.SIGTERM)
            try:
                said = process.communicate(timeout=20)[1]
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return None, "it did not answer SIGTERM within 20 s", stopped
        return process.returncode, said.decode(errors="replace"), stopped

    def count(self, calls, place):
        """How many there are in the run of a step, by thread the most: a fault counts for each thread."""
        self.run_under(self.filters(place) + ["-e", "trace=" + CALLS[calls]])
        counts = {}
        for line in (self.folder / "strace.log").read_text(errors="replace").splitlines():
            if "resumed" not in line:
                thread = line.split(" ", 1)[0]
                counts[thread] = counts.get(thread, 0) + 1
        return max(counts.values(), default=0)

    def filters(self, place):
        return [word for path in self.paths(place) for word in ("-P", str(path))]

    def whole(self, what):
        """What readers see is what was published before, or all of the run; an append may have begun."""
        before, after = self.published, expected(self.source, self.cell.mode)
        path = self.folder / "out" / "rows.json"
        if self.cell.destination == "file" and self.cell.mode != "full_refresh" and path.exists():
            text = path.read_bytes()
            lines = text[: text.rfind(b"\n") + 1].split(b"\n")[:-1]
            have = count_lines([json.loads(line)["source_data"] for line in lines])
            lost = compare(before, have)[0]
            doubled, foreign = compare(after, have)[1:]
            well = not (lost or doubled or foreign)
        else:
            have = count_lines(self.cell.rows(self.folder))
            well = have in (before, after)
        if not well:
            self.report.finding(self, "%s: what is published is not whole" % what)

    def fault(self, calls, error, place, at, lasting):
        """One run that meets it, and one after it; whether the fault was met."""
        what = "%s of %s, the %d.%s, %s" % (error, calls, at, " and all that follow" if lasting else "", place)
        when = "%d+" % at if lasting and error != "EINTR" else "%d" % at
        options, limit = self.filters(place) + ["-e", "trace=" + CALLS[calls]], None
        if error == "short":
            limit = self.rng.randrange(1, LARGEST)
            what = "no file beyond %d bytes" % limit
        else:
            options += ["-e", "inject=%s:error=%s:when=%s" % (CALLS[calls], error, when)]
        code, said, stopped = self.run_under(options, limit)
        log = (self.folder / "strace.log").read_text(errors="replace")
        met = "EFBIG" in log if limit else "(INJECTED)" in log
        self.judge(what, code, said, stopped)
        self.whole(what)
        last, words = self.end(self.start())
        if last != 0:
            self.report.finding(self, "%s: the run after it ended with %s: %s" % (what, last, words))
            self.fresh()
            self.finish()
        else:
            found = self.cell.leftovers(self.folder)
            if found:
                self.report.leftover(self, [what] + found)
            have = count_lines(self.cell.rows(self.folder))
            self.report.rows(self, *compare(expected(self.source, self.cell.mode), have), what=what)
        self.published = expected(self.source, self.cell.mode)
        return met

    def judge(self, what, code, said, stopped):
        if code == 0 or (stopped and code == 130):
            return
        if code is None or code < 0 or code >= 128:
            self.report.finding(self, "%s: it ended with %s: %s" % (what, code, said))
            return
        named = re.findall(r"\(([a-z][a-z_0-9]+)\)\s*$", said, re.M)
        unknown = [name for name in named if name not in self.codes]
        if not named or unknown or code not in (1, 4):
            self.report.finding(self, "%s: exit code %s without a name that is documented: %s" % (what, code, said))

    def go_through(self, tries):
        self.finish()
        self.published = expected(self.source, self.cell.mode)
        counts = {}
        plan = [(calls, error, place) for place in PLACES for calls, error in FAULTS]
        self.rng.shuffle(plan)
        for number in range(tries):
            calls, error, place = plan[number % len(plan)]
            self.steps += 1
            if self.steps >= self.cell.STEPS_A_FOLDER * 3:
                self.fresh()
                self.finish()
                self.published = expected(self.source, self.cell.mode)
            if (calls, place) not in counts:
                self.grow()
                counts[calls, place] = self.count(calls, place)
                self.end(self.start())
                self.published = expected(self.source, self.cell.mode)
            if not counts[calls, place]:
                continue
            self.grow()
            # Half of them among the first few: there each call is of another kind.
            most = counts[calls, place] if self.rng.random() < 0.5 else min(12, counts[calls, place])
            at = self.rng.randrange(1, most + 1)
            met = self.fault(calls, error, place, at, self.rng.random() < LASTING)
            self.report.fault(self.cell.name, calls, met)


def may_trace():
    """Not where ptrace is forbidden, as in some containers. That strace is not there is an error: setup brings it."""
    command = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=openat", "-o", os.devnull, "true"]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def go(binary, work, seed, report, tries, only):
    if not may_trace():
        report.skip("failing system calls", "strace may not trace a process here")
        return
    root = pathlib.Path(__file__).resolve().parents[2]
    codes = set(re.findall(r'\{"([a-z_0-9]+)"', (root / "cli" / "error_codes.cc").read_text()))
    assert codes, "cli/error_codes.cc has no table any more"
    for cell in CELLS:
        if not only or cell.name in only:
            faulty = Faulty(binary, cell, work, rng_of(seed, "faults/" + cell.name), report, codes)
            faulty.go_through(tries)
            shutil.rmtree(faulty.folder, ignore_errors=True)
