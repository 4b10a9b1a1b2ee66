"""Google's own clients ask the fake what they may do, and are refused what it denies."""
import grpc
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, storage
from google.cloud import bigquery_storage_v1
from google.cloud.bigquery_storage_v1 import types
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport

from honest import SIMPLE, Fake, lines

TABLE = ["bigquery.tables.get", "bigquery.tables.updateData", "bigquery.tables.delete"]


class Access(Fake):
    def deny(self, *permissions):
        self.fake("POST", "/_fake/options", {"denied": list(permissions)})

    def dry_run(self, sql):
        return self.client.query(sql, job_config=bigquery.QueryJobConfig(dry_run=True), retry=None, job_retry=None)

    def granted(self, table, permissions):
        return sorted(self.client.test_iam_permissions("p1.d." + table, permissions).get("permissions", []))

    def test_a_table_tells_what_may_be_done_with_it(self):
        self.table("t")
        self.assertEqual(self.granted("t", TABLE), sorted(TABLE))
        self.deny("bigquery.tables.updateData")
        self.assertEqual(self.granted("t", TABLE), ["bigquery.tables.delete", "bigquery.tables.get"])
        with self.assertRaises(exceptions.BadRequest):
            self.granted("t", ["bigquery.jobs.create"])
        with self.assertRaises(exceptions.NotFound):
            self.granted("none", TABLE)
        self.deny("bigquery.tables.get")
        self.assertEqual(self.granted("none", TABLE), [])

    def test_a_dry_run_is_checked_and_leaves_nothing(self):
        self.load("t", lines([{"id": 1}]), schema=SIMPLE).result()
        jobs = len(list(self.client.list_jobs()))
        job = self.dry_run("SELECT * FROM `p1.d.t`")
        self.assertEqual((job.state, job.total_bytes_processed, [f.name for f in job.schema]),
                         ("DONE", 0, ["id", "name"]))
        self.dry_run("CREATE TABLE `p1.d.new` (n INT64)")
        self.dry_run("CREATE SCHEMA `p1.other`")
        self.assertEqual([t.table_id for t in self.client.list_tables("d")], ["t"])
        self.assertEqual(len(list(self.client.list_jobs())), jobs)
        for sql, error in (("CREATE TABLE `p1.none.t` (n INT64)", exceptions.NotFound),
                           ("SELEC 1", exceptions.BadRequest)):
            with self.assertRaises(error):
                self.dry_run(sql)

    def test_a_dry_run_is_refused_as_its_query_would_be(self):
        for permission, sql in (("bigquery.jobs.create", "SELECT 1"),
                                ("bigquery.tables.create", "CREATE TABLE `p1.d.new` (n INT64)"),
                                ("bigquery.datasets.create", "CREATE SCHEMA `p1.other`")):
            self.deny(permission)
            with self.assertRaises(exceptions.Forbidden) as seen:
                self.dry_run(sql)
            self.assertIn(permission, seen.exception.errors[0]["message"])
            self.assertEqual(seen.exception.errors[0]["reason"], "accessDenied")

    def test_every_call_needs_its_permission(self):
        table = self.table("t")
        for permission, call in (
                ("bigquery.datasets.create", lambda: self.client.create_dataset("other")),
                ("bigquery.datasets.get", lambda: self.client.get_dataset("d")),
                ("bigquery.tables.list", lambda: list(self.client.list_tables("d"))),
                ("bigquery.tables.get", lambda: self.client.get_table("p1.d.t")),
                ("bigquery.tables.create", lambda: self.table("u")),
                ("bigquery.tables.update", lambda: self.client.update_table(table, ["labels"])),
                ("bigquery.tables.updateData", lambda: self.client.insert_rows_json(table, [{"id": 1}])),
                ("bigquery.tables.updateData", lambda: self.load("t", lines([{"id": 1}]))),
                ("bigquery.tables.getData", lambda: self.client.copy_table("p1.d.t", "p1.d.v")),
                ("bigquery.jobs.create", lambda: self.load("t", lines([{"id": 1}]))),
                ("bigquery.tables.create", lambda: self.client.copy_table("p1.d.t", "p1.d.v")),
                ("bigquery.tables.delete", lambda: self.client.delete_table("p1.d.t"))):
            self.deny(permission)
            with self.assertRaises(exceptions.Forbidden, msg=permission):
                call()
        self.deny()
        self.assertEqual([t.table_id for t in self.client.list_tables("d")], ["t"])
        self.assertEqual(self.rows("t"), [])

    def test_a_write_stream_needs_update_data(self):
        self.table("t")
        self.deny("bigquery.tables.updateData")
        channel = grpc.insecure_channel("127.0.0.1:%d" % self.ports["grpc_port"])
        writer = bigquery_storage_v1.BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel))
        try:
            with self.assertRaises(exceptions.PermissionDenied):
                writer.create_write_stream(parent="projects/p1/datasets/d/tables/t", write_stream=types.WriteStream(
                    type_=types.WriteStream.Type.PENDING))
        finally:
            writer.transport.close()

    def test_a_bucket_tells_what_may_be_done_with_it(self):
        client = storage.Client(project="p1", credentials=AnonymousCredentials(),
                                client_options={"api_endpoint": self.url})
        bucket, asked = client.bucket("b"), ["storage.objects.create", "storage.objects.delete"]
        bucket.blob("there").upload_from_string(b"x")
        self.assertEqual(sorted(bucket.test_iam_permissions(asked)), asked)
        self.deny("storage.objects.create")
        self.assertEqual(bucket.test_iam_permissions(asked), ["storage.objects.delete"])
        with self.assertRaises(exceptions.Forbidden):
            bucket.blob("o").upload_from_string(b"x", retry=None)
        with self.assertRaises(exceptions.BadRequest):
            bucket.test_iam_permissions(["storage.buckets.list"])
        self.deny("storage.objects.list")
        with self.assertRaises(exceptions.Forbidden):
            list(client.list_blobs("b"))
        client.close()
