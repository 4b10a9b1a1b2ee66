"""The small part of Google Cloud Storage that load jobs read from: objects put, got, listed, deleted."""
import base64
import fnmatch
import hashlib
import pathlib
import re
import time
import urllib.parse

from errors import ApiError


class Object:
    def __init__(self, world, bucket, name, data, kind):
        self.bucket, self.name, self.data, self.kind = bucket, name, data, kind
        self.generation = str(int(time.time() * 1e6) * 1000 + world.number() % 1000)
        self.created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(world.now()))

    def resource(self):
        md5 = base64.b64encode(hashlib.md5(self.data).digest()).decode()
        return {"kind": "storage#object", "id": "%s/%s/%s" % (self.bucket, self.name, self.generation),
                "name": self.name, "bucket": self.bucket, "generation": self.generation, "metageneration": "1",
                "contentType": self.kind, "size": str(len(self.data)), "md5Hash": md5,
                "timeCreated": self.created, "updated": self.created, "storageClass": "STANDARD"}


def bucket_of(world, name):
    if name not in world.buckets:
        if not world.options["any_bucket"]:
            raise ApiError(404, "notFound", "The specified bucket does not exist.")
        world.buckets[name] = {}
    return world.buckets[name]


def put(world, bucket, name, data, kind, query):
    """Makes or replaces an object; `ifGenerationMatch=0` makes only a new one."""
    if not name:
        raise ApiError(400, "required", "Required parameter: name")
    objects = bucket_of(world, bucket)
    wanted = query.get("ifGenerationMatch")
    there = objects[name].generation if name in objects else "0"
    if wanted is not None and wanted != there:
        raise ApiError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
    objects[name] = Object(world, bucket, name, data, kind or "application/octet-stream")
    if file := _file_of(world, bucket, name):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return objects[name].resource()


def _file_of(world, bucket, name):
    """Where another server finds the object; None: nowhere."""
    folder = world.options["objects_folder"]
    return pathlib.Path(folder) / bucket / name if folder else None


def matching(world, uri):
    """(uri, bytes) of the objects of a load job's gs:// URI, which may hold one `*`."""
    if not uri.startswith("gs://"):
        return []
    bucket, _, name = uri[5:].partition("/")
    objects = world.buckets.get(bucket, {})
    if "*" not in name:
        return [(uri, objects[name].data)] if name in objects else []
    pattern = name.replace("[", "[[]").replace("?", "[?]")
    return [("gs://%s/%s" % (bucket, key), objects[key].data)
            for key in sorted(objects) if fnmatch.fnmatchcase(key, pattern)]


def _object(world, request):
    objects = bucket_of(world, request.params["bucket"])
    name = urllib.parse.unquote(request.params["object"])
    if name not in objects:
        raise ApiError(404, "notFound", "No such object: %s/%s" % (request.params["bucket"], name))
    return objects, objects[name]


def get_object(world, request):
    _, found = _object(world, request)
    if request.query.get("alt") == "media" or request.path.startswith("/download/"):
        return _part(request, found.data)
    return 200, found.resource()


def _part(request, data):
    """The data, or the part of them that a Range header asks for."""
    wanted = re.match(r"^bytes=(\d+)-(\d*)$", request.headers.get("Range") or "")
    if not wanted:
        return 200, data
    first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
    if first >= len(data):
        return 416, b""
    request.answer_headers["Content-Range"] = "bytes %d-%d/%d" % (first, last, len(data))
    return 206, data[first:last + 1]


def delete_object(world, request):
    objects, found = _object(world, request)
    wanted = request.query.get("ifGenerationMatch")
    if wanted is not None and wanted != found.generation:
        raise ApiError(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
    del objects[found.name]
    if file := _file_of(world, found.bucket, found.name):
        file.unlink(missing_ok=True)
    return 204, None


def list_objects(world, request):
    prefix = request.query.get("prefix") or ""
    objects = bucket_of(world, request.params["bucket"])
    names = [name for name in sorted(objects) if name.startswith(prefix)]
    at, size = int(request.query.get("pageToken") or 0), int(request.query.get("maxResults") or 1000)
    out = {"kind": "storage#objects", "items": [objects[name].resource() for name in names[at:at + size]]}
    if at + size < len(names):
        out["nextPageToken"] = str(at + size)
    return 200, out


def insert_bucket(world, request):
    name = request.json().get("name") or ""
    if not name or name in world.buckets:
        raise ApiError(409, "conflict", "Your previous request to create the named bucket succeeded and you "
                       "already own it.") if name else ApiError(400, "required", "Required parameter: name")
    world.buckets[name] = {}
    return 200, {"kind": "storage#bucket", "name": name, "id": name}


def get_bucket(world, request):
    bucket_of(world, request.params["bucket"])
    return 200, {"kind": "storage#bucket", "name": request.params["bucket"], "id": request.params["bucket"]}


_B = r"/storage/v1/b/(?P<bucket>[^/]+)"
ROUTES = [
    ("POST", r"/storage/v1/b", insert_bucket),
    ("GET", _B, get_bucket),
    ("GET", _B + "/o", list_objects),
    ("GET", "(?:/download)?" + _B + "/o/(?P<object>.+)", get_object),
    ("DELETE", _B + "/o/(?P<object>.+)", delete_object),
]
