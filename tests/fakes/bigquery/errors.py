"""The errors of BigQuery's REST API, in the shape that Google's clients read."""

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    410: "NOT_FOUND",
    412: "FAILED_PRECONDITION",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class ApiError(Exception):
    """Becomes the HTTP answer `status` with Google's JSON body."""

    def __init__(self, status, reason, message, location=None):
        super().__init__(message)
        self.status, self.reason, self.message, self.location = status, reason, message, location

    def body(self):
        return error_body(self.status, self.reason, self.message, self.location)


class JobError(Exception):
    """Ends a job with errorResult; `details` are further entries of errors[]."""

    def __init__(self, reason, message, location=None, details=()):
        super().__init__(message)
        self.result = {"reason": reason, "message": message}
        if location:
            self.result["location"] = location
        self.details = list(details)


class ValueFault(Exception):
    """A value that does not fit its column; `path` is the column's."""

    def __init__(self, path, message):
        super().__init__(message)
        self.path, self.message = path, message


def error_body(status, reason, message, location=None):
    entry = {"message": message, "domain": "global", "reason": reason}
    if location:
        entry["location"] = location
    error = {"code": status, "message": message, "errors": [entry]}
    if status in _STATUS:
        error["status"] = _STATUS[status]
    return {"error": error}


def not_found(what, name):
    return ApiError(404, "notFound", "Not found: %s %s" % (what, name))


def invalid(message):
    return ApiError(400, "invalid", message)
