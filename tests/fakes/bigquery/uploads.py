"""Uploads of load jobs and of objects: media, multipart and resumable, with Google's rules of resuming."""
import email.parser
import json
import re
import uuid

import jobs
import objects
from errors import ApiError, invalid

UNIT = 256 << 10
_RANGE = re.compile(r"^bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")


class Upload:
    def __init__(self, world, finish):
        self.began, self.finish = world.now(), finish
        self.data = bytearray()
        self.answer = None  # Of the finished upload: said again to whoever asks.
        self.expired = False


def multipart(request):
    """(metadata, content type, data) of a multipart/related body."""
    match = re.search(r'boundary="?([^";,]+)"?', request.headers.get("Content-Type", ""))
    if not match:
        raise invalid("multipart upload without a boundary")
    mark = b"--" + match[1].encode()
    parts = (b"\r\n" + request.body).split(b"\r\n" + mark)
    if len(parts) < 4 or not parts[-1].startswith(b"--"):
        raise invalid("Malformed multipart body.")
    heads, texts = [], []
    for part in parts[1:3]:
        head, _, text = part.lstrip(b" \t").partition(b"\r\n\r\n")
        heads.append(email.parser.BytesHeaderParser().parsebytes(head.lstrip(b"\r\n")))
        texts.append(text)
    try:
        return json.loads(texts[0] or b"{}"), heads[1].get("Content-Type"), texts[1]
    except ValueError:
        raise invalid("Malformed multipart body: the first part is no JSON.") from None


def _job_sink(world, request):
    project = request.params["project"]

    def finish(metadata, _kind, data):
        return jobs.start(world, project, metadata, media=data).resource()
    return finish


def _object_sink(world, request):
    bucket, query = request.params["bucket"], dict(request.query)
    objects.bucket_of(world, bucket)

    def finish(metadata, kind, data):
        name = query.get("name") or metadata.get("name")
        return objects.put(world, bucket, name, data, metadata.get("contentType") or kind, query)
    return finish


def _begin(sink):
    def handler(world, request):
        kind, finish = request.query.get("uploadType"), sink(world, request)
        if kind == "multipart":
            return 200, finish(*multipart(request))
        if kind == "media" and sink is _object_sink:
            return 200, finish({}, request.headers.get("Content-Type"), request.body)
        if kind != "resumable":
            raise invalid("uploadType must be multipart or resumable")
        metadata, media_type = request.json(), request.headers.get("X-Upload-Content-Type")
        name = uuid.uuid4().hex
        world.uploads[name] = Upload(world, lambda data: finish(metadata, media_type, data))
        request.answer_headers["Location"] = "http://%s%s?uploadType=resumable&upload_id=%s" % (
            request.headers.get("Host"), request.path, name)
        request.answer_headers["X-GUploader-UploadID"] = name
        return 200, b""
    return handler


def _upload(world, request):
    upload = world.uploads.get(request.query.get("upload_id"))
    if upload is None:
        raise ApiError(404, "notFound", "Not Found: no such upload session")
    if upload.expired or world.now() - upload.began > world.options["upload_session_s"]:
        raise ApiError(410, "gone", "The upload session is gone; start over.")
    return upload


def _so_far(request, upload):
    if upload.data:
        request.answer_headers["Range"] = "bytes=0-%d" % (len(upload.data) - 1)
    return 308, b""


def _keep(upload, first, body, final):
    """Appends what is new of `body`, which begins at `first`; only a last chunk may end off a multiple."""
    at = len(upload.data)
    if first > at:
        raise invalid("Invalid request. According to the Content-Range header, the upload offset is %d byte(s), "
                      "which exceeds already uploaded size of %d byte(s)." % (first, at))
    upload.data += body[at - first:]
    if not final:
        del upload.data[len(upload.data) - len(upload.data) % UNIT:]


def resume(world, request):
    """A chunk of a resumable upload, or the question how far it is (`bytes */N`)."""
    upload = _upload(world, request)
    if upload.answer is not None:
        return upload.answer
    given = request.headers.get("Content-Range")
    if given is None:
        first, last, total = 0, len(request.body) - 1, str(len(request.body))
    else:
        match = _RANGE.match(given)
        if not match:
            raise invalid("Failed to parse Content-Range header.")
        if match[1] is None and not (match[3] != "*" and int(match[3]) == len(upload.data)):
            return _so_far(request, upload)
        first, last = (int(match[1]), int(match[2])) if match[1] else (len(upload.data), len(upload.data) - 1)
        total = match[3]
    body, whole = request.body, last - first + 1
    if request.body_cut:
        # The connection ended within the chunk: what came is kept by whole units.
        _keep(upload, first, body, final=False)
        return _so_far(request, upload)
    if len(body) != whole:
        raise invalid("Invalid request. The number of bytes differs from the Content-Range header.")
    final = total != "*" and last + 1 == int(total)
    if not final and whole % UNIT:
        raise invalid("Invalid request. The number of bytes uploaded is required to be equal or greater than "
                      "262144, except for the final request (it's recommended to be the exact multiple of "
                      "262144). The received request contained %d bytes, which does not meet this requirement."
                      % whole)
    _keep(upload, first, body, final)
    if not final:
        return _so_far(request, upload)
    try:
        upload.answer = 200, upload.finish(bytes(upload.data))
    except ApiError as why:
        upload.answer = why.status, why.body()
    upload.data = bytearray(upload.data[:0])
    return upload.answer


def cancel(world, request):
    _upload(world, request)
    del world.uploads[request.query["upload_id"]]
    return 499, b""


_JOBS = r"/(?:resumable/)?upload/bigquery/v2/projects/(?P<project>[^/]+)/jobs"
_OBJECTS = r"/(?:resumable/)?upload/storage/v1/b/(?P<bucket>[^/]+)/o"
ROUTES = [("POST", _JOBS, _begin(_job_sink)), ("POST", _OBJECTS, _begin(_object_sink))] + [
    (method, path, handler) for path in (_JOBS, _OBJECTS)
    for method, handler in (("PUT", resume), ("DELETE", cancel))]
