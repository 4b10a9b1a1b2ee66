"""/_fake/...: what a test asks of the fake itself. Never counted as a call, never met by a fault."""
from errors import invalid, not_found
from shown import canonical_line


def add_fault(world, request):
    specs = request.json()
    try:
        for spec in specs if isinstance(specs, list) else [specs]:
            world.faults.add(spec)
    except (ValueError, TypeError, AttributeError) as why:
        raise invalid(str(why)) from None
    return 200, {"faults": world.faults.shown()}


def list_faults(world, _request):
    return 200, {"faults": world.faults.shown()}


def clear_faults(world, _request):
    world.faults.clear()
    return 200, {}


def calls(world, _request):
    return 200, {"calls": [dict(call) for call in world.calls]}


def clear_calls(world, _request):
    world.calls = []
    return 200, {}


def permissions(world, _request):
    return 200, {"permissions": sorted(world.used_permissions)}


def clear_permissions(world, _request):
    world.used_permissions = set()
    return 200, {}


def rows(world, request):
    """Committed rows, streamed ones too; `streamed=false` leaves out the streaming buffer."""
    key = tuple(request.query.get("table", "").split("."))
    if key not in world.tables:
        raise not_found("Table", ".".join(key))
    table = world.tables[key]
    chosen = table.rows if request.query.get("streamed") == "false" else table.all_rows()
    text = "".join(canonical_line(table.fields, row) + "\n" for row in chosen)
    request.answer_headers["Content-Type"] = "application/x-ndjson"
    return 200, text.encode()


def tables(world, _request):
    return 200, {"tables": {".".join(key): table.resource() for key, table in sorted(world.tables.items())}}


def jobs(world, _request):
    return 200, {"jobs": [job.resource() for job in sorted(world.jobs.values(), key=lambda j: j.number)]}


def reset(world, _request):
    world.reset()
    return 200, {}


def flush(world, request):
    wanted = request.query.get("table")
    for key, table in world.tables.items():
        if wanted in (None, ".".join(key)):
            table.flush_buffer()
    return 200, {}


def advance(world, request):
    world.advance(float(request.json()["seconds"]))
    return 200, {"now_ms": world.now_ms()}


def options(world, request):
    wanted = request.json() if request.method == "POST" else {}
    unknown = set(wanted) - set(world.options)
    if unknown:
        raise invalid("no such options: %s" % ", ".join(sorted(unknown)))
    world.options.update(wanted)
    return 200, world.options


def expire_uploads(world, _request):
    for upload in world.uploads.values():
        upload.expired = True
    return 200, {"expired": len(world.uploads)}


def close_appends(world, _request):
    return 200, {"closed": world.write_service.close_appends()}


ROUTES = [
    ("POST", "/_fake/faults", add_fault),
    ("GET", "/_fake/faults", list_faults),
    ("DELETE", "/_fake/faults", clear_faults),
    ("GET", "/_fake/calls", calls),
    ("DELETE", "/_fake/calls", clear_calls),
    ("GET", "/_fake/permissions", permissions),
    ("DELETE", "/_fake/permissions", clear_permissions),
    ("GET", "/_fake/rows", rows),
    ("GET", "/_fake/tables", tables),
    ("GET", "/_fake/jobs", jobs),
    ("POST", "/_fake/reset", reset),
    ("POST", "/_fake/flush_streaming_buffer", flush),
    ("POST", "/_fake/advance", advance),
    ("GET", "/_fake/options", options),
    ("POST", "/_fake/options", options),
    ("POST", "/_fake/expire_uploads", expire_uploads),
    ("POST", "/_fake/close_appends", close_appends),
]
