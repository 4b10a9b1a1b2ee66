"""Jobs: accepted under an id that is used once, RUNNING for a while, then DONE with an errorResult or not."""
import copy
import re
import uuid

import iam
import loads
import queries
from errors import ApiError, JobError, invalid, not_found
from tables import key_of, page_of, wants_int64
import schema

_JOB_ID = re.compile(r"^[\w\-]{1,1024}$", re.ASCII)
_KINDS = {"load": loads.run, "copy": loads.run_copy, "query": queries.run}


class Job:
    def __init__(self, world, project, job_id, location, configuration, media, fault):
        self.world, self.project, self.id, self.location = world, project, job_id, location
        self.configuration, self.media, self.fault = configuration, media, fault
        self.kind = next(kind for kind in _KINDS if kind in configuration)
        self.number = world.number()
        self.created = world.now_ms()
        self.ends = world.now() + world.options["job_seconds"]
        self.ended = None
        self.done = False
        self.cancelled = False
        self.error = None  # errorResult
        self.errors = []
        self.statistics = {}
        self.result = None  # (fields, rows) of a query

    @property
    def config(self):
        return self.configuration[self.kind]

    def finish(self):
        self.done, self.ended = True, self.world.now_ms()
        try:
            if self.cancelled:
                raise JobError("stopped", "Job execution was cancelled: User requested cancellation")
            self._count_modification()
            if self.fault:
                raise JobError(self.fault.get("reason", "jobBackendError"),
                               self.fault.get("message", "Error encountered during execution. Retrying may "
                                              "solve the problem."))
            _KINDS[self.kind](self.world, self)
        except JobError as why:
            self.error = why.result
            self.errors = [why.result] + why.details
        except ApiError as why:
            self.error = {"reason": why.reason, "message": why.message}
            self.errors = [self.error]
        self.media = None

    def _count_modification(self):
        if not self.config.get("destinationTable"):
            return
        key, now = key_of(self.config["destinationTable"]), self.world.now()
        times = [t for t in self.world.modifications.get(key, []) if t > now - 86400]
        self.world.modifications[key] = times + [now]
        if len(times) >= self.world.options["modifications_per_day"]:
            raise JobError("quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query "
                           "appends per table. For more information, see "
                           "https://cloud.google.com/bigquery/docs/troubleshoot-quotas",
                           location="load_job_per_table.long")

    def resource(self):
        status = {"state": "DONE" if self.done else "RUNNING"}
        statistics = dict(self.statistics, creationTime=self.created, startTime=self.created)
        if self.done:
            statistics["endTime"] = self.ended
        if self.error:
            status["errorResult"] = self.error
        if self.errors:
            status["errors"] = self.errors
        configuration = dict(copy.deepcopy(self.configuration), jobType=self.kind.upper())
        return {"kind": "bigquery#job", "id": "%s:%s.%s" % (self.project, self.location, self.id or ""),
                "etag": uuid.uuid4().hex, "selfLink": "", "user_email": "fake@example.com",
                "configuration": configuration, "jobReference": self.reference(), "statistics": statistics,
                "status": status}

    def reference(self):
        out = {"projectId": self.project, "location": self.location}
        return dict(out, jobId=self.id) if self.id else out


def start(world, project, body, media=None):
    """Accepts the job of a jobs.insert request; `media` is the data that came with it."""
    configuration = body.get("configuration") or {}
    kinds = [kind for kind in _KINDS if kind in configuration]
    if len(kinds) != 1:
        raise invalid("Required parameter is missing: exactly one of configuration.load, copy, query")
    config = configuration[kinds[0]]
    reference = body.get("jobReference") or {}
    job_id = reference.get("jobId") or "job_%s" % uuid.uuid4().hex
    if not _JOB_ID.match(job_id):
        raise invalid("Invalid job ID \"%s\". Job IDs must be alphanumeric (plus underscores and dashes) and "
                      "must be at most 1024 characters long." % job_id)
    if reference.get("projectId") not in (None, project):
        raise invalid("Value in jobReference.projectId differs from the request's path")
    location = _location(world, kinds[0], config, reference.get("location"))
    iam.check_job(world, project, kinds[0], config)
    if configuration.get("dryRun"):
        return _dry_run(world, project, location, configuration)
    if (project, job_id) in world.jobs:
        raise ApiError(409, "duplicate", "Already Exists: Job %s:%s.%s" % (project, location, job_id))
    if kinds[0] == "load" and media is None and not config.get("sourceUris"):
        raise invalid("Load configuration must specify at least one source URI")
    if kinds[0] != "load" and media is not None:
        raise invalid("Only a load job takes data")
    fault = world.faults.meet("job", kinds[0], job_id)
    job = Job(world, project, job_id, location, copy.deepcopy(configuration), media,
              fault.get("job_error", {}) if fault else None)
    if kinds[0] == "query":
        queries.prepare(world, job, asked=reference.get("location"))
    world.jobs[project, job_id] = job
    world.settle()
    return job


