"""Query jobs of the little SQL that a sync needs: SELECT * | columns | COUNT(*) FROM table [ORDER BY column]
[LIMIT n], into a destination table or the job's own result. CREATE TABLE and CREATE SCHEMA are checked in a dry
run alone. Anything else is refused, not guessed."""
import re

import iam
import schema
from errors import ApiError, JobError
from loads import check_partitioning, destination, write
from tables import find_table

_SELECT = re.compile(
    r"^\s*SELECT\s+(?P<what>.+?)\s+FROM\s+(?P<table>`[^`]+`|[\w.\-]+)"
    r"(?:\s+ORDER\s+BY\s+`?(?P<order>\w+)`?(?P<desc>\s+DESC|\s+ASC)?)?(?:\s+LIMIT\s+(?P<limit>\d+))?\s*;?\s*$",
    re.I | re.S)
_COUNT = re.compile(r"^COUNT\(\s*(?:\*|1)\s*\)(?:\s+(?:AS\s+)?`?(\w+)`?)?$", re.I)


_CREATE_TABLE = re.compile(
    r"^\s*CREATE\s+TABLE\s+`(?P<name>[^`]+)`\s*\(\s*\w+\s+\w+\s*(?:,\s*\w+\s+\w+\s*)*\)\s*;?\s*$", re.I)
_CREATE_SCHEMA = re.compile(r"^\s*CREATE\s+SCHEMA\s+`(?P<name>[^`]+)`\s*;?\s*$", re.I)


def dry_run(world, job):
    """Finds what is wrong with a query, and does nothing."""
    text = job.config.get("query") or ""
    table, dataset = _CREATE_TABLE.match(text), _CREATE_SCHEMA.match(text)
    if table:
        key = tuple(table["name"].split("."))
        if len(key) != 3 or key[:2] not in world.datasets:
            raise JobError("notFound", "Not found: Dataset %s was not found in location %s" %
                           (":".join(key[:2]), job.location))
        iam.need(world, "bigquery.tables.create", ("dataset", "%s:%s" % key[:2]))
        if key in world.tables:
            raise JobError("duplicate", "Already Exists: Table %s:%s.%s" % key)
        statement, fields = "CREATE_TABLE", []
    elif dataset:
        key = tuple(dataset["name"].split("."))
        iam.need(world, "bigquery.datasets.create", ("project", key[0]))
        if key in world.datasets:
            raise JobError("duplicate", "Already Exists: Dataset %s:%s" % key)
        statement, fields = "CREATE_SCHEMA", []
    else:
        statement, fields = "SELECT", _result(world, job, text)[0]
    job.statistics["query"] = {"statementType": statement, "totalBytesProcessed": "0", "cacheHit": False,
                               "schema": schema.shown(fields)}
    job.statistics["totalBytesProcessed"] = "0"


def prepare(world, job, asked):
    """A query that names no destination keeps its rows itself, and runs where its table is."""
    job.anonymous = not job.config.get("destinationTable")
    match = _SELECT.match(job.config.get("query") or "")
    if match and job.anonymous and not asked:
        try:
            job.location = world.datasets[_source(world, job, match["table"]).key[:2]]["location"]
        except (JobError, ApiError):
            pass  # The job itself will say so.


def _source(world, job, name):
    parts = name.replace("`", "").split(".")
    default = job.config.get("defaultDataset") or {}
    parts = ([default.get("projectId") or job.project, default.get("datasetId")] + parts if len(parts) == 1 else
             [job.project] + parts if len(parts) == 2 else parts)
    if len(parts) != 3 or not all(parts):
        raise JobError("invalid", "Table \"%s\" must be qualified with a dataset (e.g. dataset.table)." % name)
    table = find_table(world, dict(zip(("projectId", "datasetId", "tableId"), parts)))
    if table is None or (job.done and world.datasets[table.key[:2]]["location"] != job.location):
        raise JobError("notFound", "Not found: Table %s:%s.%s was not found in location %s" %
                       (*parts, job.location))
    return table


def _columns(table, what):
    by_name = {field["name"].lower(): field for field in table.fields}
    chosen = []
    for name in what.split(","):
        field = by_name.get(name.strip().strip("`").lower())
        if field is None:
            raise JobError("invalidQuery", "Unrecognized name: %s" % name.strip(), location="query")
        chosen.append(field)
    return chosen


def _sorted(rows, match, table):
    if match["order"]:
        field = _columns(table, match["order"])[0]["name"]
        rows = sorted(rows, key=lambda row: (row[field] is not None, row[field] if row[field] is not None else 0),
                      reverse=(match["desc"] or "").strip().upper() == "DESC")
    return rows


def run(world, job):
    config = job.config
    fields, rows = _result(world, job, config.get("query") or "")
    job.result = fields, rows
    job.statistics["query"] = {"statementType": "SELECT", "totalBytesProcessed": "0", "cacheHit": False}
    if not job.anonymous:
        _into_table(world, config, fields, rows)


def _result(world, job, text):
    match = _SELECT.match(re.sub(r"--[^\n]*", "", text))
    if match:
        table = _source(world, job, match["table"])
        iam.need(world, "bigquery.tables.getData", ("table", table.name()))
        return _select(table, match)
    if re.match(r"^\s*SELECT\s+1\s*;?\s*$", text, re.I):
        return [{"name": "f0_", "type": "INTEGER", "mode": "NULLABLE"}], [{"f0_": 1}]
    raise JobError("invalidQuery", "Syntax error: the fake does not know this query: %s" % text[:200],
                   location="query")


def _select(table, match):
    count = _COUNT.match(match["what"].strip())
    if count:
        name = count[1] or "f0_"
        return [{"name": name, "type": "INTEGER", "mode": "NULLABLE"}], [{name: len(table.all_rows())}]
    chosen = table.fields if match["what"].strip() == "*" else _columns(table, match["what"])
    rows = _sorted(table.all_rows(), match, table)
    if match["limit"]:
        rows = rows[:int(match["limit"])]
    names = [field["name"] for field in chosen]
    return schema.relaxed(chosen), [{name: row.get(name) for name in names} for row in rows]


def _into_table(world, config, fields, rows):
    table, disposition = destination(world, config, "WRITE_EMPTY")
    if table is not None:
        check_partitioning(config, table)
        if disposition in ("WRITE_APPEND", "WRITE_TRUNCATE_DATA"):
            options = config.get("schemaUpdateOptions") or []
            # A NULLABLE result goes into a REQUIRED column, which then refuses a NULL.
            required = {f["name"] for f in table.fields if f["mode"] == "REQUIRED"}
            wanted = [dict(f, mode="REQUIRED") if f["name"] in required else f for f in fields]
            if any(row.get(name) is None for name in required for row in rows):
                raise JobError("invalid", "Required field cannot be null")
            try:
                fields = schema.merged(table.fields, wanted, "ALLOW_FIELD_ADDITION" in options, False)
            except schema.Mismatch as why:
                raise JobError("invalidQuery", "Provided Schema does not match Table %s. %s." %
                               (table.name(), why)) from None
    write(world, config, table, disposition, fields, rows,
          {k: config[k] for k in ("timePartitioning", "clustering") if config.get(k)})
