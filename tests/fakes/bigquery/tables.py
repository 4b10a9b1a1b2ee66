"""Datasets and tables: their resources, their rows, what may be changed and how often."""
import copy
import re
import uuid

import schema
from errors import ApiError, invalid, not_found
from shown import cells

_ID = re.compile(r"^[\w\- ]{1,1024}$")
# What patch and update may set; the rest of a resource is the service's own.
_SETTABLE = ("description", "friendlyName", "labels", "expirationTime", "timePartitioning", "clustering",
             "requirePartitionFilter", "defaultCollation", "maxStaleness")


class Table:
    def __init__(self, world, key, resource):
        self.world, self.key = world, key
        self.fields = schema.normalized((resource.get("schema") or {}).get("fields"))
        self.meta = {k: copy.deepcopy(resource[k]) for k in _SETTABLE if resource.get(k) is not None}
        self.created = self.modified = world.now_ms()
        self.rows = []  # What copy jobs see.
        self.buffer = []  # Streamed rows that they do not.
        self.buffer_since = 0.0
        self.insert_ids = {}  # insertId -> when
        self.updates = []  # Times of metadata updates.
        self.versions = 1  # Of the schema.
        self.etag = ""
        self.check()
        self.touch()

    def check(self):
        names = {field["name"].lower() for field in self.fields}
        wanted = list((self.meta.get("clustering") or {}).get("fields", []))
        by_time = self.meta.get("timePartitioning")
        if by_time:
            if by_time.get("type") not in ("DAY", "HOUR", "MONTH", "YEAR"):
                raise invalid("Invalid value for timePartitioning.type: %s" % by_time.get("type"))
            field = next((f for f in self.fields if f["name"] == by_time.get("field")), None)
            if by_time.get("field") and (field is None or field["mode"] == "REPEATED" or
                                         field["type"] not in ("DATE", "TIMESTAMP", "DATETIME")):
                raise invalid("The field specified for partitioning cannot be found in the schema, or is "
                              "not of type DATE, DATETIME or TIMESTAMP: %s" % by_time["field"])
        for name in wanted:
            if name.lower() not in names:
                raise invalid("The field specified for clustering cannot be found in the schema: %s" % name)
        if len(wanted) > 4:
            raise invalid("Too many clustering fields: at most 4")

    def touch(self):
        self.modified = self.world.now_ms()
        self.etag = uuid.uuid4().hex

    def reference(self):
        return dict(zip(("projectId", "datasetId", "tableId"), self.key))

    def name(self):
        return "%s:%s.%s" % self.key

    def all_rows(self):
        return self.rows + self.buffer

    def set_fields(self, fields):
        if fields != self.fields:
            self.fields = fields
            self.versions += 1

    def stream(self, rows):
        if not self.buffer:
            self.buffer_since = self.world.now()
        self.buffer.extend(rows)

    def flush_buffer(self):
        self.rows.extend(self.buffer)
        self.buffer = []
        self.modified = self.world.now_ms()

    def resource(self):
        out = dict(copy.deepcopy(self.meta), kind="bigquery#table", type="TABLE", etag=self.etag,
                   id=self.name(), tableReference=self.reference(), schema=schema.shown(self.fields),
                   numRows=str(len(self.rows)), numBytes=str(len(self.rows) * 100), creationTime=self.created,
                   lastModifiedTime=self.modified, numLongTermBytes="0",
                   location=self.world.datasets[self.key[:2]]["location"])
        if self.buffer:
            out["streamingBuffer"] = {
                "estimatedRows": str(len(self.buffer)), "estimatedBytes": str(len(self.buffer) * 100),
                "oldestEntryTime": str(int(self.buffer_since * 1000))}
        return out


def dataset_of(world, project, dataset):
    found = world.datasets.get((project, dataset))
    if found is None:
        raise not_found("Dataset", "%s:%s" % (project, dataset))
    return found


def find_table(world, reference):
    """The table of a tableReference, or None; a dataset that is not there is an error."""
    key = key_of(reference)
    dataset_of(world, *key[:2])
    return world.tables.get(key)


def key_of(reference):
    key = tuple(str(reference.get(k) or "") for k in ("projectId", "datasetId", "tableId"))
    if not all(_ID.match(part) or (i == 0 and part) for i, part in enumerate(key)):
        raise invalid("Invalid table ID \"%s\"" % key[2])
    return key


def _table(world, request):
    key = (request.params["project"], request.params["dataset"], request.params["table"])
    dataset_of(world, *key[:2])
    if key not in world.tables:
        raise not_found("Table", "%s:%s.%s" % key)
    return world.tables[key]


def get_dataset(world, request):
    return 200, dataset_of(world, request.params["project"], request.params["dataset"])


def insert_dataset(world, request):
    project, body = request.params["project"], request.json()
    name = (body.get("datasetReference") or {}).get("datasetId") or ""
    if not re.match(r"^\w{1,1024}$", name):
        raise invalid("Invalid dataset ID \"%s\"" % name)
    if (project, name) in world.datasets:
        raise ApiError(409, "duplicate", "Already Exists: Dataset %s:%s" % (project, name))
    made = dict(body, kind="bigquery#dataset", id="%s:%s" % (project, name), etag=uuid.uuid4().hex,
                datasetReference={"projectId": project, "datasetId": name},
                location=body.get("location") or "US", creationTime=world.now_ms(),
                lastModifiedTime=world.now_ms())
    world.datasets[project, name] = made
    return 200, made


