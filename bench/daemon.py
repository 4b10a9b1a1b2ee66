"""The daemon: how soon it answers, what it costs when nothing happens, whether its memory grows."""
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import time

from kit import Failure, note, spread

IDLE_S = 60
STARTS = 5
RUNS = (100, 1000)
PATIENCE_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    def __init__(self, bench, folder):
        self.port, self.log = free_port(), folder / "daemon.log"
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        argv = [str(bench.binary), "serve", "--state-dir", str(folder / "state"), "--listen",
                f"127.0.0.1:{self.port}", "--data-dir", str(self.data)]
        with open(self.log, "ab") as out:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT)

    def wait_healthy(self):
        """Milliseconds from its start to its first answer."""
        while time.perf_counter() - self.started < PATIENCE_S:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/healthz")[0] == 200:
                    return (time.perf_counter() - self.started) * 1000
            time.sleep(0.001)
        raise Failure("the daemon does not answer: " + self.log.read_text(errors="replace")[-300:])

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def call(self, method, path, body=None):
        status, text = self.ask(method, path, body)
        if status >= 300:
            raise Failure(f"{method} {path}: {status} {text[:300]}")
        return json.loads(text) if text else None

    def cpu_ms(self):
        """To the nanosecond, summed over its threads; those that ended are gone from the sum."""
        spent = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            spent += int((task / "schedstat").read_text().split()[0])
        return spent / 1e6

    def rss_mb(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise Failure("the daemon has no VmRSS")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure("the daemon did not end within 30 s of SIGTERM") from None


@contextlib.contextmanager
def running(bench, folder):
    daemon = Daemon(bench, folder)
    try:
        yield daemon, daemon.wait_healthy()
    finally:
        daemon.stop()


def measure(bench):
    answers = []
    for _ in range(STARTS):
        with running(bench, bench.fresh("daemon")) as (_, answered):
            answers.append(answered)
    median = statistics.median(answers)
    bench.row("daemon with an empty store: start to /healthz", spread(answers, 1, "ms", 1),
              "< 100 ms", median < 100, ms=answers)
    idle(bench)
    growth(bench)


def idle(bench):
    with running(bench, bench.fresh("daemon")) as (daemon, _):
        job = {"name": "hourly", "source": {"name": "dummy", "stream": "creatures"},
               "destination": {"name": "logger", "config": {}},
               "schedule": {"at": "2999-01-01T00:00:00Z"}}
        status, text = daemon.ask("POST", "/api/v1/jobs", job)
        if status >= 300:
            note(f"the idle daemon has no job: {text[:200]}")
        time.sleep(3)
        before = daemon.cpu_ms()
        time.sleep(IDLE_S)
        spent = daemon.cpu_ms() - before
        bench.row("an idle daemon's CPU a minute", f"{spent:.1f} ms", "< 60 ms", spent < 60,
                  cpu_ms=spent, rss_mb=daemon.rss_mb())


def growth(bench):
    folder = bench.fresh("daemon")
    with running(bench, folder) as (daemon, _):
        os.link(bench.data(1000), daemon.data / "in.ndjson")
        daemon.call("POST", "/api/v1/jobs", {
            "name": "again", "source": {"name": "file", "stream": "records", "path": "in.ndjson",
                                        "primary_key": "id"},
            "destination": {"name": "file", "config": {"destination_id": "out"}}})
        sizes, done, start = [], 0, time.perf_counter()
        for until in RUNS:
            while done < until:
                one_run(daemon)
                done += 1
            sizes.append(daemon.rss_mb())
        each = (time.perf_counter() - start) / done * 1000
        more = sizes[1] - sizes[0]
        bench.row(f"daemon's memory after {RUNS[0]} -> {RUNS[1]:,} runs",
                  f"{sizes[0]:.1f} -> {sizes[1]:.1f} MB ({more:+.1f})", "at most 2 MB more",
                  more <= 2, rss_mb=sizes)
        bench.row("a run of 1,000 records by the API, start to end as its caller sees it",
                  f"{each:.1f} ms", each_ms=each)


def one_run(daemon):
    run = daemon.call("POST", "/api/v1/jobs/again/runs")
    deadline = time.perf_counter() + PATIENCE_S
    while run["state"] in ("queued", "running"):
        if time.perf_counter() > deadline:
            raise Failure(f"run {run['id']} is still {run['state']} after {PATIENCE_S} s")
        time.sleep(0.002)
        run = daemon.call("GET", f"/api/v1/runs/{run['id']}")
    if run["state"] != "succeeded":
        raise Failure(f"run {run['id']} {run['state']}: {run['error']}")
