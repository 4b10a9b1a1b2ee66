"""Google's own clients drive the fake: what they take for BigQuery's behaviour is that."""
import gzip
import io
import json
import os
import pathlib
import subprocess
import unittest
import urllib.request

from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = [
    bigquery.SchemaField("id", "INTEGER", "REQUIRED"), bigquery.SchemaField("name", "STRING"),
    bigquery.SchemaField("raw", "BYTES"), bigquery.SchemaField("score", "FLOAT"),
    bigquery.SchemaField("price", "NUMERIC"), bigquery.SchemaField("big", "BIGNUMERIC"),
    bigquery.SchemaField("on", "BOOLEAN"), bigquery.SchemaField("at", "TIMESTAMP"),
    bigquery.SchemaField("local", "DATETIME"), bigquery.SchemaField("day", "DATE"),
    bigquery.SchemaField("clock", "TIME"), bigquery.SchemaField("place", "GEOGRAPHY"),
    bigquery.SchemaField("doc", "JSON"), bigquery.SchemaField("tags", "STRING", "REPEATED"),
    bigquery.SchemaField("address", "RECORD", fields=[bigquery.SchemaField("zip", "STRING"),
                                                     bigquery.SchemaField("n", "INTEGER", "REPEATED")])]
ROW = {"id": 1, "name": "Zoë", "raw": "AAH/", "score": 1.5, "price": "12.340", "big": "1e-30", "on": True,
       "at": "2024-02-29T12:34:56.789012+02:00", "local": "2024-02-29T01:02:03", "day": "2024-02-29",
       "clock": "23:59:59.5", "place": "POINT(1 2)", "doc": {"a": [1, 2.5, None]}, "tags": ["x", "y"],
       "address": {"zip": "01234", "n": [1, 2]}}
SIMPLE = [bigquery.SchemaField("id", "INTEGER", "REQUIRED"), bigquery.SchemaField("name", "STRING")]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


class Fake(unittest.TestCase):
    """One fake for all; each test begins with a reset and the dataset d."""

    @classmethod
    def setUpClass(cls):
        cls.process = subprocess.Popen([str(HERE / "serve"), "--project", "p1"],
                                       stdout=subprocess.PIPE)
        cls.ports = json.loads(cls.process.stdout.readline())
        cls.url = "http://127.0.0.1:%d" % cls.ports["rest_port"]
        os.environ["BIGQUERY_EMULATOR_HOST"] = cls.url
        cls.client = bigquery.Client(project="p1", credentials=AnonymousCredentials(),
                                     client_options=ClientOptions(api_endpoint=cls.url))

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.process.terminate()
        cls.process.wait(10)
        cls.process.stdout.close()

    def setUp(self):
        self.fake("POST", "/_fake/reset")
        self.fake("POST", "/_fake/options", {"job_seconds": 0})  # The clients poll by the second.
        self.client.create_dataset("d")

    def fake(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, method=method)) as answer:
            return answer.read()

    def rows(self, table):
        return [json.loads(line) for line in self.fake("GET", "/_fake/rows?table=p1.d." + table).splitlines()]

    def table(self, name, schema=None):
        return self.client.create_table(bigquery.Table("p1.d." + name, schema=schema or SIMPLE))

    def load(self, table, data, job_id=None, **config):
        config.setdefault("source_format", "NEWLINE_DELIMITED_JSON")
        return self.client.load_table_from_file(
            io.BytesIO(data), "p1.d." + table, size=len(data), job_id=job_id, project="p1", num_retries=0,
            job_config=bigquery.LoadJobConfig(**config))