def list_tables(world, request):
    project, dataset = request.params["project"], request.params["dataset"]
    dataset_of(world, project, dataset)
    found = [t for k, t in sorted(world.tables.items()) if k[:2] == (project, dataset)]
    at = int(request.query.get("pageToken") or 0)
    size = int(request.query.get("maxResults") or 1000)
    page = [{k: v for k, v in t.resource().items() if k in
             ("kind", "id", "tableReference", "type", "labels", "timePartitioning", "clustering", "creationTime")}
            for t in found[at:at + size]]
    out = {"kind": "bigquery#tableList", "tables": page, "totalItems": len(found)}
    if at + size < len(found):
        out["nextPageToken"] = str(at + size)
    return 200, out


def get_table(world, request):
    return 200, _table(world, request).resource()


def insert_table(world, request):
    project, dataset = request.params["project"], request.params["dataset"]
    body = request.json()
    key = key_of(dict(body.get("tableReference") or {}, projectId=project, datasetId=dataset))
    dataset_of(world, project, dataset)
    if key in world.tables:
        raise ApiError(409, "duplicate", "Already Exists: Table %s:%s.%s" % key)
    world.tables[key] = Table(world, key, body)
    return 200, world.tables[key].resource()


def patch_table(world, request):
    """tables.patch, and tables.update, which also takes away what it does not name."""
    table, body, replace = _table(world, request), request.json(), request.method == "PUT"
    wanted = request.headers.get("If-Match")
    if wanted and wanted.strip('"') not in ("*", table.etag):
        raise ApiError(412, "conditionNotMet", "Precondition check failed.")
    now = world.now()
    table.updates = [t for t in table.updates if t > now - 10]
    if len(table.updates) >= world.options["metadata_updates_per_10s"]:
        raise ApiError(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for "
                       "this table. For more information, see "
                       "https://cloud.google.com/bigquery/docs/troubleshoot-quotas")
    table.updates.append(now)
    old_meta, fields = table.meta, table.fields
    meta = {} if replace else copy.deepcopy(table.meta)
    for name in _SETTABLE:
        if name not in body:
            continue
        if name == "timePartitioning" and (body[name] or {}).get("field") != (
                old_meta.get(name) or {}).get("field"):
            raise invalid("Cannot change partitioning spec for a partitioned table.")
        if body[name] is None:
            meta.pop(name, None)
        elif name == "labels" and not replace:
            labels = dict(meta.get("labels") or {}, **body["labels"])
            meta["labels"] = {k: v for k, v in labels.items() if v is not None}
        else:
            meta[name] = copy.deepcopy(body[name])
    if (body.get("schema") or {}).get("fields"):
        try:
            fields = schema.merged(table.fields, schema.normalized(body["schema"]["fields"]), True, True,
                                   partial=False)
        except schema.Mismatch as why:
            raise invalid("Provided Schema does not match Table %s. %s." % (table.name(), why)) from None
    table.meta = meta
    table.set_fields(fields)
    table.touch()
    return 200, table.resource()


def delete_table(world, request):
    del world.tables[_table(world, request).key]
    return 204, None


def page_of(world, request, fields, rows, as_int64):
    """One page of rows, as tabledata.list and getQueryResults answer."""
    at = int(request.query.get("pageToken") or request.query.get("startIndex") or 0)
    size = request.query.get("maxResults")
    size = min(int(size), 100000) if size not in (None, "") else 10000
    out = {"totalRows": str(len(rows))}
    if rows[at:at + size]:
        out["rows"] = [cells(fields, row, as_int64) for row in rows[at:at + size]]
    if at + size < len(rows) and size:
        out["pageToken"] = str(at + size)
    return out


def wants_int64(request):
    return str(request.query.get("formatOptions.useInt64Timestamp")).lower() == "true"


def list_rows(world, request):
    table = _table(world, request)
    fields, chosen = table.fields, request.query.get("selectedFields")
    if chosen:
        names = set(chosen.split(","))
        fields = [f for f in fields if f["name"] in names]
    out = page_of(world, request, fields, table.all_rows(), wants_int64(request))
    return 200, dict(out, kind="bigquery#tableDataList", etag=table.etag)


_D = r"/bigquery/v2/projects/(?P<project>[^/]+)/datasets"
_T = _D + r"/(?P<dataset>[^/]+)/tables"
ROUTES = [
    ("POST", _D, insert_dataset),
    ("GET", _D + r"/(?P<dataset>[^/]+)", get_dataset),
    ("GET", _T, list_tables),
    ("POST", _T, insert_table),
    ("GET", _T + r"/(?P<table>[^/]+)", get_table),
    ("PATCH", _T + r"/(?P<table>[^/]+)", patch_table),
    ("PUT", _T + r"/(?P<table>[^/]+)", patch_table),
    ("DELETE", _T + r"/(?P<table>[^/]+)", delete_table),
    ("GET", _T + r"/(?P<table>[^/]+)/data", list_rows),
]
