"""google.cloud.bigquery.storage.v1.BigQueryWrite over the tables of the world."""
import functools
import queue
import re
import threading
import time
from concurrent import futures

import grpc
from google.cloud.bigquery_storage_v1 import types
from google.protobuf import any_pb2
from google.rpc import code_pb2, status_pb2
from grpc_status import rpc_status

import iam
import write_streams
from write_rows import RowDecoder, RowFault, SchemaFault
from write_streams import Refusal

_SERVICE = "google.cloud.bigquery.storage.v1.BigQueryWrite"
_ENDED, _CLOSED = object(), object()
Request, Response = types.AppendRowsRequest, types.AppendRowsResponse.pb()


def _status(refusal):
    status = status_pb2.Status(code=refusal.code, message=str(refusal))
    if refusal.storage_code:
        detail = any_pb2.Any()
        detail.Pack(types.StorageError.pb(types.StorageError(
            code=refusal.storage_code, entity=refusal.entity, error_message=str(refusal))))
        status.details.append(detail)
    return status


def _end(context, refusal):
    context.abort_with_status(rpc_status.to_status(_status(refusal)))


class _Appends:
    """One AppendRows call: what it has said so far of its streams and their writer schemas."""

    def __init__(self, world, call):
        self.world, self.call = world, call
        self.name = None
        self.descriptors = {}  # stream -> the writer's descriptor
        self.decoders = {}  # stream -> (decoder, version of the table's schema)
        self.versions = {}  # stream -> version of the table's schema that the client knows

    def append(self, request):
        """The response to one request; a Refusal with `ends` ends the call."""
        name = request.write_stream or self.name
        if not name:
            raise Refusal(code_pb2.INVALID_ARGUMENT, "The first request must name the write_stream.", ends=True)
        if self.name and name != self.name and not (name.endswith("/_default") and
                                                    self.name.endswith("/_default")):
            raise Refusal(code_pb2.INVALID_ARGUMENT, "A call appends to one stream.", ends=True)
        self.name = name
        try:
            stream = write_streams.find(self.world, name)
        except Refusal as why:
            why.ends = True
            raise
        name = stream.name  # The default stream has two names.
        if request.proto_rows.writer_schema.HasField("proto_descriptor"):
            self.descriptors[name] = request.proto_rows.writer_schema.proto_descriptor
            self.decoders.pop(name, None)
        self._check_size(request)
        offset = request.offset.value if request.HasField("offset") else None
        response = Response(write_stream=name)
        stream.check_append(offset)
        rows = self._decode(stream, request.proto_rows.rows.serialized_rows, response)
        if rows is not None:
            at = stream.append(rows)
            response.append_result.SetInParent()
            if at is not None:
                response.append_result.offset.value = at
        self._tell_schema(stream, response)
        return response

    def _check_size(self, request):
        size, limit = request.ByteSize(), self.world.options["append_max_bytes"]
        if size > limit:
            raise Refusal(code_pb2.INVALID_ARGUMENT, "AppendRows request too large: %d limit %d" % (size, limit))

    def _decoder(self, stream):
        table, name = stream.table, stream.name
        if name not in self.descriptors:
            raise Refusal(code_pb2.INVALID_ARGUMENT, "Invalid writer schema: it must be in the first request of a "
                          "connection to stream %s." % name)
        known = self.decoders.get(name)
        if known is None or known[1] != table.versions:
            try:
                known = RowDecoder(self.descriptors[name], table.fields), table.versions
            except SchemaFault as why:
                raise Refusal(code_pb2.INVALID_ARGUMENT, str(why), name,
                              write_streams.EXTRA_FIELDS if why.extra else 0) from None
            self.decoders[name] = known
        return known[0]

    def _decode(self, stream, rows, response):
        decoder, out = self._decoder(stream), []
        for index, data in enumerate(rows):
            try:
                out.append(decoder.decode(data))
            except RowFault as why:
                response.row_errors.add(index=index, code=1, message=str(why))
        if response.row_errors:
            response.error.CopyFrom(_status(Refusal(
                code_pb2.INVALID_ARGUMENT, "Errors found while processing rows. Please refer to the row_errors "
                "field for details. The list may not be complete because of the size limitations.", stream.name)))
            return None
        return out

    def _tell_schema(self, stream, response):
        """A change of the table's schema since the stream was made, or since this call told it."""
        known = self.versions.get(stream.name, stream.version)
        if known != stream.table.versions:
            response.updated_schema.CopyFrom(write_streams.proto_schema(stream.table.fields))
        self.versions[stream.name] = stream.table.versions

    def answer(self, request, fault):
        """append(), with its refusals and a fault's errors said in band, and noted for tests."""
        done = self.call["appends"]
        entry = {"offset": request.offset.value if request.HasField("offset") else None,
                 "rows": len(request.proto_rows.rows.serialized_rows), "bytes": request.ByteSize(), "code": 0,
                 "default_missing": int(request.default_missing_value_interpretation)}
        done.append(entry)
        in_band = fault.get("in_band") if fault else None
        first = (in_band or {}).get("nth", 1)
        try:
            if in_band and first <= len(done) < first + in_band.get("times", 1):
                raise Refusal(int(in_band["code"]), in_band.get("message", "A fault that the test asked for."),
                              rows=in_band.get("row_errors", ()))
            with self.world.lock:
                self.world.settle()
                response = self.append(request)
            entry["code"] = response.error.code
        except Refusal as why:
            entry["code"] = why.code
            if why.ends:
                raise
            response = Response(write_stream=self.name or request.write_stream, error=_status(why))
            for row in why.rows:
                response.row_errors.add(index=row["index"], code=1, message=row["message"])
        return response


