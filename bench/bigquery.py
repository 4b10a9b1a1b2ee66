"""The BigQuery destinations beside what limits them, and beside bizon's own.

`bigquery` is measured against a sink that keeps nothing, beside `gzip -1` and zlib alone over the very bytes that
it compresses; `bigquery_streaming_v2` beside a loop that only appends what was encoded before, against a sink,
the own fake (tests/fakes/bigquery) and bqemulator. Against the last, bizon's own, when $BENCH_BIZON_PYTHON names a
Python that has bizon[bigquery]."""
import contextlib
import gzip
import itertools
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import urllib.error
import urllib.request

from kit import Failure, note, quiet_disk, run, spread, warm, write_job

HERE = pathlib.Path(__file__).resolve().parent
FAKES = HERE.parent / "tests" / "fakes"
ROWS_PER_REQUEST = 5000  # bq_max_rows_per_request, which nobody has changed here.
GZIP_TARGET, APPEND_TARGET = 0.8, 0.7
SLOW_RECORDS, PEER_RECORDS = 200_000, 200_000
ONE_CORE = ["/usr/bin/taskset", "-c", "0"]
TABLE = "projects/p1/datasets/d1/tables/"


@contextlib.contextmanager
def server(*argv):
    """A server that says its ports in a line of JSON; it ends with this block."""
    process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        if not line:
            raise Failure(f"{pathlib.Path(argv[0]).name} did not start")
        yield json.loads(line)
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(timeout=30)


class Service:
    """Where the REST and the Write API are."""

    def __init__(self, rest_port, grpc_port=0, objects=None, storage_port=None):
        self.rest = f"http://127.0.0.1:{rest_port}"
        self.write_api = f"127.0.0.1:{grpc_port}"
        self.env = {"BIGQUERY_EMULATOR_HOST": self.rest, "BIGQUERY_STORAGE_EMULATOR_HOST": self.write_api}
        if objects:
            self.env.update(BENCH_OBJECTS=str(objects), STORAGE_EMULATOR_HOST=f"http://127.0.0.1:{storage_port}")

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.rest + "/bigquery/v2/" + path, method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"{}")

    def make_dataset(self):
        self.ask("POST", "projects/p1/datasets", {"datasetReference": {"projectId": "p1", "datasetId": "d1"}})

    def make_table(self, table):
        types = [("_source_record_id", "STRING"), ("_source_timestamp", "TIMESTAMP"), ("_source_data", "JSON"),
                 ("_bizon_extracted_at", "TIMESTAMP"), ("_bizon_loaded_at", "TIMESTAMP"), ("_bizon_id", "STRING")]
        reference = {"projectId": "p1", "datasetId": "d1", "tableId": table}
        self.ask("POST", "projects/p1/datasets/d1/tables",
                 {"tableReference": reference, "schema": {"fields": [{"name": n, "type": t} for n, t in types]}})

    def drop(self, table):
        with contextlib.suppress(urllib.error.HTTPError):
            self.ask("DELETE", TABLE + table)

    def must_hold(self, table, records):
        found = self.ask("GET", TABLE + table)
        rows = int(found["numRows"]) + int(found.get("streamingBuffer", {}).get("estimatedRows", 0))
        if rows != records:
            raise Failure(f"{table} has {rows} rows instead of {records}")


def bizond(bench, service, path, destination, table, sync_mode="full_refresh", on=(), **config):
    folder = bench.fresh("bizond")
    name = table if destination == "bigquery" else f"p1.d1.{table}"
    job = write_job(folder / "job.yml", {"path": str(path), "primary_key": "id", "sync_mode": sync_mode},
                    {"name": destination, "config": {"project_id": "p1", "dataset_id": "d1",
                                                     "destination_id": name, **config}})
    quiet_disk()
    return run(bench, [*on, *bench.sync_command(job, folder / "state")], folder, service.env)


def rounds(bench, *contestants):
    """What each gives in every round but the first, which warms up."""
    results = {contestant: [] for contestant in contestants}
    for turn in range(bench.rounds + 1):
        for contestant in contestants if turn % 2 else reversed(contestants):
            result = contestant()
            if turn > 0:
                results[contestant].append(result)
    return results.values()


def ratios(ours, theirs):
    each = [b / a for a, b in zip(ours, theirs, strict=True)]
    return statistics.median(each), f"{statistics.median(each):.0%} ({min(each):.0%}-{max(each):.0%})"


# ---- batch ----
def sent_lines(folder):
    """What the uploads hold, one after another."""
    for path in sorted(folder.iterdir(), key=lambda path: int(path.name[1:])):
        with gzip.open(path, "rb") as lines:
            yield from lines


def encoded_lines(bench, path, kept, to):
    """Writes the uploads' lines into a file, and checks that they are the input's records."""
    count = 0
    with open(path, "rb") as records, open(to, "wb") as out:
        for record, line in itertools.zip_longest(records, sent_lines(kept)):
            if line is None or record is None or json.loads(line)["_source_data"] != record.decode().rstrip("\n"):
                raise Failure(f"bigquery: row {count} differs")
            out.write(line)
            count += 1
    if count != bench.records:
        raise Failure(f"bigquery: {count} rows instead of {bench.records}")
    return to