def _dry_run(world, project, location, configuration):
    """A query that is checked and not run: it has no id, and nobody finds it afterwards."""
    if "query" not in configuration:
        raise invalid("The fake runs queries dry, and no other jobs")
    job = Job(world, project, None, location, copy.deepcopy(configuration), None, None)
    queries.prepare(world, job, asked=location)
    job.done, job.ended = True, world.now_ms()
    try:
        queries.dry_run(world, job)
    except JobError as why:
        raise ApiError(404 if why.result["reason"] == "notFound" else 400, why.result["reason"],
                       why.result["message"]) from None
    return job


def _location(world, kind, config, asked):
    """Where the job runs: where its datasets are; elsewhere they are not found."""
    if kind in ("load", "copy") and not config.get("destinationTable"):
        raise invalid("Required parameter is missing: destinationTable")
    references = [config.get("destinationTable")] + list(config.get("sourceTables") or [config.get("sourceTable")])
    location = asked
    for reference in filter(None, references):
        key = key_of(reference)[:2]
        dataset = world.datasets.get(key)
        if dataset is None:
            raise not_found("Dataset", "%s:%s" % key)
        location = location or dataset["location"]
        if location.lower() != dataset["location"].lower():
            raise ApiError(404, "notFound", "Not found: Dataset %s:%s was not found in location %s" %
                           (key + (location,)))
    return location or "US"


def find(world, request):
    project, job_id = request.params["project"], request.params["job"]
    job = world.jobs.get((project, job_id))
    asked = request.query.get("location")
    # Without a location only jobs of the two multi-regions are found.
    found = job and (asked.lower() == job.location.lower() if asked else job.location in ("US", "EU"))
    if not found:
        raise not_found("Job", "%s:%s" % (project, job_id))
    return job


def insert_job(world, request):
    return 200, start(world, request.params["project"], request.json()).resource()


def get_job(world, request):
    return 200, find(world, request).resource()


def cancel_job(world, request):
    job = find(world, request)
    if not job.done:
        job.cancelled, job.ends = True, world.now()
        world.settle()
    return 200, {"kind": "bigquery#jobCancelResponse", "job": job.resource()}


def list_jobs(world, request):
    wanted = request.query_list("stateFilter")
    found = [job for (project, _), job in world.jobs.items() if project == request.params["project"] and
             (not wanted or ("done" if job.done else "running") in [state.lower() for state in wanted])]
    found.sort(key=lambda job: -job.number)
    at, size = int(request.query.get("pageToken") or 0), int(request.query.get("maxResults") or 50)
    page = []
    for job in found[at:at + size]:
        one = job.resource()
        one["state"] = one["status"]["state"]
        if job.error:
            one["errorResult"] = job.error
        page.append(one)
    out = {"kind": "bigquery#jobList", "jobs": page}
    if at + size < len(found):
        out["nextPageToken"] = str(at + size)
    return 200, out


def _results(world, request, job):
    out = {"jobReference": job.reference(), "jobComplete": job.done, "cacheHit": False}
    if not job.done:
        return out
    if job.error:
        status = {"notFound": 404, "duplicate": 409, "quotaExceeded": 403}.get(job.error["reason"], 400)
        raise ApiError(status, job.error["reason"], job.error["message"])
    fields, rows = job.result
    out.update(page_of(world, request, fields, rows, wants_int64(request)), schema=schema.shown(fields))
    out["totalBytesProcessed"] = "0"
    return out


def query_results(world, request):
    job = find(world, request)
    if job.kind != "query":
        raise invalid("Cannot get results of a job that is no query")
    return 200, dict(_results(world, request, job), kind="bigquery#getQueryResultsResponse")


def query(world, request):
    """jobs.query: a query that answers at once when it is done within the call."""
    body = request.json()
    config = {k: v for k, v in body.items() if k in ("query", "useLegacySql", "defaultDataset")}
    reference = {"location": body["location"]} if body.get("location") else {}
    job = start(world, request.params["project"],
                {"configuration": {"query": config}, "jobReference": reference})
    if "maxResults" in body:
        request.query["maxResults"] = str(body["maxResults"])
    options = body.get("formatOptions") or {}
    request.query["formatOptions.useInt64Timestamp"] = str(options.get("useInt64Timestamp", False))
    return 200, dict(_results(world, request, job), kind="bigquery#queryResponse", queryId=job.id)


_P = r"/bigquery/v2/projects/(?P<project>[^/]+)"
ROUTES = [
    ("POST", _P + "/jobs", insert_job),
    ("GET", _P + "/jobs", list_jobs),
    ("GET", _P + "/jobs/(?P<job>[^/]+)", get_job),
    ("POST", _P + "/jobs/(?P<job>[^/]+)/cancel", cancel_job),
    ("POST", _P + "/queries", query),
    ("GET", _P + "/queries/(?P<job>[^/]+)", query_results),
]
