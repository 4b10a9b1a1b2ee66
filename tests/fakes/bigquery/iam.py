"""Permissions: all are granted, but those that the option `denied` names; and the questions about them.

`denied` holds permissions ("bigquery.tables.create"). A call that needs one of them is refused with
BigQuery's own words before it does anything.
"""
import re

from errors import ApiError, invalid, not_found

_T = r"^/bigquery/v2/projects/(?P<project>[^/]+)/datasets/(?P<dataset>[^/]+)/tables"
_B = r"^/(?:upload/|download/)?storage/v1/b/(?P<bucket>[^/]+)"
# What a call needs; a load, copy or query job, which needs more, is looked at when it is started.
_NEEDED = [(method, re.compile(path + "$"), permission) for method, path, permission in [
    ("POST", r"^/bigquery/v2/projects/(?P<project>[^/]+)/datasets", "bigquery.datasets.create"),
    ("GET", r"^/bigquery/v2/projects/(?P<project>[^/]+)/datasets/(?P<dataset>[^/]+)", "bigquery.datasets.get"),
    ("GET", _T, "bigquery.tables.list"),
    ("POST", _T, "bigquery.tables.create"),
    ("GET", _T + r"/(?P<table>[^/]+)", "bigquery.tables.get"),
    ("PATCH", _T + r"/(?P<table>[^/]+)", "bigquery.tables.update"),
    ("PUT", _T + r"/(?P<table>[^/]+)", "bigquery.tables.update"),
    ("DELETE", _T + r"/(?P<table>[^/]+)", "bigquery.tables.delete"),
    ("GET", _T + r"/(?P<table>[^/]+)/data", "bigquery.tables.getData"),
    ("POST", _T + r"/(?P<table>[^/]+)/insertAll", "bigquery.tables.updateData"),
    ("GET", _B + "/o", "storage.objects.list"),
    ("POST", _B + "/o", "storage.objects.create"),
    ("PUT", _B + "/o", "storage.objects.create"),
    ("GET", _B + "/o/.+", "storage.objects.get"),
    ("DELETE", _B + "/o/.+", "storage.objects.delete"),
]]
_OF_TABLES = re.compile(r"^bigquery\.tables\.(?!create$|list$)\w+$")


def denied(world, permission):
    return permission in world.options["denied"]


def used(world, permission):
    """Notes that a call needs it; true: it has it."""
    world.used_permissions.add(permission)
    return not denied(world, permission)


def need(world, permission, where):
    """Refuses a call for the want of a permission; `where` is ("dataset", "p:d") or the like."""
    if used(world, permission):
        return
    kind, name = where
    if permission.startswith("storage."):
        raise ApiError(403, "forbidden", "fake@example.com does not have %s access to the Google Cloud Storage %s. "
                       "Permission '%s' denied on resource (or it may not exist)." % (permission, kind, permission))
    if kind == "project":
        raise ApiError(403, "accessDenied", "Access Denied: Project %s: User does not have %s permission in "
                       "project %s." % (name, permission, name))
    raise ApiError(403, "accessDenied", "Access Denied: %s %s: Permission %s denied on %s %s (or it may not "
                   "exist)." % (kind.capitalize(), name, permission, kind, name))


def check(world, request):
    """What the call as such needs."""
    for method, path, permission in _NEEDED:
        match = path.match(request.path) if method == request.method else None
        if match:
            need(world, permission, _where(permission, match.groupdict()))
            return


def _where(permission, names):
    if "bucket" in names:
        return "bucket", names["bucket"]
    if "table" in names:
        return "table", "%s:%s.%s" % (names["project"], names["dataset"], names["table"])
    if "dataset" in names:
        return "dataset", "%s:%s" % (names["project"], names["dataset"])
    return "project", names["project"]


def check_job(world, project, kind, config):
    """What a load, copy or query job needs."""
    need(world, "bigquery.jobs.create", ("project", project))
    target = config.get("destinationTable")
    if target:
        key = tuple(target.get(k) or "" for k in ("projectId", "datasetId", "tableId"))
        if key not in world.tables and config.get("createDisposition") != "CREATE_NEVER":
            need(world, "bigquery.tables.create", ("dataset", "%s:%s" % key[:2]))
        need(world, "bigquery.tables.updateData", ("table", "%s:%s.%s" % key))
    for source in list(config.get("sourceTables") or [config.get("sourceTable")]):
        if source:
            need(world, "bigquery.tables.getData", ("table", "%s:%s.%s" % tuple(
                source.get(k) or "" for k in ("projectId", "datasetId", "tableId"))))
    for uri in config.get("sourceUris") or []:
        need(world, "storage.objects.get", ("object", uri))


def test_table(world, request):
    """tables.testIamPermissions: of a table that is not there, NOT_FOUND to who may look, else nothing."""
    key = (request.params["project"], request.params["dataset"], request.params["table"])
    asked = request.json().get("permissions") or []
    for permission in asked:
        if not _OF_TABLES.match(permission):
            raise invalid("Permission %s is not valid for this resource." % permission)
    if key not in world.tables:
        if denied(world, "bigquery.tables.get"):
            return 200, {}
        raise not_found("Table", "%s:%s.%s" % key)
    granted = [permission for permission in asked if not denied(world, permission)]
    return 200, {"permissions": granted} if granted else {}


def test_bucket(world, request):
    """buckets.testIamPermissions."""
    name = request.params["bucket"]
    if name not in world.buckets and not world.options["any_bucket"]:
        raise ApiError(404, "notFound", "The specified bucket does not exist.")
    asked = request.query_list("permissions")
    for permission in asked:
        if permission in ("storage.buckets.list", "storage.buckets.create") or not permission.startswith("storage."):
            raise invalid("Invalid argument: permission %s" % permission)
    granted = [permission for permission in asked if not denied(world, permission)]
    out = {"kind": "storage#testIamPermissionsResponse"}
    return 200, dict(out, permissions=granted) if granted else out


ROUTES = [
    ("POST", _T[1:] + r"/(?P<table>[^/:]+):testIamPermissions", test_table),
    ("GET", r"/storage/v1/b/(?P<bucket>[^/]+)/iam/testPermissions", test_bucket),
]
