#!/usr/bin/env python3
"""Thousands of random cron expressions, by bizond, croniter and cronsim: all agree where policies do.

    tests/cron_peers/compare.py --binary build/bizond [--seed N] [--count N]

An expression on which a library differs for a reason that docs/scheduling.md names is not compared with it; the
examples of that table are, and must differ as it says. The seed is printed and replays.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
UTC = timezone.utc
FIRES = 12
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
# Without a change of the clock, and with one of an hour and of half an hour.
EVEN_ZONES = ["UTC", "Asia/Tokyo", "Asia/Kathmandu"]
UNEVEN_ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe"]


def ours(binary, expression, zone, start, on_fold="first"):
    """The instants, or None where bizond refuses the expression."""
    command = [binary, "schedule", "preview", expression, "--timezone", zone, "--count", str(FIRES), "--json",
               "--from", start.isoformat(), "--on-fold", on_fold]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode == 3:
        return None
    answer.check_returncode()
    return [datetime.fromisoformat(fire["at"].replace("Z", "+00:00")) for fire in json.loads(answer.stdout)["items"]]


def by_cronsim(expression, zone, start):
    fires = CronSim(expression, start.astimezone(ZoneInfo(zone)))
    instants = []
    while len(instants) < FIRES:  # Two matches that a gap swallows come as one instant, twice.
        instant = next(fires).astimezone(UTC)
        if instant not in instants[-1:]:
            instants.append(instant)
    return instants


def by_croniter(expression, zone, start):
    second_first = len(expression.split()) == 6
    fires = croniter(expression, start.astimezone(ZoneInfo(zone)), second_at_beginning=second_first)
    return [fires.get_next(datetime).astimezone(UTC) for _ in range(FIRES)]


# Of ours, which on_fold a library has for its only policy.
ON_FOLD = {"croniter": "both", "cronsim": "first"}
LIBRARIES = {"croniter": by_croniter, "cronsim": by_cronsim}

# (library, expression, zone, from): a row each of the table of docs/scheduling.md.
EXAMPLES = [
    ("cronsim", "*/20 2 * * *", "Europe/Paris", "2026-03-28T12:00:00"),
    ("cronsim", "30 2-6/2 * * *", "Europe/Paris", "2026-10-24T22:30:00"),
    ("cronsim", "0 0 * * 1/2", "UTC", "2026-01-02T12:00:00"),
    ("croniter", "0 0 */2 * MON", "UTC", "2026-01-01T12:00:00"),
    ("croniter", "0 0 25/28,*/28 * 0-6", "UTC", "2026-01-01T12:00:00"),
    ("croniter", "0 0 16 * MON#3", "UTC", "2026-01-01T12:00:00"),
    ("croniter", "0 */2 * * *", "Europe/Paris", "2026-03-28T22:10:00"),
    ("croniter", "30 2 * * *", "Europe/Paris", "2026-10-24T12:00:00"),
    ("cronsim", "18 19 13-20/7 * * *", "Australia/Lord_Howe", "2025-04-05T12:00:00"),
]


def starred(field):
    return field.startswith("*")


def differs(library, expression, zone):
    """Whether that library has another policy for this expression in this zone."""
    fields = expression.split()
    minute, hour, day, _, weekday = fields[-5:]
    uneven = zone in UNEVEN_ZONES
    if library == "cronsim":
        if any("/" in item and not item.startswith("*") and "-" not in item for item in weekday.split(",")):
            return True
        elapsed = "*" in hour or "/" in hour
        their_elapsed = starred(minute) or starred(hour) or len(fields) == 6
        half_hour = zone == "Australia/Lord_Howe" and their_elapsed
        return uneven and (elapsed != their_elapsed or half_hour)
    stepped_star = any("*" in field and field != "*" for field in (day, weekday))
    stepped_hour = hour != "*" and ("*" in hour or "/" in hour)
    return (uneven and stepped_hour) or stepped_star or ("#" in weekday and day != "*")


def item(draw, low, high, names):
    def value(number):
        return names[number - low] if names and draw.random() < 0.3 else str(number)
    first, second = sorted((draw.randint(low, high), draw.randint(low, high)))
    kind = draw.random()
    if kind < 0.5:
        return value(first)
    if kind < 0.7:
        return "%s-%s" % (value(first), value(second)) if first < second else value(first)
    if kind < 0.8:
        return "%d-%d/%d" % (first, second, draw.randint(1, high - low)) if first < second else str(first)
    if kind < 0.9:
        return "*/%d" % draw.randint(1, high - low)
    return "%d/%d" % (first, draw.randint(1, high - low))


def field(draw, low, high, star, names=()):
    if draw.random() < star:
        return "*"
    return ",".join(item(draw, low, high, names) for _ in range(draw.choice([1, 1, 1, 2, 3])))


def expression_of(draw):
    day = "L" if draw.random() < 0.05 else field(draw, 1, 31, 0.5)
    weekday = field(draw, 0, 6, 0.5, DAYS)
    if draw.random() < 0.08:
        weekday = "%d#%d" % (draw.randint(1, 6), draw.randint(1, 4))
    fields = [field(draw, 0, 59, 0.1), field(draw, 0, 23, 0.3), day, field(draw, 1, 12, 0.6, MONTHS), weekday]
    if draw.random() < 0.15:
        fields.insert(0, field(draw, 0, 59, 0.1))
    return " ".join(fields)


def check_examples(binary):
    table = (ROOT / "docs/scheduling.md").read_text()
    missing = []
    for library, expression, zone, text in EXAMPLES:
        start = datetime.fromisoformat(text).replace(tzinfo=UTC)
        mine, theirs = ours(binary, expression, zone, start), LIBRARIES[library](expression, zone, start)
        if not isinstance(theirs, list) or mine == theirs:
            sys.exit("cron_peers: %s agrees on '%s': take it out of the table" % (library, expression))
        at = next(i for i in range(FIRES) if mine[i] != theirs[i])
        row = "| `%s` | %s | %s | %s: %s |" % (
            expression, zone, mine[at].strftime("%F %H:%MZ"), library, theirs[at].strftime("%F %H:%MZ"))
        if row not in table:
            missing.append(row)
    if missing:
        sys.exit("cron_peers: docs/scheduling.md lacks these rows, with their reason behind them:\n" +
                 "\n".join(missing))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--binary", required=True)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options.add_argument("--count", type=int, default=2000)
    given = options.parse_args()
    print("cron_peers: --seed %d" % given.seed, flush=True)
    draw = random.Random(given.seed)
    compared, left_out, refused, wrong = dict.fromkeys(LIBRARIES, 0), dict.fromkeys(LIBRARIES, 0), 0, 0
    for _ in range(given.count):
        expression = expression_of(draw)
        zone = draw.choice(EVEN_ZONES + UNEVEN_ZONES)
        start = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(3 * 365 * 86400))
        for library, fires in LIBRARIES.items():
            if differs(library, expression, zone):
                left_out[library] += 1
                continue
            mine = ours(given.binary, expression, zone, start, ON_FOLD[library])
            refused += mine is None
            try:
                theirs = fires(expression, zone, start)
            except Exception as error:  # Each library has its own ways to refuse; bizond must refuse, too.
                theirs = None if mine is None else "%s: %s" % (type(error).__name__, error)
            if theirs != mine:
                wrong += 1
                print("'%s' in %s from %s\n  bizond   %s\n  %-8s %s" % (
                    expression, zone, start.isoformat(), [str(at) for at in mine or []], library,
                    theirs if isinstance(theirs, str) else [str(at) for at in theirs or []]), file=sys.stderr)
            compared[library] += 1
    for library in LIBRARIES:
        print("cron_peers: %d with %s, %d left out by policy" % (compared[library], library, left_out[library]))
    print("cron_peers: %d times one that can never fire" % refused)
    check_examples(given.binary)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
