"""Google's upload library and Storage client drive the fake's uploads: chunks, cuts, dead sessions, gs://."""
import io
import json
import os

import requests
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.resumable_media import InvalidResponse
from google.resumable_media import requests as resumable_media

import honest

UNIT = 256 << 10
JOB = {"configuration": {"load": {
    "destinationTable": {"projectId": "p1", "datasetId": "d", "tableId": "t"},
    "sourceFormat": "NEWLINE_DELIMITED_JSON"}}, "jobReference": {"projectId": "p1", "jobId": "up"}}


class Uploads(honest.Fake):
    def setUp(self):
        super().setUp()
        self.table("t")
        self.data = honest.lines({"id": i, "name": "x" * 200} for i in range(5000))
        self.transport = requests.Session()

    def tearDown(self):
        self.transport.close()

    def begin(self, chunk=UNIT):
        upload = resumable_media.ResumableUpload(
            self.url + "/upload/bigquery/v2/projects/p1/jobs?uploadType=resumable", chunk)
        # The library's own retries would hide what the server says.
        upload._retry_strategy = upload._retry_strategy.__class__(max_retries=0)
        upload.initiate(self.transport, io.BytesIO(self.data), JOB, "*/*", total_bytes=len(self.data))
        return upload

    def finish(self, upload):
        while not upload.finished:
            answer = upload.transmit_next_chunk(self.transport)
        self.client.get_job("up").result()
        self.assertEqual(len(self.rows("t")), 5000)
        return answer

    def test_chunks_of_any_multiple(self):
        upload = self.begin(2 * UNIT)
        upload.transmit_next_chunk(self.transport)
        self.assertEqual(upload.bytes_uploaded, 2 * UNIT)
        self.assertEqual(self.finish(upload).json()["jobReference"]["jobId"], "up")

    def test_a_cut_chunk_is_resumed_where_it_was_cut(self):
        upload = self.begin(3 * UNIT)
        self.fake("POST", "/_fake/faults", {"on": "rest", "method": "PUT", "cut_upload_after_bytes": UNIT + 1000})
        with self.assertRaises(requests.exceptions.ConnectionError):
            upload.transmit_next_chunk(self.transport)
        upload._invalid = True  # What the library notes of a bad answer, it does not of none.
        upload.recover(self.transport)
        self.assertEqual(upload.bytes_uploaded, UNIT)
        self.finish(upload)

    def test_a_failed_chunk_is_sent_again(self):
        upload = self.begin()
        upload.transmit_next_chunk(self.transport)
        self.fake("POST", "/_fake/faults", {"on": "rest", "method": "PUT", "status": 503, "reason": "backendError"})
        with self.assertRaises(InvalidResponse):
            upload.transmit_next_chunk(self.transport)
        upload.recover(self.transport)
        self.assertEqual(upload.bytes_uploaded, UNIT)
        self.finish(upload)

    def test_the_end_whose_answer_was_lost_is_said_again(self):
        upload = self.begin(64 * UNIT)
        self.fake("POST", "/_fake/faults", {"on": "rest", "method": "PUT", "cut": "after"})
        with self.assertRaises(requests.exceptions.ConnectionError):
            upload.transmit_next_chunk(self.transport)
        answer = self.transport.put(upload.resumable_url, headers={"Content-Range": "bytes */%d" % len(self.data)})
        self.assertEqual((answer.status_code, answer.json()["jobReference"]["jobId"]), (200, "up"))
        self.client.get_job("up").result()
        self.assertEqual(len(self.rows("t")), 5000)

    def test_what_the_service_refuses(self):
        upload = self.begin()
        url = upload.resumable_url

        def put(data, span):
            return self.transport.put(url, data=data, headers={"Content-Range": "bytes " + span},
                                      allow_redirects=False)
        self.assertEqual(put(b"x" * 1000, "0-999/*").status_code, 400)
        self.assertEqual(put(b"x" * UNIT, "%d-%d/*" % (UNIT, 2 * UNIT - 1)).status_code, 400)
        probe = put(b"", "*/*")
        self.assertEqual((probe.status_code, probe.headers.get("Range")), (308, None))
        upload.transmit_next_chunk(self.transport)
        self.assertEqual(put(b"", "*/%d" % len(self.data)).headers["Range"], "bytes=0-%d" % (UNIT - 1))
        # A chunk that came already does no harm.
        again = put(self.data[:2 * UNIT], "0-%d/*" % (2 * UNIT - 1))
        self.assertEqual((again.status_code, again.headers["Range"]), (308, "bytes=0-%d" % (2 * UNIT - 1)))
        self.fake("POST", "/_fake/expire_uploads")
        self.assertEqual(put(b"", "*/*").status_code, 410)
        self.assertEqual(self.transport.put(url + "x").status_code, 404)

    def test_a_reused_job_id_is_told_at_the_end(self):
        self.load("t", honest.lines([{"id": 1}]), job_id="up").result()
        upload = self.begin(64 * UNIT)
        with self.assertRaises(InvalidResponse) as seen:
            upload.transmit_next_chunk(self.transport)
        self.assertEqual(seen.exception.response.status_code, 409)
        self.assertEqual(len(self.rows("t")), 1)


class Objects(honest.Fake):
    def setUp(self):
        super().setUp()
        os.environ["STORAGE_EMULATOR_HOST"] = self.url
        self.storage = storage.Client(project="p1", credentials=AnonymousCredentials())
        self.bucket = self.storage.create_bucket("b")

    def put(self, name, rows, **more):
        self.bucket.blob(name).upload_from_string(honest.lines(rows), **more)

    def test_load_from_objects(self):
        self.put("in/1.json", [{"id": 1}])
        self.put("in/2.json", [{"id": 2}])
        self.put("other", [{"id": 3}])
        config = honest.bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=honest.SIMPLE)
        self.client.load_table_from_uri(["gs://b/in/*"], "p1.d.t", job_config=config).result()
        self.assertEqual([row["id"] for row in self.rows("t")], [1, 2])
        with self.assertRaises(exceptions.NotFound):
            self.client.load_table_from_uri("gs://b/none", "p1.d.t", job_config=config).result()

    def test_objects(self):
        self.put("a b/ü", [{"id": 1}])
        with self.assertRaises(exceptions.PreconditionFailed):
            self.put("a b/ü", [{"id": 2}], if_generation_match=0)
        self.assertEqual(json.loads(self.bucket.blob("a b/ü").download_as_bytes()), {"id": 1})
        big = self.bucket.blob("big", chunk_size=UNIT)
        big.upload_from_string(b"x" * (3 * UNIT + 5))
        self.assertEqual(len(big.download_as_bytes()), 3 * UNIT + 5)
        self.assertEqual([blob.name for blob in self.storage.list_blobs("b", prefix="a")], ["a b/ü"])
        big.delete()
        with self.assertRaises(exceptions.NotFound):
            big.delete()
