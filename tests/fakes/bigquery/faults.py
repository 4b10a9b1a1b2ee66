"""Faults that a test asks for: which call they meet, and what happens to it.

{"on": "rest", "method": "POST", "path": "regex", "nth": 1, "times": 1, ...} with one or more of
  "status": 503, "reason": "backendError", "message": "...", "retry_after": 1   (no reason: no JSON)
  "cut": "before" | "after"      the connection ends before, or after, the call was done
  "delay_ms": 200                before anything is done
  "cut_upload_after_bytes": N    the connection ends when so much of the body was read
{"on": "grpc", "method": "AppendRows", ...} with
  "code": "UNAVAILABLE", "message": "..."; "cut": "before" | "after"; "delay_ms"
  "cut_after_requests": N        the call ends after its Nth request was done, before it is answered
  "in_band": {"code": 10, "message": "...", "nth": 1, "times": 1}  an error in place of that append
                                 with "row_errors": [{"index": 1, "message": "..."}] for the sake of these rows
{"on": "job", "method": "load", "path": "regex of the job's id", ...} with
  "job_error": {"reason": "jobBackendError", "message": "..."}
{"on": "row", "path": "regex of the row's JSON", ...}: a row of insertAll is not inserted, for
  "row_error": {"reason": "backendError", "message": "..."}
{"on": "load_row", "path": "regex of the line", "message": "..."}: a bad row of a load job
"""
import re

_KEYS = {"on", "method", "path", "nth", "times", "status", "reason", "message", "retry_after", "cut",
         "delay_ms", "cut_upload_after_bytes", "code", "cut_after_requests", "in_band", "job_error",
         "row_error"}


class Fault:
    def __init__(self, spec):
        unknown = set(spec) - _KEYS
        if unknown:
            raise ValueError("a fault has no %s" % ", ".join(sorted(unknown)))
        if spec.get("on", "rest") not in ("rest", "grpc", "job", "row", "load_row"):
            raise ValueError("a fault is on rest, grpc, job, row or load_row")
        if spec.get("cut") not in (None, "before", "after"):
            raise ValueError("a fault cuts before or after")
        self.spec = dict(spec)
        self.on, self.method = spec.get("on", "rest"), spec.get("method")
        self.path = re.compile(spec.get("path", ""))
        self.first, self.times = int(spec.get("nth", 1)), int(spec.get("times", 1))
        self.seen = 0
        self.fired = 0

    def meets(self, on, method, path):
        if self.on != on or (self.method and self.method != method) or not self.path.search(path):
            return False
        self.seen += 1
        if not self.first <= self.seen < self.first + self.times:
            return False
        self.fired += 1
        return True

    def get(self, key, default=None):
        return self.spec.get(key, default)


class Faults:
    def __init__(self):
        self.all = []

    def add(self, spec):
        self.all.append(Fault(spec))

    def clear(self):
        self.all = []

    def meet(self, on, method, path):
        """The first fault that this call meets; every fault counts the call."""
        met = None
        for fault in self.all:
            if fault.meets(on, method, path) and met is None:
                met = fault
        return met

    def shown(self):
        return [dict(f.spec, seen=f.seen, fired=f.fired) for f in self.all]
