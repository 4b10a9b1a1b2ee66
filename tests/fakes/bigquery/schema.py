"""Table schemas: checked and brought to one form; how one may become another."""
import copy
import re

from errors import invalid

_ALIASES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}
_TYPES = {"STRING", "BYTES", "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "TIMESTAMP",
          "DATETIME", "DATE", "TIME", "GEOGRAPHY", "JSON", "RECORD"}
_MODES = {"NULLABLE", "REQUIRED", "REPEATED"}
_NAME = re.compile(r"^[^\W\d][\w \-&%=+:'<>#|]{0,299}$")


def normalized(fields):
    """The fields of a request with full types and modes; raises a 400 that says what is wrong."""
    out, seen = [], set()
    for field in fields or []:
        name = field.get("name", "")
        kind = str(field.get("type", "")).upper()
        kind = _ALIASES.get(kind, kind)
        mode = str(field.get("mode") or "NULLABLE").upper()
        if not _NAME.match(name):
            raise invalid("Invalid field name \"%s\". Fields must contain the allowed characters, and be "
                          "at most 300 characters long." % name)
        if name.lower() in seen:
            raise invalid("Duplicate field name: %s" % name)
        if kind not in _TYPES:
            raise invalid("Invalid value for type: %s is not a valid value" % (kind or "(none)"))
        if mode not in _MODES:
            raise invalid("Invalid value for mode: %s is not a valid value" % mode)
        seen.add(name.lower())
        one = {k: v for k, v in field.items() if k not in ("name", "type", "mode", "fields")}
        one.update(name=name, type=kind, mode=mode)
        if kind == "RECORD":
            one["fields"] = normalized(field.get("fields"))
            if not one["fields"]:
                raise invalid("Field %s is type RECORD but has no schema" % name)
        out.append(one)
    return out


def shown(fields):
    """As the service answers: the mode is always said."""
    return {"fields": copy.deepcopy(fields)}


class Mismatch(Exception):
    """The new schema is none that the table may take."""


def merged(table, wanted, add, relax, prefix="", partial=True):
    """The table's fields after a change to `wanted`: with `add` new ones are appended, with `relax`
    REQUIRED may become NULLABLE. `partial`: fields that `wanted` leaves out stay (load jobs)."""
    by_name = {field["name"].lower(): field for field in wanted}
    out = []
    for old in table:
        path = prefix + old["name"]
        new = by_name.pop(old["name"].lower(), None)
        if new is None:
            if not partial:
                raise Mismatch("Field %s is missing in new schema" % path)
            if old["mode"] == "REQUIRED":
                raise Mismatch("Required field %s is missing in new schema" % path)
            out.append(old)
            continue
        if new["type"] != old["type"]:
            raise Mismatch("Field %s has changed type from %s to %s" % (path, old["type"], new["type"]))
        if new["mode"] != old["mode"]:
            relaxes = (old["mode"], new["mode"]) == ("REQUIRED", "NULLABLE")
            if not (relaxes and relax):
                raise Mismatch("Field %s has changed mode from %s to %s" % (path, old["mode"], new["mode"]))
        one = dict(old, mode=new["mode"])
        if "description" in new:
            one["description"] = new["description"]
        if old["type"] == "RECORD":
            one["fields"] = merged(old["fields"], new["fields"], add, relax, path + ".", partial)
        out.append(one)
    for new in wanted:
        if new["name"].lower() not in by_name:
            continue
        path = prefix + new["name"]
        if not add:
            raise Mismatch("Cannot add fields (field: %s)" % path)
        if new["mode"] == "REQUIRED":
            raise Mismatch("Cannot add required fields to an existing schema. (field: %s)" % path)
        out.append(new)
    return out


def relaxed(fields):
    """As the result of a query has it: nothing is REQUIRED."""
    return [dict(field, mode="NULLABLE" if field["mode"] == "REQUIRED" else field["mode"],
                 **({"fields": relaxed(field["fields"])} if field["type"] == "RECORD" else {}))
            for field in fields]
