"""A server of BigQuery's REST that keeps nothing: tables, jobs and resumable uploads, as far as a sync asks.

    bigquery_sink.py --rows N [--keep DIR] [--objects DIR]

Prints {"rest_port": N} once it listens on 127.0.0.1; ends when its standard input does. Every job is done at
once, and every table has N rows, which is what the syncs of one benchmark write; who wants to see what arrived
has the uploads kept in DIR, a file each. What is measured against it is the client: it reads a body and throws
it away. With --objects it is Cloud Storage as well: the object o of the bucket b is DIR/b/o."""
import argparse
import http.server
import itertools
import json
import pathlib
import re
import sys
import threading
import time
import urllib.parse

DATASET = re.compile(r"^/bigquery/v2/projects/([^/]+)/datasets/([^/]+)$")
TABLES = re.compile(r"^/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables$")
TABLE = re.compile(r"^/bigquery/v2/projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)$")
BUCKET = re.compile(r"^(/upload)?/storage/v1/b/([^/]+)/o(?:/([^/]+))?$")
JOBS = re.compile(r"^/bigquery/v2/projects/([^/]+)/jobs(?:/([^/]+))?$")
UPLOAD = "/upload/bigquery/v2/projects/"
PIECE = 1 << 20


class Sink:
    def __init__(self, rows, keep, objects):
        self.rows, self.keep, self.objects = rows, keep, objects
        self.tables, self.jobs, self.sessions = {}, {}, {}
        self.numbers, self.lock = itertools.count(1), threading.Lock()

    def table(self, key, resource):
        now = str(int(time.time() * 1000))
        resource.update(tableReference=dict(zip(("projectId", "datasetId", "tableId"), key)), numRows=str(self.rows),
                        etag=f"e{next(self.numbers)}", lastModifiedTime=now)
        resource.setdefault("creationTime", now)
        self.tables[key] = resource
        return resource

    def job(self, body):
        """Does the job. A copy and a query make their target; a load's is there."""
        name, configuration = body["jobReference"]["jobId"], body["configuration"]
        made = configuration.get("copy") or configuration.get("query")
        if made:
            to = made["destinationTable"]
            key = (to["projectId"], to["datasetId"], to["tableId"])
            old = self.tables.get(key) or next(iter(self.tables.values()), {})
            self.table(key, {"schema": old.get("schema", {}), "labels": dict(old.get("labels", {}))})
        self.jobs[name] = {"jobReference": body["jobReference"], "configuration": configuration,
                           "status": {"state": "DONE"}}
        return self.jobs[name]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # An answer is one packet.
    sink = None

    def log_message(self, format, *args):
        pass

    def answer(self, status, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def missing(self):
        self.answer(404, {"error": {"code": 404, "message": "Not found", "errors": [{"reason": "notFound"}]}})

    def serve(self):
        path, _, query = self.path.partition("?")
        size = int(self.headers.get("Content-Length") or 0)
        if self.command == "PUT":
            return self.chunk(query, size)
        body = json.loads(self.rfile.read(size)) if size else {}
        with self.sink.lock:
            return self.dispatch(path, body)

    def begin(self, path, about):
        session = f"u{next(self.sink.numbers)}"
        self.sink.sessions[session] = about
        host = self.headers["Host"]
        self.answer(200, Location=f"http://{host}{path}?uploadType=resumable&upload_id={session}")

    def bucket(self, match, path, _body):
        folder = self.sink.objects / match[2]
        query = urllib.parse.parse_qs(self.path.partition("?")[2])
        if match[1]:
            to = folder / query["name"][0]
            to.parent.mkdir(parents=True, exist_ok=True)
            return self.begin(path, to)
        if self.command == "DELETE":
            (folder / urllib.parse.unquote(match[3])).unlink(missing_ok=True)
            return self.answer(204)
        names = [str(found.relative_to(folder)) for found in folder.rglob("*") if found.is_file()]
        prefix = query.get("prefix", [""])[0]
        return self.answer(200, {"items": [{"name": name} for name in names if name.startswith(prefix)]})

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve

    def dispatch(self, path, body):
        sink = self.sink
        if path.startswith(UPLOAD):
            return self.begin(path, body)
        if match := BUCKET.match(path):
            return self.bucket(match, path, body)
        if match := JOBS.match(path):
            if self.command == "POST":
                return self.answer(200, sink.job(body))
            job = sink.jobs.get(match[2])
            return self.answer(200, job) if job else self.missing()
        if DATASET.match(path):
            return self.answer(200, {"location": "US"})
        if match := TABLES.match(path):
            if self.command == "GET":
                return self.answer(200, {"tables": []})
            return self.answer(200, sink.table((*match.groups(), body["tableReference"]["tableId"]), body))
        if match := TABLE.match(path):
            return self.one_table(match.groups(), body)
        return self.missing()

    def one_table(self, key, body):
        table = self.sink.tables.get(key)
        if table is None:
            return self.missing()
        if self.command == "DELETE":
            del self.sink.tables[key]
            return self.answer(204)
        if self.command == "PATCH":
            self.sink.table(key, {**table, **body})
        return self.answer(200, self.sink.tables[key])

    def chunk(self, query, size):
        session = query.rpartition("upload_id=")[2]
        about = self.sink.sessions[session]
        is_object = isinstance(about, pathlib.Path)
        to = about if is_object else self.sink.keep and self.sink.keep / session
        out = open(to, "ab") if to else None
        while size > 0:
            piece = self.rfile.read(min(size, PIECE))
            if not piece:
                self.close_connection = True
                return None
            size -= len(piece)
            if out:
                out.write(piece)
        if out:
            out.close()
        _, last, total = re.match(r"bytes (\d+)-(\d+)/(\d+)", self.headers["Content-Range"]).groups()
        if int(last) + 1 < int(total):
            return self.answer(308, Range=f"bytes=0-{last}")
        with self.sink.lock:
            del self.sink.sessions[session]
            return self.answer(200, {"name": about.name} if is_object else self.sink.job(about))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--objects", type=pathlib.Path)
    given = parser.parse_args()
    Handler.sink = Sink(given.rows, given.keep, given.objects)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"rest_port": server.server_address[1]}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
