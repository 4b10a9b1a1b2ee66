"""bizond, for a kit that runs tools side by side: a sync is a `bizond run`, its state in job.dir.

The kit loads this file as a contestant (a copy, or a link to it) and asks for plan(job). $BIZOND
names the binary; without it, the one that this checkout has built."""
import json
import os
import pathlib

from kit.common import psql
from kit.job import Plan

VERSION, PIP = "0.1.0", {}
# "" is bizon's own form, the record as JSON text; "object" keeps it as the object it is.
VARIANTS = {"": {"source_data": "string"}, "object": {"source_data": "object"}}
BUILT = pathlib.Path(__file__).resolve().parents[2] / "build" / "bizond"


def binary():
    return os.environ.get("BIZOND", str(BUILT))


def startup():
    return [binary(), "--version"]


def exported(job):
    """There is no PostgreSQL source yet: the table's rows as lines of a file, written before the
    clock starts. A correctness case changes rows, so its file is made anew; elsewhere new ones are
    added."""
    path = job.dir / "in.jsonl"
    known = 0
    if job.workload != "C1" and path.exists():
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            known = json.loads(file.read().splitlines()[-1])[job.key]
    rows = psql("bench_src", "set timezone='UTC'; select row_to_json(x) from "
                f"{job.table} x where {job.key} > {known} order by {job.key}")
    with open(path, "ab" if known else "wb") as file:
        file.write((rows + "\n").encode() if rows else b"")
    return path


def source(job):
    common = {"name": "file", "stream": "records"}
    if job.workload in ("W1", "W2"):
        return {**common, "path": str(job.input), "primary_key": "id"}, ""
    if job.workload in ("W5", "W6"):
        return {**common, "path": str(exported(job)), "sync_mode": "incremental"}, \
            "; incremental by position in a JSONL file that the table's rows were exported to"
    if job.workload == "C1":
        return {**common, "path": str(exported(job)), "sync_mode": "incremental",
                "cursor_field": job.cursor, "primary_key": job.key,
                "cursor": {"on_null": "include"}}, \
            "; by cursor, in a JSONL file that the table's rows were exported to"
    return None, ""


def plan(job):
    given, note = source(job)
    if given is None:
        return None
    if job.workload == "W2":
        destination = {"name": "sqlite",
                       "config": {"path": str(job.dir / "out.db"), "destination_id": "records"}}
        kind, where = "sqlite", "out.db"
        note = ("six columns, the record as JSON text; every record checked; "
                "staged, swapped in one transaction")
    else:
        destination = {"name": "file", "config": {"destination_id": str(job.dir / "out.jsonl"),
                                                  "source_data": job.options["source_data"]}}
        kind, where = "jsonl", "out.jsonl"
        form = "JSON text" if job.options["source_data"] == "string" else "an object"
        note = (f"six columns, the record as {form}; every record checked; "
                f"staged, published exactly once{note}")
    path = job.dir / "job.yml"  # JSON is YAML.
    path.write_text(json.dumps({"name": "bench", "source": given, "destination": destination}))
    return Plan([binary(), "run", str(path), "--state-dir", str(job.dir / "state")], kind, where,
                table="records", note=note)
