"""The destinations of BigQuery, over a fake that is started for a cell and ended with it."""
import contextlib
import json
import pathlib
import re
import subprocess
import urllib.error
import urllib.request

from foreground import Cell
from truth import Source, canonical

SERVE = pathlib.Path(__file__).resolve().parents[1] / "fakes" / "bigquery" / "serve"
DATASET = "crash"
BUCKET = "crash-bucket"
STAGING = re.compile(r"_temp(_|$)|_incremental(_|$)")


class BulkySource(Source):
    """Few rows of some kilobytes each: a page is filled by little work of a fake in Python. The first of each
    step is larger than what insertAll takes."""

    def record(self, key):
        value = json.loads(super().record(key))
        if self.large:
            self.large = False
            value["pad"] = "y" * 1_000_000
        else:
            value["pad"] = "x" * self.rng.randrange(3000, 7000)
        return json.dumps(value, separators=(",", ":"))

    def grow(self, count):
        self.large = True
        super().grow(count)

    def append(self, lines):
        super().append(lines)
        self.lines[-len(lines):] = map(canonical, lines)


class Fake:
    """One process of the fake; everything in it is forgotten by reset()."""

    def __init__(self):
        self.process = subprocess.Popen([str(SERVE), "--project", "p1"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the fake of BigQuery did not start; scripts/setup --tests makes what it runs in")
        ports = json.loads(line)
        self.url = "http://127.0.0.1:%d" % ports["rest_port"]
        self.environment = {
            "BIGQUERY_EMULATOR_HOST": self.url,
            "STORAGE_EMULATOR_HOST": self.url,
            "BIGQUERY_STORAGE_EMULATOR_HOST": "127.0.0.1:%d" % ports["grpc_port"],
        }

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method,
                                         data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def reset(self):
        self.ask("POST", "/_fake/reset")
        # A job's end is looked for a quarter of a second later; and a test has no minutes between its runs.
        self.ask("POST", "/_fake/options", {"job_seconds": 0, "metadata_updates_per_10s": 1_000_000})
        self.ask("POST", "/bigquery/v2/projects/p1/datasets",
                 {"datasetReference": {"projectId": "p1", "datasetId": DATASET}})

    def tables(self):
        return json.loads(self.ask("GET", "/_fake/tables"))["tables"]

    def rows(self, table):
        try:
            text = self.ask("GET", "/_fake/rows?table=p1.%s.%s" % (DATASET, table))
        except urllib.error.HTTPError as why:
            if why.code == 404:
                return []
            raise
        return [json.loads(line) for line in text.split(b"\n") if line]

    def objects(self):
        listed = json.loads(self.ask("GET", "/storage/v1/b/%s/o" % BUCKET))
        return [item["name"] for item in listed.get("items", [])]


class BigQueryCell(Cell):
    """One destination of BigQuery in one mode; `bucket`: its files wait in Cloud Storage.

    mode stream: a run ends after so many looks at the source, as others do when they are limited."""

    START = 500  # More than two pages of the source.
    GROWTH = 120
    STEPS_A_FOLDER = 4  # What the fake holds, it holds in memory.
    THOROUGH = False

    def __init__(self, destination, mode, bucket=False, limited=False):
        super().__init__(destination, mode, limited=limited)
        self.limited = limited or mode == "stream"
        self.bucket = bucket
        if bucket:
            self.name += "-bucket"
        if destination == "bigquery_streaming" and mode == "full_refresh":
            self.STEPS_A_FOLDER = 1  # It adds all rows with each run.
        self.doubles = destination == "bigquery_streaming"
        self.fake = None

    @contextlib.contextmanager
    def counterpart(self):
        self.fake = Fake()
        try:
            yield
        finally:
            self.fake.end()

    def environment(self):
        return self.fake.environment

    def source(self, folder, rng):
        self.fake.reset()
        return BulkySource(folder / "rows.jsonl", rng)

    def target(self, folder):
        more = "    project_id: p1\n    dataset_id: %s\n" % DATASET
        if self.bucket:
            more += "    gcs_buffer_bucket: %s\n    load_files_per_job: 2\n    async_load: true\n" % BUCKET
        return "rows", more

    def rows(self, folder):
        # A JSON column keeps no record's bytes: sources and tables are compared by what the records say.
        return [canonical(row["_source_data"]) for row in self.fake.rows("rows")]

    def leftovers(self, folder):
        found = [name for name in self.fake.tables() if STAGING.search(name)]
        found += ["gs://%s/%s" % (BUCKET, name) for name in self.fake.objects()]
        return found + [str(path) for path in folder.rglob("bigquery/*") if path.suffix != ".lock"]


CELLS = [BigQueryCell("bigquery", "full_refresh"), BigQueryCell("bigquery", "cursor")]
CELLS.append(BigQueryCell("bigquery", "position", bucket=True, limited=True))
CELLS += [BigQueryCell("bigquery_streaming", mode) for mode in ("full_refresh", "cursor")]
CELLS += [BigQueryCell("bigquery_streaming_v2", mode) for mode in ("full_refresh", "cursor", "stream")]
