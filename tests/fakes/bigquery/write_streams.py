"""Write streams: made, appended to, flushed, finalized, committed together; what each refuses, and how."""
import re
import uuid

from google.cloud.bigquery_storage_v1 import types
from google.protobuf import timestamp_pb2
from google.rpc import code_pb2

_TABLE = re.compile(r"^projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)$")
_STREAM = re.compile(r"^(projects/[^/]+/datasets/[^/]+/tables/[^/]+)(?:/streams)?/([^/]+)$")
COMMITTED, PENDING, BUFFERED = 1, 2, 3
# StorageError.StorageErrorCode
TABLE_NOT_FOUND, ALREADY_COMMITTED, NOT_FOUND, INVALID_TYPE, INVALID_STATE, FINALIZED = 1, 2, 3, 4, 5, 6
EXTRA_FIELDS, OFFSET_EXISTS, OFFSET_OUT = 7, 8, 9
_PENDING_LIFE_S = 86400
_COMMIT_MAX = 10000
_TYPES = {"STRING": 1, "INTEGER": 2, "FLOAT": 3, "RECORD": 4, "BYTES": 5, "BOOLEAN": 6, "TIMESTAMP": 7, "DATE": 8,
          "TIME": 9, "DATETIME": 10, "GEOGRAPHY": 11, "NUMERIC": 12, "BIGNUMERIC": 13, "JSON": 15}
_MODES = {"NULLABLE": 1, "REQUIRED": 2, "REPEATED": 3}


class Refusal(Exception):
    """A google.rpc.Code with its text, and a StorageError's code for the `entity`."""

    def __init__(self, code, text, entity="", storage_code=0, ends=False, rows=()):
        super().__init__(text)
        self.code, self.entity, self.storage_code, self.ends = code, entity, storage_code, ends
        self.rows = rows  # [{"index", "message"}]: the rows at fault, of an append


def proto_schema(fields):
    return types.TableSchema.pb()(fields=_proto_fields(fields))


def _proto_fields(fields):
    one = types.TableFieldSchema.pb()
    return [one(name=f["name"], type_=_TYPES[f["type"]], mode=_MODES[f["mode"]],
                description=f.get("description") or "", fields=_proto_fields(f.get("fields", [])))
            for f in fields]


def _moment(seconds):
    out = timestamp_pb2.Timestamp()
    out.FromMicroseconds(int(seconds * 1e6))
    return out


class Stream:
    def __init__(self, world, name, table, kind):
        self.world, self.name, self.table, self.kind = world, name, table, kind
        self.version = table.versions
        self.created, self.committed = world.now(), None
        self.finalized = False
        self.count = 0
        self.held = []  # Rows that are not in the table yet: PENDING, BUFFERED.
        self.flushed = 0

    @property
    def is_default(self):
        return self.name.endswith("/_default")

    def check_append(self, offset):
        if self.finalized:
            raise Refusal(code_pb2.INVALID_ARGUMENT, "Stream has been finalized and cannot be appended. Entity: %s"
                          % self.name, self.name, FINALIZED)
        if offset is None:
            return
        if self.is_default:
            raise Refusal(code_pb2.INVALID_ARGUMENT, "Offset is not supported on the default stream. Entity: %s" %
                          self.name, self.name)
        if offset < self.count:
            raise Refusal(code_pb2.ALREADY_EXISTS, "The offset is within stream, expected offset %d, received %d "
                          "Entity: %s" % (self.count, offset, self.name), self.name, OFFSET_EXISTS)
        if offset > self.count:
            raise Refusal(code_pb2.OUT_OF_RANGE, "The offset is beyond stream, expected offset %d, received %d "
                          "Entity: %s" % (self.count, offset, self.name), self.name, OFFSET_OUT)

    def append(self, rows):
        """The offset of the first row; None for the default stream."""
        at, self.count = self.count, self.count + len(rows)
        if self.kind == COMMITTED:
            self.table.stream(rows)
        else:
            self.held.extend(rows)
        return None if self.is_default else at

    def commit(self):
        self.table.stream(self.held)
        self.held, self.committed = [], self.world.now()

    def flush(self, offset):
        if offset + 1 > self.flushed:
            self.table.stream(self.held[:offset + 1 - self.flushed])
            self.held = self.held[offset + 1 - self.flushed:]
            self.flushed = offset + 1

    def proto(self, full=True):
        location = self.world.datasets[self.table.key[:2]]["location"].lower()
        out = types.WriteStream.pb()(name=self.name, type_=self.kind, write_mode=1,
                                                     location=location, create_time=_moment(self.created))
        if self.committed is not None:
            out.commit_time.CopyFrom(_moment(self.committed))
        if full:
            out.table_schema.CopyFrom(proto_schema(self.table.fields))
        return out


