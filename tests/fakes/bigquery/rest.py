"""The HTTP side: reads a request whole, meets its fault, answers by the one table of routes."""
import gzip
import http.server
import json
import re
import socket
import sys
import time
import urllib.parse

import admin
import iam
import jobs
import objects
import streaming
import tables
import uploads
from errors import ApiError, error_body, invalid

_ROUTES = [(method, re.compile("^" + path + "$"), handler)
           for module in (admin, iam, uploads, jobs, streaming, tables, objects)
           for method, path, handler in module.ROUTES]
_LOGGED_BODY_MAX = 64 << 10


class Request:
    """One request: the names of its route in `params`, the first of each query parameter in `query`."""

    def __init__(self, method, target, headers):
        split = urllib.parse.urlsplit(target)
        self.method, self.headers = method, headers
        self.path = urllib.parse.unquote(split.path) if split.path.startswith("/bigquery/") else split.path
        self.all_query = urllib.parse.parse_qs(split.query, keep_blank_values=True)
        self.query = {key: values[0] for key, values in self.all_query.items()}
        self.body, self.body_cut, self.params, self.answer_headers = b"", False, {}, {}

    def query_list(self, name):
        return self.all_query.get(name, [])

    def json(self):
        if not self.body:
            return {}
        try:
            body = self.body
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            return json.loads(body)
        except (ValueError, OSError, EOFError):
            raise ApiError(400, "parseError", "Invalid JSON payload received.") from None


class Cut(Exception):
    """The connection ends here."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world = None  # Set by serve().

    def log_message(self, *_):
        pass

    def _handle(self):
        request = Request(self.command, self.path, self.headers)
        try:
            self._serve(request)
        except Cut:
            self._hang_up()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _serve(self, request):
        world, own = self.world, request.path.startswith("/_fake/")
        call = {"method": request.method, "path": request.path, "query": request.query,
                "authorization": self.headers.get("Authorization"), "content_range":
                self.headers.get("Content-Range"), "status": None}
        with world.lock:
            fault = None if own else world.faults.meet("rest", request.method, request.path)
            if not own:
                call["number"] = len(world.calls) + 1
                world.calls.append(call)
        limit = fault.get("cut_upload_after_bytes") if fault else None
        try:
            self._read_body(request, limit)
        finally:
            call["body_bytes"] = len(request.body)
        if fault:
            call["fault"] = fault.spec
            time.sleep((fault.get("delay_ms") or 0) / 1000)
        if request.body_cut:
            self._cut_body(request)
        if fault and fault.get("cut") == "before":
            raise Cut()
        status, body = self._fault_answer(request, fault) or self._answer(request, call)
        call["status"] = status
        if fault and fault.get("cut") == "after":
            raise Cut()
        self._send(request, status, body)

    def _cut_body(self, request):
        """What came of a chunk before the cut is kept, where the route keeps any."""
        with self.world.lock:
            if request.method == "PUT" and "upload_id" in request.query:
                self._dispatch(request)
        raise Cut()

    def _fault_answer(self, request, fault):
        if not fault or not fault.get("status"):
            return None
        if fault.get("retry_after") is not None:
            request.answer_headers["Retry-After"] = str(fault.get("retry_after"))
        message = fault.get("message") or "A fault that the test asked for."
        if not fault.get("reason"):
            request.answer_headers["Content-Type"] = "text/html"
            return fault.get("status"), message.encode()
        return fault.get("status"), error_body(fault.get("status"), fault.get("reason"), message)

    def _answer(self, request, call):
        if request.headers.get("Content-Type", "").startswith("application/json") and request.body and len(
                request.body) <= _LOGGED_BODY_MAX:
            try:
                call["json"] = request.json()
            except ApiError:
                pass
        with self.world.lock:
            self.world.settle()
            return self._dispatch(request)

    def _dispatch(self, request):
        token = self.world.options["token"]
        try:
            if token and not request.path.startswith("/_fake/") and request.headers.get(
                    "Authorization") != "Bearer " + token:
                raise ApiError(401, "authError", "Request had invalid authentication credentials.")
            iam.check(self.world, request)
            for method, path, handler in _ROUTES:
                match = path.match(request.path) if method == request.method else None
                if match:
                    request.params = match.groupdict()
                    return handler(self.world, request)
            raise ApiError(404, "notFound", "Not Found: the fake has no %s %s" % (request.method, request.path))
        except ApiError as why:
            return why.status, why.body()
        except (KeyError, TypeError, AttributeError, ValueError) as why:
            return 400, invalid("The fake could not read this request: %r" % why).body()

    def _read_body(self, request, limit):
        """Reads the body, at most `limit` bytes of it; a shorter one than was said is a cut."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            request.body = self._read_chunked()
        else:
            length = int(self.headers.get("Content-Length") or 0)
            request.body = self.rfile.read(length if limit is None else min(length, limit))
            request.body_cut = len(request.body) < length

    def _read_chunked(self):
        body = bytearray()
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return bytes(body)

    def _send(self, request, status, body):
        kind = request.answer_headers.pop("Content-Type", "application/json; charset=UTF-8")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in request.answer_headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if body and status != 204:
            self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # A client that died, as the crash test has them, is nothing to print a trace for.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(world, port):
    """The listening server; its port is server_address[1]."""
    return Server(("127.0.0.1", port), type("BoundHandler", (Handler,), {"world": world}))