def batch(bench):
    path = bench.data(bench.records)
    warm(path)
    kept = bench.fresh("uploads")
    sink = [sys.executable, HERE / "bigquery_sink.py", "--rows", bench.records]
    with server(*sink, "--keep", kept) as ports:
        bizond(bench, Service(**ports), path, "bigquery", "records")
    encoded = encoded_lines(bench, path, kept, bench.fresh("encoded") / "rows.ndjson")
    shutil.rmtree(kept)
    megabytes = encoded.stat().st_size / 1e6
    warm(encoded)
    other = bench.fresh("other")
    with server(*sink) as ports:
        service = Service(**ports)

        def one_core():
            return bizond(bench, service, path, "bigquery", "records", on=ONE_CORE)

        def all_cores():
            return bizond(bench, service, path, "bigquery", "records")

        def gzip_1():
            return run(bench, [*ONE_CORE, shutil.which("gzip"), "-1", "-c", encoded], other)

        def zlib_1():
            return run(bench, [*ONE_CORE, bench.programs / "bench_deflate", encoded], other)

        on_one, on_all, by_gzip, by_zlib = rounds(bench, one_core, all_cores, gzip_1, zlib_1)
    for costs, name, others, target in [
            (on_one, "on one core, beside gzip -1 over the same bytes", by_gzip, GZIP_TARGET),
            (on_one, "on one core, beside zlib's level 1 over the same bytes", by_zlib, None),
            (on_all, "on all cores, beside gzip -1 over the same bytes", by_gzip, None)]:
        walls, theirs = [cost.wall_s for cost in costs], [cost.wall_s for cost in others]
        cpu, rate = statistics.median(cost.cpu_s for cost in costs), megabytes / statistics.median(walls)
        ratio, shown = ratios(walls, theirs)
        bench.row(f"NDJSON -> bigquery, {name}", f"{spread(walls)}, {rate:.0f} MB/s, {cpu:.2f} s CPU",
                  f">= {target:.0%}" if target else "", ratio >= target if target else None,
                  minimal=spread(theirs), ratio=shown, wall_s=walls, minimal_wall_s=theirs, ratio_median=ratio,
                  cpu_s=cpu, rss_mb=max(cost.rss_mb for cost in costs))