class Rest(Fake):
    def test_a_table_is_as_it_was_made(self):
        wanted = bigquery.Table("p1.d.t", schema=SCHEMA)
        wanted.time_partitioning = bigquery.TimePartitioning(field="at")
        wanted.clustering_fields = ["id"]
        wanted.labels = {"a": "b"}
        self.client.create_table(wanted)
        got = self.client.get_table("p1.d.t")
        self.assertEqual(got.schema, SCHEMA)
        self.assertEqual((got.time_partitioning.field, got.clustering_fields, got.labels, got.num_rows),
                         ("at", ["id"], {"a": "b"}, 0))
        with self.assertRaises(exceptions.Conflict):
            self.client.create_table(wanted)
        self.assertEqual([t.table_id for t in self.client.list_tables("d")], ["t"])
        self.client.delete_table("p1.d.t")
        with self.assertRaises(exceptions.NotFound):
            self.client.get_table("p1.d.t")

    def test_every_type_by_multipart_load(self):
        self.load("t", gzip.compress(lines([ROW])), schema=SCHEMA).result()
        one = list(self.client.list_rows("p1.d.t"))[0]
        self.assertEqual((one["id"], one["name"], one["raw"], one["on"]), (1, "Zoë", b"\0\1\xff", True))
        self.assertEqual(one["at"].isoformat(), "2024-02-29T10:34:56.789012+00:00")
        self.assertEqual((str(one["price"]), one["doc"], one["tags"]), ("12.34", ROW["doc"], ["x", "y"]))
        self.assertEqual(one["address"], ROW["address"])
        self.assertEqual((str(one["day"]), str(one["clock"])), ("2024-02-29", "23:59:59.500000"))
        self.assertEqual(self.client.get_table("p1.d.t").num_rows, 1)
        again = self.rows("t")[0]
        self.assertEqual((again["at"], again["doc"]), ("2024-02-29T10:34:56.789012Z", '{"a":[1,2.5,null]}'))

    def test_resumable_upload_in_chunks(self):
        data = lines({"id": i, "name": "x" * 200} for i in range(8000))
        file = io.BytesIO(data)
        self.table("t")
        # What the client's own resumable path sends, in chunks of 256 KiB.
        answer = self.client._do_resumable_upload(
            file, {"configuration": {"load": {
                "destinationTable": {"projectId": "p1", "datasetId": "d", "tableId": "t"},
                "sourceFormat": "NEWLINE_DELIMITED_JSON"}}, "jobReference": {"projectId": "p1", "jobId": "up"}},
            0, 30)
        self.assertEqual(answer.status_code, 200)
        self.client.get_job("up").result()
        self.assertEqual(self.client.get_table("p1.d.t").num_rows, 8000)

    def test_a_job_id_is_used_once(self):
        self.table("t")
        self.load("t", lines([{"id": 1}]), job_id="one").result()
        with self.assertRaises(exceptions.Conflict) as seen:
            self.load("t", lines([{"id": 1}]), job_id="one")
        self.assertEqual(seen.exception.errors[0]["reason"], "duplicate")
        self.assertIsNone(self.client.get_job("one").error_result)
        failed = self.load("t", lines([{"name": "no id"}]), job_id="two")
        with self.assertRaises(exceptions.BadRequest):
            failed.result()
        self.assertEqual(failed.error_result["reason"], "invalid")
        with self.assertRaises(exceptions.Conflict):
            self.load("t", lines([{"id": 1}]), job_id="two")
        self.assertEqual(len(self.rows("t")), 1)

    def test_bad_rows_fail_the_whole_load(self):
        self.table("t")
        for bad in ({"id": 2, "new": 1}, {"name": "x"}, {"id": "x"}, {"id": None}, {"id": 3, "name": {}}):
            job = self.load("t", lines([{"id": 1}, bad]))
            with self.assertRaises(exceptions.BadRequest, msg=bad):
                job.result()
            self.assertGreater(len(job.errors), 1)
        self.load("t", lines([{"id": 1}, {"id": "x"}]), max_bad_records=1).result()
        self.assertEqual(self.rows("t"), [{"id": 1, "name": None}])

    def test_a_schema_grows_only_when_asked(self):
        self.table("t")
        wider = [bigquery.SchemaField("id", "INTEGER"), SIMPLE[1], bigquery.SchemaField("new", "STRING")]
        with self.assertRaises(exceptions.BadRequest):
            self.load("t", lines([{"new": "x"}]), schema=wider).result()
        self.load("t", lines([{"new": "x"}]), schema=wider,
                  schema_update_options=["ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"]).result()
        self.assertEqual(self.client.get_table("p1.d.t").schema, wider)
        self.assertEqual(self.rows("t"), [{"id": None, "name": None, "new": "x"}])

    def test_update_table_adds_a_column_and_heeds_the_etag(self):
        table = self.table("t")
        stale = self.client.get_table("p1.d.t")
        table.schema = SIMPLE + [bigquery.SchemaField("new", "STRING")]
        self.client.update_table(table, ["schema"])
        self.assertEqual(len(self.client.get_table("p1.d.t").schema), 3)
        stale.labels = {"x": "y"}
        with self.assertRaises(exceptions.PreconditionFailed):
            self.client.update_table(stale, ["labels"])
        table = self.client.get_table("p1.d.t")
        table.schema = table.schema[1:]
        with self.assertRaises(exceptions.BadRequest):
            self.client.update_table(table, ["schema"])

    def test_copies(self):
        self.load("a", lines([{"id": 1}]), schema=SIMPLE).result()
        self.client.copy_table("p1.d.a", "p1.d.b").result()
        with self.assertRaises(exceptions.Conflict):
            self.client.copy_table("p1.d.a", "p1.d.b").result()
        for disposition, rows in (("WRITE_APPEND", 2), ("WRITE_TRUNCATE", 1)):
            self.client.copy_table("p1.d.a", "p1.d.b", job_config=bigquery.CopyJobConfig(
                write_disposition=disposition)).result()
            self.assertEqual(self.client.get_table("p1.d.b").num_rows, rows)
        with self.assertRaises(exceptions.NotFound):
            self.client.copy_table("p1.d.none", "p1.d.c").result()

    def test_streamed_rows(self):
        table = self.table("t")
        bad = [{"id": 1}, {"id": "x"}, {"id": 2, "nope": 1}]
        errors = self.client.insert_rows_json(table, bad, row_ids=["a", "b", "c"])
        self.assertEqual([(e["index"], e["errors"][0]["reason"]) for e in errors],
                         [(0, "stopped"), (1, "invalid"), (2, "invalid")])
        self.assertEqual(self.rows("t"), [])
        errors = self.client.insert_rows_json(table, bad, row_ids=["a", "b", "c"], skip_invalid_rows=True)
        self.assertEqual([e["index"] for e in errors], [1, 2])
        self.assertEqual(self.client.insert_rows_json(table, [{"id": 1}], row_ids=["a"]), [])
        self.assertEqual(self.rows("t"), [{"id": 1, "name": None}])
        self.fake("POST", "/_fake/advance", {"seconds": 61})
        self.client.insert_rows_json(table, [{"id": 1}], row_ids=["a"])
        self.assertEqual(len(list(self.client.list_rows("p1.d.t"))), 2)

    def test_a_copy_skips_the_streaming_buffer(self):
        self.client.insert_rows_json(self.table("t"), [{"id": 1}])
        self.assertEqual(self.client.get_table("p1.d.t").streaming_buffer.estimated_rows, 1)
        self.client.copy_table("p1.d.t", "p1.d.u").result()
        self.assertEqual(self.rows("u"), [])
        self.fake("POST", "/_fake/flush_streaming_buffer")
        self.assertIsNone(self.client.get_table("p1.d.t").streaming_buffer)
        self.client.copy_table("p1.d.t", "p1.d.v").result()
        self.assertEqual(len(self.rows("v")), 1)

    def test_queries(self):
        self.load("t", lines([{"id": i} for i in range(25)]), schema=SIMPLE).result()
        self.assertEqual(list(self.client.query("SELECT COUNT(*) AS n FROM `p1.d.t`").result())[0]["n"], 25)
        got = self.client.query("SELECT id FROM `p1.d.t` ORDER BY id DESC LIMIT 12").result(page_size=5)
        self.assertEqual([row["id"] for row in got], list(range(24, 12, -1)))
        self.assertEqual(len(list(self.client.query_and_wait("SELECT * FROM d.t"))), 25)
        self.client.query("SELECT * FROM `p1.d.t`", job_config=bigquery.QueryJobConfig(
            destination="p1.d.u", write_disposition="WRITE_TRUNCATE")).result()
        self.assertEqual(self.rows("u"), self.rows("t"))
        with self.assertRaises(exceptions.BadRequest):
            self.client.query("DROP TABLE t").result()

    def test_a_job_runs_where_its_dataset_is(self):
        there = bigquery.Dataset("p1.eu")
        there.location = "europe-west1"
        self.client.create_dataset(there)
        self.load("t", lines([{"id": 1}]), schema=SIMPLE).result()
        config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=SIMPLE)
        job = self.client.load_table_from_json([{"id": 1}], "p1.eu.t", job_config=config)
        self.assertEqual(job.result().location, "europe-west1")
        with self.assertRaises(exceptions.NotFound):
            self.client.get_job(job.job_id)
        self.client.get_job(job.job_id, location="europe-west1")
        with self.assertRaises(exceptions.NotFound):
            self.client.load_table_from_json([{"id": 1}], "p1.eu.t", job_config=config, location="US", num_retries=0)
        self.assertEqual(len(list(self.client.query("SELECT * FROM `p1.eu.t`").result())), 1)

    def test_a_truncating_load_keeps_what_partitions_the_table(self):
        wanted = bigquery.Table("p1.d.t", schema=SCHEMA)
        wanted.time_partitioning = bigquery.TimePartitioning(field="at")
        self.client.create_table(wanted)
        with self.assertRaises(exceptions.BadRequest):
            self.load("t", lines([{"id": 1}]), schema=SIMPLE, write_disposition="WRITE_TRUNCATE").result()
        self.assertEqual(self.client.get_table("p1.d.t").schema, SCHEMA)
        self.load("t", lines([{"id": 1}]), schema=SCHEMA[:8], write_disposition="WRITE_TRUNCATE").result()
        table = self.client.get_table("p1.d.t")
        self.assertEqual((table.time_partitioning.field, table.schema), ("at", SCHEMA[:8]))
