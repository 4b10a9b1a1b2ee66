"""Rows of the Storage Write API: decoded by the writer's descriptor, checked against the table."""
import base64
import datetime
import itertools

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.internal import decoder

from values import CONVERT, Bad, json_of_text

_COLUMN_NAME = 454943157
_numbers = itertools.count(1)
_INTS = {F.TYPE_INT32, F.TYPE_INT64, F.TYPE_UINT32, F.TYPE_SINT32, F.TYPE_SINT64, F.TYPE_SFIXED32,
         F.TYPE_SFIXED64, F.TYPE_FIXED32}
_FLOATS = {F.TYPE_DOUBLE, F.TYPE_FLOAT}
_TEXT = {F.TYPE_STRING}
_ACCEPTED = {
    "STRING": _TEXT, "BYTES": {F.TYPE_BYTES, F.TYPE_STRING}, "INTEGER": _INTS, "FLOAT": _FLOATS,
    "NUMERIC": _TEXT | _INTS | _FLOATS, "BIGNUMERIC": _TEXT | _INTS | _FLOATS,
    "BOOLEAN": {F.TYPE_BOOL} | _INTS, "TIMESTAMP": {F.TYPE_INT64, F.TYPE_INT32, F.TYPE_UINT32},
    "DATETIME": _TEXT, "DATE": {F.TYPE_INT32, F.TYPE_INT64, F.TYPE_STRING}, "TIME": _TEXT,
    "GEOGRAPHY": _TEXT, "JSON": _TEXT, "RECORD": {F.TYPE_MESSAGE, F.TYPE_GROUP},
}


class SchemaFault(Exception):
    """The descriptor is none that the table takes; `extra`: it has a field that the table lacks."""

    def __init__(self, text, extra=False):
        super().__init__(text)
        self.extra = extra


class RowFault(Exception):
    """A row that the table does not take."""


def _bytes(value):
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _timestamp(value):
    if not -62135596800000000 <= value <= 253402300799999999:
        raise Bad("Timestamp is out of range")
    return value


def _date(value):
    if isinstance(value, str):
        return CONVERT["DATE"](value)
    try:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=value)).isoformat()
    except OverflowError:
        raise Bad("Date is out of range") from None


_CONVERT = dict(CONVERT, BYTES=_bytes, TIMESTAMP=_timestamp, DATE=_date, JSON=json_of_text, FLOAT=float,
                BOOLEAN=bool)


def _message_class(descriptor):
    if not descriptor.name:
        raise SchemaFault("Invalid proto schema: the message has no name")
    file = descriptor_pb2.FileDescriptorProto(name="writer_%d.proto" % next(_numbers), syntax="proto2")
    file.message_type.add().CopyFrom(descriptor)
    pool = descriptor_pool.DescriptorPool()
    try:
        pool.AddSerializedFile(file.SerializeToString())
        return message_factory.GetMessageClass(pool.FindMessageTypeByName(descriptor.name))
    except (TypeError, KeyError, ValueError) as why:
        raise SchemaFault("Invalid proto schema: %s" % why) from None


class RowDecoder:
    """For one writer_schema and the fields that the table has now."""

    def __init__(self, descriptor, fields):
        self._class = _message_class(descriptor)
        self._plan = self._plan_of(self._class.DESCRIPTOR, fields, "")

    def decode(self, data):
        try:
            return self._record(self._plan, self._class.FromString(data))
        except message.DecodeError:
            raise RowFault("Failed to parse the row: it is no message of the writer schema.") from None

    def _plan_of(self, descriptor, fields, prefix):
        columns = {field["name"].lower(): field for field in fields}
        written = {}
        for proto in descriptor.fields:
            name = _column_name(proto)
            column = columns.get(name.lower())
            path = prefix + name
            if column is None:
                raise SchemaFault("Input schema has more fields than BigQuery schema, extra fields: '%s'" % path,
                                  extra=True)
            if proto.type not in _ACCEPTED[column["type"]]:
                raise SchemaFault("The proto field mismatched with BigQuery field at %s.%s, the proto field type "
                                  "%s, BigQuery field type %s" % (descriptor.name, path, _type_name(proto),
                                                                  column["type"]))
            if _repeated(proto) != (column["mode"] == "REPEATED"):
                raise SchemaFault("The proto field mismatched with BigQuery field at %s.%s: one is repeated, the "
                                  "other is not" % (descriptor.name, path))
            written[column["name"]] = proto
        plan = []
        for column in fields:
            proto, path = written.get(column["name"]), prefix + column["name"]
            if proto is None and column["mode"] == "REQUIRED":
                raise SchemaFault("The required field %s is missing in the proto message." % path)
            inner = None
            if proto is not None and column["type"] == "RECORD":
                inner = self._plan_of(proto.message_type, column["fields"], path + ".")
            plan.append((column, path, proto and proto.name, inner))
        return plan

    def _record(self, plan, row):
        out = {}
        for column, path, name, inner in plan:
            mode = column["mode"]
            if mode == "REPEATED":
                out[column["name"]] = [self._value(column, path, inner, item) for item in
                                       (getattr(row, name) if name else ())]
            elif name and row.HasField(name):
                out[column["name"]] = self._value(column, path, inner, getattr(row, name))
            elif mode == "REQUIRED":
                raise RowFault("Field %s: the required field has no value." % path)
            else:
                out[column["name"]] = None
        return out

    def _value(self, column, path, inner, value):
        if inner is not None:
            return self._record(inner, value)
        try:
            return _CONVERT[column["type"]](value)
        except Bad as why:
            raise RowFault("Field %s: %s" % (path, why)) from None


def _column_name(proto):
    """The option google.cloud.bigquery.storage.v1.column_name, or the field's own name."""
    data, at = proto.GetOptions().SerializeToString(), 0
    while at < len(data):
        tag, at = decoder._DecodeVarint(data, at)
        if tag & 7 != 2:
            break
        size, at = decoder._DecodeVarint(data, at)
        if tag >> 3 == _COLUMN_NAME:
            return data[at:at + size].decode()
        at += size
    return proto.name


def _repeated(proto):
    return proto.is_repeated if hasattr(proto, "is_repeated") else proto.label == F.LABEL_REPEATED


def _type_name(proto):
    return descriptor_pb2.FieldDescriptorProto.Type.Name(proto.type)[5:].lower()
