"""What every section of bench/run shares: data, processes and their cost, rows of the table."""
import dataclasses
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys


class Failure(Exception):
    """A program failed, or wrote what it should not have."""


@dataclasses.dataclass
class Cost:
    wall_s: float
    cpu_s: float
    rss_mb: float


class Bench:
    def __init__(self, binary, programs, work, rounds, records, huge):
        self.binary, self.programs, self.work = binary, programs, work
        self.rounds, self.records, self.huge = rounds, records, huge
        self.scratch = work / "scratch"
        self.rows, self.figures = [], {}
        if not os.access(binary, os.X_OK):
            raise SystemExit(f"there is no bizond at {binary}: run without --no-build")

    def data(self, records, first=1, seed=20260101):
        """An NDJSON file of so many records, made once; a name never holds other bytes."""
        made_by = int((self.programs / "bench_generate").stat().st_mtime)
        path = self.work / f"records-{records}-{first}-{seed}.ndjson"
        if not path.exists() or path.stat().st_mtime < made_by:
            note(f"making {path.name}")
            partial = path.with_suffix(".partial")
            with open(partial, "wb") as out:
                subprocess.run([self.programs / "bench_generate", str(records), str(first),
                                str(seed)], stdout=out, check=True)
            partial.rename(path)
        return path

    def fresh(self, name):
        """An empty folder on the disk that is measured."""
        path = self.scratch / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path

    def sync_command(self, job, state):
        return [self.binary, "run", job, "--state-dir", state, "--json"]

    def row(self, what, shown, target="", met=None, minimal="", ratio="", **figures):
        verdict = "" if met is None else "yes" if met else "NO"
        self.rows.append([what, shown, minimal, ratio, target, verdict])
        self.figures[what] = figures
        note(" | ".join(filter(None, [what, shown, minimal, ratio, target, verdict])))


def note(text):
    print(text, file=sys.stderr, flush=True)


def write_job(path, source, destination):
    """A job file (JSON is YAML); paths in it are absolute."""
    job = {"name": path.stem, "source": {"name": "file", "stream": "records", **source},
           "destination": destination}
    path.write_text(json.dumps(job, indent=1))
    return path


def to_file(target):
    return {"name": "file", "config": {"destination_id": str(target)}}


def to_sqlite(target):
    return {"name": "sqlite", "config": {"path": str(target), "destination_id": "records"}}


def run(bench, argv, cwd, env=None):
    """Runs a program to its end; its output is kept for the error it may end with."""
    cost, log = cwd / "last.cost", cwd / "last.log"
    with open(log, "wb") as out:
        subprocess.run([str(a) for a in [bench.programs / "bench_measure", cost, *argv]], cwd=cwd,
                       env=env and {**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=out,
                       stderr=subprocess.STDOUT, check=True)
    wall, cpu, rss_kib, code = cost.read_text().split()
    if code != "0":
        said = log.read_text(errors="replace").strip()[-300:]
        raise Failure(f"{pathlib.Path(argv[0]).name} ended with {code}: {said}")
    return Cost(float(wall), float(cpu), int(rss_kib) / 1024)


def warm(path):
    """Reads a file into the page cache."""
    with open(path, "rb") as file:
        while file.read(1 << 24):
            pass


def quiet_disk():
    """Nobody pays for the write-back of what ran before."""
    os.sync()


def spread(values, scale=1, unit="s", digits=2):
    low, mid, high = min(values) * scale, statistics.median(values) * scale, max(values) * scale
    return f"{mid:.{digits}f} {unit} ({low:.{digits}f}-{high:.{digits}f})"
