"""Load and copy jobs: from NDJSON (plain or gzip) or another table into a table, all or nothing."""
import copy
import gzip
import zlib

import schema
from errors import JobError, ValueFault
from json_rows import RowReader
from objects import matching
from tables import Table, find_table, key_of
from values import parse_json

_DISPOSITIONS = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_EMPTY")


def destination(world, config, default):
    """The destination's table or None, and the write disposition, which may refuse it."""
    table = find_table(world, config["destinationTable"])
    disposition = config.get("writeDisposition") or default
    if disposition not in _DISPOSITIONS:
        raise JobError("invalid", "Invalid value for writeDisposition: %s" % disposition)
    if table is None and config.get("createDisposition") == "CREATE_NEVER":
        raise JobError("notFound", "Not found: Table %s:%s.%s" % key_of(config["destinationTable"]))
    if table is not None and disposition == "WRITE_EMPTY" and table.all_rows():
        raise JobError("duplicate", "Already Exists: Table %s" % table.name())
    return table, disposition


def write(world, config, table, disposition, fields, rows, meta):
    """Puts the rows in place; a table that is not there is made with `fields` and `meta`."""
    if table is None:
        key = key_of(config["destinationTable"])
        table = Table(world, key, dict(copy.deepcopy(meta), schema={"fields": fields}))
        world.tables[key] = table
    else:
        old = table.fields
        table.fields = fields
        try:
            table.check()  # The columns of its partitioning and clustering must stay.
        finally:
            table.fields = old
        table.set_fields(fields)
    if disposition.startswith("WRITE_TRUNCATE"):
        table.rows, table.buffer, table.insert_ids = [], [], {}
    table.rows = table.rows + rows
    table.touch()


def check_partitioning(config, table):
    for name, what in (("timePartitioning", "partitioning"), ("clustering", "clustering")):
        wanted, there = config.get(name), table.meta.get(name)
        keys = ("type", "field") if name == "timePartitioning" else ("fields",)
        if wanted and any(wanted.get(k) != (there or {}).get(k) for k in keys):
            raise JobError("invalid", "Incompatible table %s specification. Expects %s specification %s, but "
                           "input %s specification is %s" % (what, what, there or "none", what, wanted))


def _load_fields(config, table, disposition):
    """The fields of the table after this load."""
    given = (config.get("schema") or {}).get("fields")
    wanted = schema.normalized(given) if given else None
    if table is None or (not table.fields and wanted):
        if wanted is None:
            raise JobError("invalid", "No schema specified on job or table.")
        return wanted
    if wanted is None:
        return table.fields
    if disposition == "WRITE_TRUNCATE":
        return wanted
    options = config.get("schemaUpdateOptions") or []
    try:
        return schema.merged(table.fields, wanted, "ALLOW_FIELD_ADDITION" in options,
                             "ALLOW_FIELD_RELAXATION" in options)
    except schema.Mismatch as why:
        raise JobError("invalid", "Provided Schema does not match Table %s. %s." % (table.name(), why)) from None


def _sources(world, config, media):
    """(name, bytes) of every file of the load."""
    if media is not None:
        return [("<upload>", media)]
    uris = config["sourceUris"]
    if len(uris) > 10000:
        raise JobError("invalid", "Too many source URIs: %d, limit 10000" % len(uris))
    out = []
    for uri in uris:
        found = matching(world, uri)
        if not found:
            raise JobError("notFound", "Not found: URI %s" % uri)
        out.extend(found)
    return out


def _plain(name, data):
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as why:
        raise JobError("invalid", "Error while reading data, error message: Failed to decompress %s: %s" %
                       (name, why)) from None


def _read_rows(world, config, fields, sources):
    reader = RowReader(fields, ignore_unknown=bool(config.get("ignoreUnknownValues")))
    allowed, rows, faults, size = int(config.get("maxBadRecords") or 0), [], [], 0
    for name, packed in sources:
        position, data = 0, _plain(name, packed)
        size += len(packed)
        for line in data.split(b"\n"):
            if line.strip():
                try:
                    fault = world.faults.meet("load_row", None, line.decode("utf-8"))
                    if fault:
                        raise ValueFault("", fault.get("message", "A fault that the test asked for."))
                    rows.append(reader.read(parse_json(line.decode("utf-8"))))
                except (ValueError, ValueFault) as why:
                    message = why.message if isinstance(why, ValueFault) else "Parser terminated: %s" % why
                    faults.append({"reason": "invalid", "location": name, "message":
                                   "Error while reading data, error message: JSON parsing error in row starting "
                                   "at position %d: %s" % (position, message)})
            position += len(line) + 1
    if len(faults) > allowed:
        raise JobError("invalid", "Error while reading data, error message: JSON table encountered too many "
                       "errors, giving up. Rows: %d; errors: %d. Please look into the errors[] collection for "
                       "more details." % (len(rows) + len(faults), len(faults)),
                       location=faults[0]["location"], details=faults[:5])
    return rows, faults, size


def run(world, job):
    """A load job."""
    config = job.config
    if config.get("sourceFormat") != "NEWLINE_DELIMITED_JSON":
        raise JobError("invalid", "The fake loads NEWLINE_DELIMITED_JSON, not %s" % config.get("sourceFormat"))
    table, disposition = destination(world, config, "WRITE_APPEND")
    if table is not None:
        check_partitioning(config, table)
    fields = _load_fields(config, table, disposition)
    sources = _sources(world, config, job.media)
    rows, faults, size = _read_rows(world, config, fields, sources)
    write(world, config, table, disposition, fields, rows,
          {k: config[k] for k in ("timePartitioning", "clustering") if config.get(k)})
    job.errors = faults
    job.statistics["load"] = {"inputFiles": str(len(sources)), "inputFileBytes": str(size),
                              "outputRows": str(len(rows)), "outputBytes": str(size),
                              "badRecords": str(len(faults))}


def run_copy(world, job):
    """A copy job: it does not see what is in a streaming buffer."""
    config = job.config
    references = config.get("sourceTables") or [config.get("sourceTable")]
    sources = []
    for reference in references:
        table = find_table(world, reference or {})
        if table is None:
            raise JobError("notFound", "Not found: Table %s:%s.%s" % key_of(reference))
        sources.append(table)
    target, disposition = destination(world, config, "WRITE_EMPTY")
    fields, meta = sources[0].fields, sources[0].meta
    for source in sources[1:]:
        if source.fields != fields:
            raise JobError("invalid", "Source tables of a copy must have the same schema")
    if target is not None and disposition == "WRITE_APPEND":
        try:
            fields = schema.merged(target.fields, fields, False, False)
        except schema.Mismatch as why:
            raise JobError("invalid", "Provided Schema does not match Table %s. %s." %
                           (target.name(), why)) from None
    if target is not None:
        _check_copy_partitioning(sources[0], target)
    rows = [dict(row) for source in sources for row in source.rows]
    write(world, config, target, disposition, copy.deepcopy(fields), rows,
          {k: v for k, v in meta.items() if k in ("timePartitioning", "clustering", "description")})
    job.statistics["copy"] = {"copiedRows": str(len(rows))}


def _check_copy_partitioning(source, target):
    mine, theirs = (dict(t.meta.get("timePartitioning") or {}) for t in (source, target))
    if mine and (mine.get("type"), mine.get("field")) != (theirs.get("type"), theirs.get("field")):
        raise JobError("invalid", "Incompatible table partitioning specification. Destination table exists with "
                       "partitioning specification %s, but transfer target partitioning specification is %s." %
                       (theirs or "none", mine))
