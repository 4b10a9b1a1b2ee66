"""A column's values: what JSON may hold for each type, and how it is kept.

Kept as: str (STRING, BYTES in base64, NUMERIC, DATETIME, DATE, TIME, GEOGRAPHY, JSON as compact text),
int (INTEGER, TIMESTAMP in microseconds), float, bool, dict (RECORD), list (REPEATED), None.
"""
import base64
import binascii
import datetime
import json
import re
from decimal import Decimal, InvalidOperation

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_DATE = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})$")
_TIME = re.compile(r"^(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?$")
_MOMENT = re.compile(r"^(\S+?)(?:[Tt ]\s*([\d:.]+))?\s*(Z|z|UTC|[+-]\d{1,2}(?::?\d{2})?)?$")
_WKT = re.compile(r"^\s*(POINT|LINESTRING|POLYGON|MULTI\w+|GEOMETRYCOLLECTION|FULLGLOBE)\b", re.I)


class Bad(ValueError):
    """Says why in its text; the caller knows the column."""


def _plain(value, kind):
    if isinstance(value, (dict, list)):
        raise Bad("%s specified for a field of type %s" %
                  ("Object" if isinstance(value, dict) else "Array", kind))
    return value


def _string(value):
    value = _plain(value, "STRING")
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _bytes(value):
    if not isinstance(value, str):
        raise Bad("Could not decode base64 string to bytes")
    try:
        raw = base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise Bad("Could not decode base64 string to bytes") from None
    return base64.b64encode(raw).decode()


def _integer(value):
    value = _plain(value, "INTEGER")
    if isinstance(value, bool):
        raise Bad("Could not convert value to integer")
    try:
        number = int(value) if isinstance(value, (int, str)) else Decimal(value)
        if number != int(number):
            raise ValueError
    except (ValueError, ArithmeticError):
        try:
            number = Decimal(value)
            if number != number.to_integral_value():
                raise ValueError
        except (ValueError, ArithmeticError, TypeError):
            raise Bad("Could not convert value to integer") from None
    number = int(number)
    if not -2**63 <= number < 2**63:
        raise Bad("Could not convert value to integer")
    return number


def _float(value):
    value = _plain(value, "FLOAT")
    if isinstance(value, bool):
        raise Bad("Could not convert value to double")
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise Bad("Could not convert value to double") from None


def _decimal(digits_before, scale):
    def convert(value):
        value = _plain(value, "NUMERIC")
        try:
            number = Decimal(str(value)) if not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite():
            raise Bad("Invalid NUMERIC value: %s" % value)
        _, digits, exponent = number.as_tuple()
        if len(digits) + exponent > digits_before or -exponent > scale:
            text = format(number.normalize(), "f")
            whole, _, fraction = text.lstrip("-").partition(".")
            if len(whole.lstrip("0")) > digits_before or len(fraction) > scale:
                raise Bad("Invalid NUMERIC value: %s" % value)
        text = format(number, "f")
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text in ("-0", "") else text
    return convert


def _boolean(value):
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in ("true", "t", "yes", "y", "1"):
        return True
    if text in ("false", "f", "no", "n", "0"):
        return False
    raise Bad("Could not convert value to boolean")


def _date_parts(text):
    match = _DATE.match(text)
    if not match:
        raise ValueError
    return datetime.date(*map(int, match.groups()))


def _time_parts(text):
    match = _TIME.match(text)
    if not match:
        raise ValueError
    hour, minute, second, fraction = match.groups()
    return datetime.time(int(hour), int(minute), int(second), int((fraction or "0").ljust(6, "0")))


def _timestamp(value):
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
        raise Bad("Could not parse '%s' as a timestamp" % value)
    if not isinstance(value, str) or re.match(r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$", value):
        number = Decimal(str(value))
        # BigQuery takes whole numbers by their size for seconds, milli- or microseconds.
        micros = int(number * 1000000) if abs(number) < 10**11 else (
            int(number * 1000) if abs(number) < 10**14 else int(number))
        if not -62135596800000000 <= micros <= 253402300799999999:
            raise Bad("Could not parse '%s' as a timestamp" % value)
        return micros
    try:
        day, clock, zone = _MOMENT.match(value.strip()).groups()
        moment = datetime.datetime.combine(_date_parts(day), _time_parts(clock or "0:0:0"),
                                           datetime.timezone.utc)
        micros = (moment - _EPOCH) // datetime.timedelta(microseconds=1)
        if zone and zone[0] in "+-":
            digits = zone[1:].replace(":", "")
            hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
            shift = (int(hours) * 60 + int(minutes)) * 60000000
            micros += -shift if zone[0] == "+" else shift
        return micros
    except (ValueError, AttributeError):
        raise Bad("Could not parse '%s' as a timestamp. Required format is YYYY-MM-DD HH:MM[:SS[.SSSSSS]]"
                  % value) from None


def _datetime(value):
    try:
        day, clock, zone = _MOMENT.match(value.strip()).groups()
        if zone and zone.lower() != "z":
            raise ValueError
        return datetime.datetime.combine(_date_parts(day), _time_parts(clock or "0:0:0")).isoformat()
    except (ValueError, AttributeError):
        raise Bad("Invalid datetime string \"%s\"" % value) from None


def _date(value):
    try:
        return _date_parts(value.strip()).isoformat()
    except (ValueError, AttributeError):
        raise Bad("Invalid date: '%s'" % value) from None


def _time(value):
    try:
        return _time_parts(value.strip()).isoformat()
    except (ValueError, AttributeError):
        raise Bad("Invalid time string \"%s\"" % value) from None


def _geography(value):
    if isinstance(value, str):
        if _WKT.match(value):
            return value
        try:
            if "type" in json.loads(value):
                return value
        except (ValueError, TypeError):
            pass
    raise Bad("Invalid geography value")


def json_text(value):
    """The compact text that a JSON column keeps; its numbers are doubles or integers."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)


def _refuse(name):
    raise ValueError("JSON has no %s" % name)


# Keeps the digits of numbers; refuses the constants that JSON lacks.
parse_json = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse).decode


def json_of_text(value):
    """A JSON column of insertAll: the value arrives as text."""
    value = _plain(value, "JSON")
    try:
        return json_text(parse_json(value)) if isinstance(value, str) else json_text(value)
    except ValueError:
        raise Bad("Invalid JSON value") from None


CONVERT = {
    "STRING": _string, "BYTES": _bytes, "INTEGER": _integer, "FLOAT": _float,
    "NUMERIC": _decimal(29, 9), "BIGNUMERIC": _decimal(39, 38), "BOOLEAN": _boolean,
    "TIMESTAMP": _timestamp, "DATETIME": _datetime, "DATE": _date, "TIME": _time,
    "GEOGRAPHY": _geography, "JSON": json_text,
}