class Service:
    def __init__(self, world):
        self.world = world
        self.open = set()  # The queues of the open AppendRows calls. Guarded by the world's lock.

    def close_appends(self):
        """Ends every open AppendRows call, as the service does with idle ones."""
        with self.world.lock:
            for waiting in self.open:
                waiting.put(_CLOSED)
            return len(self.open)

    def begin(self, context, method, path):
        """Notes a call and gives the fault that it meets."""
        metadata = {}
        for key, value in context.invocation_metadata():
            metadata[key] = metadata.get(key) or value  # The client may add an empty one of its own.
        call = {"method": "grpc", "path": method, "stream": path, "code": 0,
                "authorization": metadata.get("authorization"),
                "request_params": metadata.get("x-goog-request-params")}
        with self.world.lock:
            call["number"] = len(self.world.calls) + 1
            self.world.calls.append(call)
            fault = self.world.faults.meet("grpc", method, path)
            token = self.world.options["token"]
        if token and metadata.get("authorization") != "Bearer " + token:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Request had invalid authentication credentials.")
        if fault:
            call["fault"] = fault.spec
            time.sleep((fault.get("delay_ms") or 0) / 1000)
            if fault.get("cut") == "before":
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            if fault.get("code"):
                call["code"] = grpc.StatusCode[fault.get("code")].value[0]
                context.abort(grpc.StatusCode[fault.get("code")],
                              fault.get("message") or "A fault that the test asked for.")
        if not self._routed(path, metadata):
            context.abort(grpc.StatusCode.NOT_FOUND, "Requested entity was not found: outside the US "
                          "multi-region the header x-goog-request-params names it.")
        return call, fault

    def _routed(self, path, metadata):
        match = re.match(r"projects/([^/]+)/datasets/([^/]+)/", path)
        with self.world.lock:
            dataset = self.world.datasets.get(match.groups()) if match else None
        return dataset is None or dataset["location"].upper() == "US" or metadata.get("x-goog-request-params")

    def unary(self, method, run, request, context):
        path = getattr(request, "name", "") or getattr(request, "write_stream", "")
        if method in ("CreateWriteStream", "BatchCommitWriteStreams"):
            path = request.parent
        call, fault = self.begin(context, method, path)
        try:
            with self.world.lock:
                self.world.settle()
                if not iam.used(self.world, "bigquery.tables.updateData"):
                    raise Refusal(code_pb2.PERMISSION_DENIED, "Permission 'TABLES_UPDATE_DATA' denied on resource "
                                  "'%s' (or it may not exist)." % path)
                response = run(self.world, request)
        except Refusal as why:
            call["code"] = why.code
            _end(context, why)
        if fault and fault.get("cut") == "after":
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        return response

    def append_rows(self, requests, context):
        waiting = queue.Queue(maxsize=0)
        threading.Thread(target=self._read, args=(requests, waiting), daemon=True).start()
        with self.world.lock:
            self.open.add(waiting)
        try:
            yield from self._append_rows(waiting, context)
        finally:
            with self.world.lock:
                self.open.discard(waiting)

    @staticmethod
    def _read(requests, waiting):
        try:
            for request in requests:
                waiting.put(request)
        except Exception:  # The client is gone; grpc has no narrower type for it.
            pass
        waiting.put(_ENDED)

    def _append_rows(self, waiting, context):
        appends, fault, done = None, None, 0
        while (request := waiting.get()) is not _ENDED:
            if request is _CLOSED:
                context.abort(grpc.StatusCode.ABORTED, "Closing the stream because there is no append activity.")
            if appends is None:
                call, fault = self.begin(context, "AppendRows", request.write_stream)
                appends = _Appends(self.world, call)
                call["appends"] = []
            try:
                response = appends.answer(request, fault)
            except Refusal as why:
                call["code"] = why.code
                _end(context, why)
            done += 1
            last = 1 if fault and fault.get("cut") == "after" else fault and fault.get("cut_after_requests")
            if last and done >= last:
                call["code"] = grpc.StatusCode.UNAVAILABLE.value[0]
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            yield response


def serve(world, port, credentials=None):
    """(the running server, its service, its port); with the credentials of a server it speaks TLS"""
    service, handlers = Service(world), {}
    for method, request, run in write_streams.METHODS:
        handlers[method] = grpc.unary_unary_rpc_method_handler(
            functools.partial(service.unary, method, run),
            request_deserializer=request.pb().FromString,
            response_serializer=lambda message: message.SerializeToString())
    handlers["AppendRows"] = grpc.stream_stream_rpc_method_handler(
        service.append_rows, request_deserializer=Request.pb().FromString,
        response_serializer=Response.SerializeToString)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=128), options=[
        ("grpc.max_receive_message_length", 64 << 20), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
    address = "127.0.0.1:%d" % port
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    return server, service, port
