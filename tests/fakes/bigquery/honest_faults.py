"""What a test asks of the fake: faults, its clock, quotas and limits, as Google's clients meet them."""
import json

from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.exceptions import RefreshError
from google.cloud import bigquery
from google.oauth2.credentials import Credentials

import honest
from honest import lines


class Faults(honest.Fake):
    def fault(self, **spec):
        self.fake("POST", "/_fake/faults", spec)

    def test_the_clients_retries_meet_what_was_asked_for(self):
        self.table("t")
        self.fault(on="rest", method="GET", path="/tables/t$", status=503, reason="backendError", times=2)
        self.client.get_table("p1.d.t")
        calls = json.loads(self.fake("GET", "/_fake/calls"))["calls"]
        self.assertEqual([c["status"] for c in calls if c["path"].endswith("/tables/t")], [503, 503, 200])

    def test_a_lost_answer_is_found_by_its_job_id(self):
        self.table("t")
        self.fault(on="rest", method="POST", path="/jobs$", cut="after")
        with self.assertRaises(Exception):
            self.load("t", lines([{"id": 1}]), job_id="lost")
        self.client.get_job("lost").result()
        self.assertEqual(len(self.rows("t")), 1)
        self.fault(on="rest", method="POST", path="/jobs$", cut="before")
        with self.assertRaises(Exception):
            self.load("t", lines([{"id": 1}]), job_id="never")
        with self.assertRaises(exceptions.NotFound):
            self.client.get_job("never")

    def test_a_job_runs_for_a_while_and_may_fail(self):
        self.table("t")
        self.fake("POST", "/_fake/options", {"job_seconds": 3600})
        self.fault(on="job", method="load", job_error={"reason": "jobBackendError"})
        job = self.load("t", lines([{"id": 1}]))
        self.assertEqual(self.client.get_job(job.job_id).state, "RUNNING")
        self.fake("POST", "/_fake/advance", {"seconds": 3601})
        self.assertEqual(self.client.get_job(job.job_id).error_result["reason"], "jobBackendError")
        self.assertEqual(self.rows("t"), [])

    def test_quotas(self):
        self.fake("POST", "/_fake/options", {"modifications_per_day": 1})
        table = self.table("t")
        self.load("t", lines([{"id": 1}])).result()
        with self.assertRaises(exceptions.Forbidden) as seen:
            self.load("t", lines([{"id": 1}])).result()
        self.assertEqual(seen.exception.errors[0]["reason"], "quotaExceeded")
        table = self.client.get_table(table)
        for i in range(5):
            table.labels = {"n": str(i)}
            table = self.client.update_table(table, ["labels"], retry=None)
        with self.assertRaises(exceptions.Forbidden):
            self.client.update_table(table, ["labels"], retry=None)
        self.fake("POST", "/_fake/advance", {"seconds": 10})
        self.client.update_table(table, ["labels"], retry=None)

    def test_what_insert_all_takes_at_most(self):
        table = self.table("t")
        self.fake("POST", "/_fake/options", {"insert_max_rows": 2, "insert_max_bytes": 500})
        self.client.insert_rows_json(table, [{"id": 1}, {"id": 2}])
        with self.assertRaises(exceptions.BadRequest):
            self.client.insert_rows_json(table, [{"id": 1}] * 3)
        with self.assertRaises(exceptions.GoogleAPICallError) as seen:
            self.client.insert_rows_json(table, [{"id": 1, "name": "x" * 500}])
        self.assertEqual(seen.exception.code, 413)
        self.assertEqual(len(self.rows("t")), 2)

    def test_a_token_may_be_asked_for(self):
        self.fake("POST", "/_fake/options", {"token": "secret"})
        for token, refused in (("secret", False), ("stale", True)):
            client = bigquery.Client(project="p1", credentials=Credentials(token),
                                     client_options=ClientOptions(api_endpoint=self.url))
            if refused:  # A 401 lets the client ask for a new token, and it has nothing to ask with.
                with self.assertRaises(RefreshError):
                    client.get_dataset("d")
            else:
                client.get_dataset("d")
            client.close()