def memory(bench):
    """The peak grows with buffer_size and not with the input."""
    small, large = bench.data(10**7 // 257), bench.data(10**9 // 257)
    peaks = {}
    for megabytes in (10, 50):
        for path in (small, large):
            records = int(path.name.split("-")[1])
            with server(sys.executable, HERE / "bigquery_sink.py", "--rows", records) as ports:
                cost = bizond(bench, Service(**ports), path, "bigquery", "records", buffer_size=megabytes)
            peaks.setdefault(megabytes, []).append(cost.rss_mb)
    for megabytes, (low, high) in peaks.items():
        bench.row(f"peak memory, bigquery, buffer_size {megabytes}, 10 MB -> 1 GB of input",
                  f"{low:.1f} -> {high:.1f} MB", f"< {megabytes + 32} MB", high < megabytes + 32,
                  rss_mb=[low, high])


# ---- v2 ----
def appends(bench, service, name, records, prepare, check):
    path = bench.data(records)
    warm(path)
    folder = bench.fresh("bare")

    def ours():
        service_table = prepare("ours", False)
        # The first sync of an incremental job: its streams are committed straight into the table.
        cost = bizond(bench, service, path, "bigquery_streaming_v2", service_table, "incremental")
        check(service_table)
        return cost

    def bare():
        table = prepare("bare", True)
        run(bench, [bench.programs / "bench_append", path, service.write_api, TABLE + table, ROWS_PER_REQUEST,
                    folder / "appended"], folder)
        check(table)
        loop, commit, rows, _ = (folder / "appended").read_text().split()
        if int(rows) != records:
            raise Failure(f"bench_append sent {rows} rows instead of {records}")
        return float(loop), float(commit)

    costs, others = rounds(bench, ours, bare)
    walls = [cost.wall_s for cost in costs]
    # Both have their rows committed; what the server takes for that is in both, and shown apart.
    theirs, loops = [loop + commit for loop, commit in others], [loop for loop, _ in others]
    ratio, shown = ratios(walls, theirs)
    alone, _ = ratios(walls, loops)
    cpu = statistics.median(cost.cpu_s for cost in costs)
    bench.row(f"NDJSON -> bigquery_streaming_v2, {name}, {records // 1000}k rows",
              f"{spread(walls)}, {records / statistics.median(walls) / 1e3:.0f}k rows/s, {cpu:.2f} s CPU",
              f">= {APPEND_TARGET:.0%}", ratio >= APPEND_TARGET, minimal=f"{spread(theirs)}; appends {spread(loops)}",
              ratio=f"{shown}; to the appends alone {alone:.0%}", wall_s=walls, minimal_wall_s=theirs,
              appends_s=loops, ratio_median=ratio, cpu_s=cpu, rss_mb=max(cost.rss_mb for cost in costs))


def append_to_sink(bench):
    with server(sys.executable, HERE / "bigquery_sink.py", "--rows", 0) as rest, \
            server(bench.programs / "bench_write_sink") as write_api:
        appends(bench, Service(**rest, **write_api), "a sink", bench.records, lambda name, _: name,
                lambda _: None)


def append_to(bench, service, name):
    def prepare(table, made):
        service.drop(table)
        if made:
            service.make_table(table)
        return table

    appends(bench, service, name, SLOW_RECORDS, prepare, lambda table: service.must_hold(table, SLOW_RECORDS))
    for table in ("ours", "bare"):
        service.drop(table)


# ---- bizon ----
def bizon(bench, service, python, path, destination, table):
    folder = bench.fresh("bizon")
    config = {"project_id": "p1", "dataset_id": "d1",
              "destination_id": table if destination == "bigquery" else f"p1.d1.{table}"}
    if destination == "bigquery":
        config.update(gcs_buffer_bucket="b1", gcs_buffer_format="parquet")
    job = {"name": "bench", "destination": {"name": destination, "config": config},
           "source": {"name": "lines", "stream": "records", "sync_mode": "full_refresh", "location": str(path),
                      "source_file_path": str(HERE / "peers" / "bizon_bigquery.py")},
           "engine": {"backend": {"type": "sqlite", "config": {"database": str(folder / "state"), "schema": "s"}},
                      "queue": {"type": "python_queue",
                                "config": {"queue": {"max_size": 0}, "consumer": {"poll_interval": 1}}}}}
    pipeline = folder / "pipeline.yml"  # JSON is YAML.
    pipeline.write_text(json.dumps(job))
    quiet_disk()
    return run(bench, [python, HERE / "peers" / "bizon_bigquery.py", pipeline], folder, service.env)


def peers(bench, service):
    python = os.environ.get("BENCH_BIZON_PYTHON")
    if not python:
        note("bizon's own destinations: BENCH_BIZON_PYTHON names no Python that has bizon[bigquery]")
        return
    path = bench.data(PEER_RECORDS)
    for destination, mode, config in [("bigquery", "full_refresh", {"gcs_buffer_bucket": "b1"}),
                                      ("bigquery_streaming_v2", "incremental", {})]:
        def ours(destination=destination, mode=mode, config=config):
            service.drop("ours")
            cost = bizond(bench, service, path, destination, "ours", mode, **config)
            service.must_hold("ours", PEER_RECORDS)
            return cost

        def theirs(destination=destination):
            service.drop("theirs")
            cost = bizon(bench, service, python, path, destination, "theirs")
            service.must_hold("theirs", PEER_RECORDS)
            return cost

        costs, others = rounds(bench, ours, theirs)
        walls, other_walls = [c.wall_s for c in costs], [c.wall_s for c in others]
        ratio, _ = ratios(walls, other_walls)
        each = [b / a for a, b in zip(walls, other_walls, strict=True)]
        rss = max(c.rss_mb for c in costs), max(c.rss_mb for c in others)
        bench.row(f"{destination}, bqemulator, {PEER_RECORDS // 1000}k rows, beside bizon's own",
                  f"{spread(walls)}, {rss[0]:.0f} MB", ">= 2 x", ratio >= 2,
                  minimal=f"bizon: {spread(other_walls)}, {rss[1]:.0f} MB",
                  ratio=f"{ratio:.1f} x ({min(each):.1f}-{max(each):.1f})", wall_s=walls,
                  bizon_wall_s=other_walls, rss_mb=rss)


def on_the_emulator(bench):
    objects = bench.fresh("objects")
    (objects / "b1").mkdir()
    with server(FAKES / "bqemulator" / "serve", "--project", "p1", "--objects", objects) as ports, \
            server(sys.executable, HERE / "bigquery_sink.py", "--rows", 0, "--objects", objects) as storage:
        service = Service(ports["rest_port"], ports["grpc_port"], objects, storage["rest_port"])
        service.make_dataset()
        append_to(bench, service, "bqemulator")
        peers(bench, service)


def installed(venv):
    there = (HERE.parent / ".work" / venv / "bin" / "python").exists()
    if not there:
        note(f"{venv} is left out: scripts/setup --tests installs it")
    return there


def measure(bench):
    batch(bench)
    memory(bench)
    if not (bench.programs / "bench_append").exists():
        note("built without gRPC: bigquery_streaming_v2 is left out")
        return
    append_to_sink(bench)
    if installed("bigquery-fake"):
        with server(FAKES / "bigquery" / "serve", "--project", "p1") as ports:
            service = Service(ports["rest_port"], ports["grpc_port"])
            service.make_dataset()
            append_to(bench, service, "the own fake")
    if installed("bqemulator"):
        on_the_emulator(bench)
