"""All that the fake knows: its clock, its options, datasets, tables, jobs, objects, calls, faults.

Threads: everything is read and changed under `lock`.
"""
import threading
import time

from faults import Faults

DEFAULT_OPTIONS = {
    "job_seconds": 0.02,  # A job is RUNNING for so long by the fake's clock.
    "modifications_per_day": 1500,  # Load, copy and query jobs into one table; failed ones count.
    "metadata_updates_per_10s": 5,
    "insert_id_window_s": 60,  # 0: every row is inserted, whatever its insertId.
    "insert_max_bytes": 10 << 20,  # Of a request and of a row.
    "insert_max_rows": 50000,
    "streaming_buffer_s": 5400,  # Until rows leave the streaming buffer by themselves.
    "append_max_bytes": 10 << 20,  # Of one AppendRowsRequest.
    "upload_session_s": 7 * 86400,
    "any_bucket": True,  # A bucket need not be made first.
    "objects_folder": None,  # When set, each object is the file BUCKET/NAME of it, too.
    "denied": [],  # Permissions that the caller lacks; see iam.py.
    "token": None,  # When set, `Authorization: Bearer TOKEN` is required.
}


class World:
    def __init__(self, project):
        self.project = project
        self.lock = threading.RLock()
        self.write_service = None  # Of the Write API; set once.
        self.reset()

    def reset(self):
        with self.lock:
            self.options = dict(DEFAULT_OPTIONS)
            self.faults = Faults()
            self.calls = []
            self.datasets = {}  # (project, dataset) -> resource
            self.tables = {}  # (project, dataset, table) -> Table
            self.jobs = {}  # (project, job id) -> Job
            self.buckets = {}  # bucket -> {object name: Object}
            self.uploads = {}  # upload id -> Upload
            self.streams = {}  # name -> Stream of the Write API
            self.modifications = {}  # table key -> times of jobs
            self.used_permissions = set()  # That calls needed, granted or not.
            self._advanced = 0.0
            self._counter = 0

    def now(self):
        return time.time() + self._advanced

    def now_ms(self):
        return str(int(self.now() * 1000))

    def advance(self, seconds):
        self._advanced += seconds
        self.settle()

    def number(self):
        """A number that was not given out before."""
        self._counter += 1
        return self._counter

    def settle(self):
        """Does what is due by now: jobs end, rows leave the streaming buffer."""
        now = self.now()
        due = [job for job in self.jobs.values() if not job.done and job.ends <= now]
        for job in sorted(due, key=lambda job: (job.ends, job.number)):
            job.finish()
        for table in self.tables.values():
            if table.buffer and now - table.buffer_since >= self.options["streaming_buffer_s"]:
                table.flush_buffer()
