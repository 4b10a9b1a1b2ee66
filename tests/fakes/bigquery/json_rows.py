"""Rows of load jobs and of insertAll: JSON objects checked against a table's fields."""
from errors import ValueFault
from values import CONVERT, Bad, json_of_text

# What each service says of a row, by what is wrong with it.
LOAD_WORDS = {
    "unknown": "No such field: %s.", "missing": "Missing required field: %s.",
    "null": "Only optional fields can be set to NULL. Field: %s; Value: NULL",
    "not_record": "JSON object expected for the record field: %s.",
    "array": "Array specified for non-repeated field: %s.",
    "not_array": "Expected an array for the repeated field: %s.",
    "null_element": "Only optional fields can be set to NULL. Field: %s; Value: NULL",
    "object": "JSON object specified for non-record field: %s", "bad": "%s. Field: %s; Value: %s",
}
INSERT_WORDS = dict(
    LOAD_WORDS, unknown="no such field: %s.", missing="Missing required field: %s.",
    null="Missing required field: %s.", object="This field: %s is not a record.",
    not_record="This field: %s is a record.", null_element="Field value of %s cannot be empty.")


class RowReader:
    """Makes rows of a table from JSON objects; `streaming` for insertAll, else for load jobs."""

    def __init__(self, fields, streaming=False, ignore_unknown=False):
        self._words = INSERT_WORDS if streaming else LOAD_WORDS
        self._streaming, self._ignore_unknown = streaming, ignore_unknown
        self._fields = self._compile(fields)

    def read(self, row):
        if not isinstance(row, dict):
            raise ValueFault("", "A row must be a JSON object.")
        return self._record(self._fields, row, "")

    def _compile(self, fields):
        compiled = {}
        for field in fields:
            kind = field["type"]
            convert = CONVERT.get(kind)
            if kind == "JSON" and self._streaming:
                convert = json_of_text
            compiled[field["name"].lower()] = (
                field["name"], kind, field["mode"], convert,
                self._compile(field["fields"]) if kind == "RECORD" else None)
        return compiled

    def _record(self, fields, row, prefix):
        out = {}
        for name, value in row.items():
            field = fields.get(name.lower())
            if field is None:
                if self._ignore_unknown:
                    continue
                raise ValueFault(prefix + name, self._words["unknown"] % (prefix + name))
            out[field[0]] = self._field(field, value, prefix + field[0])
        for name, kind, mode, _, _ in fields.values():
            if name not in out:
                if mode == "REQUIRED":
                    raise ValueFault(prefix + name, self._words["missing"] % (prefix + name))
                out[name] = [] if mode == "REPEATED" else None
        return out

    def _field(self, field, value, path):
        mode = field[2]
        if mode == "REPEATED":
            if value is None:
                return []
            if not isinstance(value, list):
                raise ValueFault(path, self._words["not_array"] % path)
            if any(item is None for item in value):
                raise ValueFault(path, self._words["null_element"] % path)
            return [self._value(field, item, path) for item in value]
        if value is None:
            if mode == "REQUIRED":
                raise ValueFault(path, self._words["null"] % path)
            return None
        return self._value(field, value, path)

    def _value(self, field, value, path):
        _, kind, _, convert, inner = field
        if kind == "RECORD":
            if not isinstance(value, dict):
                raise ValueFault(path, self._words["not_record"] % path)
            return self._record(inner, value, path + ".")
        if kind != "JSON" or self._streaming:
            if isinstance(value, dict):
                raise ValueFault(path, self._words["object"] % path)
            if isinstance(value, list):
                raise ValueFault(path, self._words["array"] % path)
        try:
            return convert(value)
        except Bad as bad:
            raise ValueFault(path, self._words["bad"] % (bad, path, str(value)[:100])) from None