def _table(world, parent):
    match = _TABLE.match(parent)
    if not match:
        raise Refusal(code_pb2.INVALID_ARGUMENT, "Invalid table name: %s" % parent)
    table = world.tables.get(match.groups())
    if table is None:
        raise Refusal(code_pb2.NOT_FOUND, "Requested entity was not found. Entity: %s" % parent, parent,
                      TABLE_NOT_FOUND)
    return table


def find(world, name):
    match = _STREAM.match(name)
    if not match:
        raise Refusal(code_pb2.INVALID_ARGUMENT, "Invalid stream name. Entity: %s" % name)
    table, stream = _table(world, match[1]), world.streams.get(name)
    if match[2] == "_default":
        name = match[1] + "/streams/_default"
        stream = world.streams.get(name)
        if stream is None or stream.table is not table:
            stream = world.streams[name] = Stream(world, name, table, COMMITTED)
    # A table that was made anew is another one.
    if stream is None or stream.table is not table or (
            stream.kind == PENDING and stream.committed is None and
            world.now() - stream.created > _PENDING_LIFE_S):
        raise Refusal(code_pb2.NOT_FOUND, "Requested entity was not found. Entity: %s" % name, name, NOT_FOUND)
    return stream


def create(world, request):
    table, kind = _table(world, request.parent), request.write_stream.type_
    if kind not in (COMMITTED, PENDING, BUFFERED):
        raise Refusal(code_pb2.INVALID_ARGUMENT, "Invalid stream type: %d" % kind)
    name = "%s/streams/%s" % (request.parent, uuid.uuid4().hex)
    world.streams[name] = Stream(world, name, table, kind)
    return world.streams[name].proto()


def get(world, request):
    return find(world, request.name).proto(full=request.view == 2)


def finalize(world, request):
    stream = find(world, request.name)
    if stream.is_default:
        raise Refusal(code_pb2.INVALID_ARGUMENT, "The default stream cannot be finalized.", stream.name, INVALID_TYPE)
    stream.finalized = True
    return types.FinalizeWriteStreamResponse.pb()(row_count=stream.count)


def _why_not_commit(world, parent, name):
    """(the stream, None) or (None, StorageError code and text)"""
    try:
        stream = find(world, name)
    except Refusal as why:
        return None, (why.storage_code or NOT_FOUND, str(why))
    if not name.startswith(parent + "/"):
        return None, (NOT_FOUND, "The stream is of another table")
    if stream.kind != PENDING:
        return None, (INVALID_TYPE, "The stream is not of type PENDING")
    if stream.committed is not None:
        return None, (ALREADY_COMMITTED, "Stream is already committed")
    if not stream.finalized:
        return None, (INVALID_STATE, "Stream is not finalized")
    return stream, None


def batch_commit(world, request):
    names = list(request.write_streams)
    if not 0 < len(names) <= _COMMIT_MAX:
        raise Refusal(code_pb2.INVALID_ARGUMENT, "A commit takes 1 to %d streams, not %d" % (_COMMIT_MAX, len(names)))
    if len(set(names)) != len(names):
        raise Refusal(code_pb2.INVALID_ARGUMENT, "A stream is named twice")
    _table(world, request.parent)
    out = types.BatchCommitWriteStreamsResponse.pb()()
    streams = []
    for name in names:
        stream, why = _why_not_commit(world, request.parent, name)
        if why:
            out.stream_errors.add(code=why[0], entity=name, error_message=why[1])
        streams.append(stream)
    if not out.stream_errors:
        for stream in streams:
            stream.commit()
        out.commit_time.CopyFrom(_moment(world.now()))
    return out


def flush_rows(world, request):
    stream, offset = find(world, request.write_stream), request.offset.value
    if stream.kind != BUFFERED:
        raise Refusal(code_pb2.INVALID_ARGUMENT, "FlushRows takes streams of type BUFFERED", stream.name, INVALID_TYPE)
    if offset >= stream.count:
        raise Refusal(code_pb2.OUT_OF_RANGE, "Offset %d is beyond the end of the stream, %d" % (offset, stream.count),
                      stream.name, OFFSET_OUT)
    stream.flush(offset)
    return types.FlushRowsResponse.pb()(offset=offset)


METHODS = [
    ("CreateWriteStream", types.CreateWriteStreamRequest, create),
    ("GetWriteStream", types.GetWriteStreamRequest, get),
    ("FinalizeWriteStream", types.FinalizeWriteStreamRequest, finalize),
    ("BatchCommitWriteStreams", types.BatchCommitWriteStreamsRequest, batch_commit),
    ("FlushRows", types.FlushRowsRequest, flush_rows),
]
