"""tabledata.insertAll: errors by row, `stopped` rows, insertIds within their window, its limits."""
from errors import ApiError, ValueFault, invalid
from json_rows import RowReader
from tables import _T, _table
from values import json_text


def _check_limits(world, request, rows):
    options = world.options
    if len(request.body) > options["insert_max_bytes"]:
        raise ApiError(413, "invalid", "Request payload size exceeds the limit: %d bytes." %
                       options["insert_max_bytes"])
    if len(rows) > options["insert_max_rows"]:
        raise invalid("too many rows present in the request, limit: %d row count: %d." %
                      (options["insert_max_rows"], len(rows)))
    if not rows:
        raise invalid("No rows present in the request.")
    for row in rows:
        if len(str(row.get("insertId") or "")) > 128:
            raise invalid("insertId is longer than 128 characters.")


def _errors(index, reason, location, message):
    return {"index": index, "errors": [{"reason": reason, "location": location, "debugInfo": "",
                                        "message": message}]}


def insert_all(world, request):
    table, body = _table(world, request), request.json()
    rows = body.get("rows") or []
    _check_limits(world, request, rows)
    reader = RowReader(table.fields, streaming=True, ignore_unknown=bool(body.get("ignoreUnknownValues")))
    good, faults = [], {}
    for index, row in enumerate(rows):
        asked = world.faults.all and world.faults.meet("row", "insertAll", json_text(row.get("json")))
        if asked:
            error = asked.get("row_error")
            faults[index] = _errors(index, error["reason"], error.get("location", ""), error["message"])
            continue
        try:
            values = reader.read(row.get("json"))
            if len(json_text(row["json"])) > world.options["insert_max_bytes"]:
                raise ValueFault("", "Row size is too large.")
            good.append((index, row.get("insertId"), values))
        except ValueFault as fault:
            faults[index] = _errors(index, "invalid", fault.path, fault.message)
    if faults and not body.get("skipInvalidRows"):
        for index, _, _ in good:
            faults[index] = _errors(index, "stopped", "", "")
        good = []
    now, window = world.now(), world.options["insert_id_window_s"]
    table.insert_ids = {k: t for k, t in table.insert_ids.items() if t > now - window}
    fresh = []
    for _, insert_id, values in good:
        if insert_id and window:
            if insert_id in table.insert_ids:
                continue
            table.insert_ids[insert_id] = now
        fresh.append(values)
    table.stream(fresh)
    out = {"kind": "bigquery#tableDataInsertAllResponse"}
    if faults:
        out["insertErrors"] = [faults[index] for index in sorted(faults)]
    return 200, out


ROUTES = [("POST", _T + r"/(?P<table>[^/]+)/insertAll", insert_all)]
