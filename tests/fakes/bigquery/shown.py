"""Rows as they are shown: to Google's clients (`f`/`v` cells) and to tests (canonical JSON)."""
import datetime
import json
import math

_EPOCH = datetime.datetime(1970, 1, 1)


def iso_timestamp(micros):
    return (_EPOCH + datetime.timedelta(microseconds=micros)).isoformat(timespec="microseconds") + "Z"


def _float_text(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _cell(field, value, int64_timestamp):
    if value is None:
        return None
    kind = field["type"]
    if kind == "RECORD":
        return cells(field["fields"], value, int64_timestamp)
    if kind == "BOOLEAN":
        return "true" if value else "false"
    if kind == "FLOAT":
        return _float_text(value)
    if kind == "TIMESTAMP" and not int64_timestamp:
        return "%d.%06d" % divmod(value, 1000000) if value >= 0 else repr(value / 1e6)
    return str(value)


def cells(fields, row, int64_timestamp=False):
    """A row of tabledata.list."""
    out = []
    for field in fields:
        value = row.get(field["name"])
        if field["mode"] == "REPEATED":
            out.append({"v": [{"v": _cell(field, item, int64_timestamp)} for item in value or []]})
        else:
            out.append({"v": _cell(field, value, int64_timestamp)})
    return {"f": out}


def _canonical(field, value):
    if value is None:
        return None
    kind = field["type"]
    if kind == "RECORD":
        return canonical_object(field["fields"], value)
    if kind == "TIMESTAMP":
        return iso_timestamp(value)
    if kind == "FLOAT" and not math.isfinite(value):
        return _float_text(value)
    return value


def canonical_object(fields, row):
    out = {}
    for field in fields:
        value = row.get(field["name"])
        if field["mode"] == "REPEATED":
            out[field["name"]] = [_canonical(field, item) for item in value or []]
        else:
            out[field["name"]] = _canonical(field, value)
    return out


def canonical_line(fields, row):
    """Columns in the table's order, nulls said, TIMESTAMPs in UTC with six digits, JSON as text."""
    return json.dumps(canonical_object(fields, row), ensure_ascii=False, separators=(",", ":"))
