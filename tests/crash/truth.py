"""What the source holds, and what a destination must hold after it was read."""
import csv
import datetime
import io
import json
import random

WORDS = ["Zürich", "東京", "São Paulo", "naïve", "emoji 🛫", "tab\tnew\nline", 'quote " back \\', "plain"]


class Source:
    """A file of NDJSON records that grows: ties at the cursor, updates, nested and unicode values.

    A record's cursor never lies below one that was written in an earlier step: a row that comes late is
    not a cursor's to find. The first records of a step share their cursor with the last ones of the step
    before, so that every boundary is a tie.
    """

    def __init__(self, path, rng):
        self.path = path
        self.rng = rng
        self.lines = []  # Every line as it was written.
        self.next_id = 1
        self.tick = 0
        path.write_bytes(b"")

    def grow(self, count):
        out = []
        seen = set()  # An id has one version a tick: two of one cursor have no order.
        for i in range(count):
            if i and self.rng.random() < 0.2:
                self.tick += 1
                seen.clear()
            fresh = self.next_id <= 20 or self.rng.random() < 0.9
            key = self.next_id if fresh else self.rng.randrange(1, self.next_id)
            if key in seen or (not fresh and i < 50):
                fresh, key = True, self.next_id
            if fresh:
                self.next_id += 1
            seen.add(key)
            out.append(self.record(key))
        if out:
            # The step ends in a tie that the next one goes on with.
            self.append(out)

    def append(self, lines):
        with self.path.open("ab") as file:
            file.write(("".join(line + "\n" for line in lines)).encode())
        self.lines += lines

    def record(self, key):
        value = {
            "id": key,
            "updated_at": "2026-03-%02dT%02d:%02d:%02d.%06dZ"
            % (1 + self.tick // 86400, self.tick // 3600 % 24, self.tick // 60 % 60, self.tick % 60, self.tick % 7),
            "name": self.rng.choice(WORDS),
            "big": 9007199254740993 + key,
            "price": "%d.%02d" % (key, key % 100),
            "nested": {"a": [key, None, True], "b": {"c": self.rng.choice(WORDS)}},
            "pad": "x" * self.rng.randrange(40, 160),
        }
        return json.dumps(value, ensure_ascii=self.rng.random() < 0.5, separators=(",", ":"))


def canonical(text):
    return json.dumps(json.loads(text), sort_keys=True)


class CsvSource(Source):
    """The same as CSV, as RFC 4180 has it: all fields are texts. `lines` are the records' canonical JSON."""

    COLUMNS = ("id", "updated_at", "name", "pad")

    def __init__(self, path, rng):
        super().__init__(path, rng)
        self.write([self.COLUMNS])

    def write(self, rows):
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        with self.path.open("ab") as file:
            file.write(out.getvalue().encode())

    def append(self, lines):
        records = [json.loads(line) for line in lines]
        self.write([[record[column] for column in self.COLUMNS] for record in records])
        self.lines += [
            json.dumps({column: str(record[column]) for column in self.COLUMNS}, sort_keys=True) for record in records
        ]


class LateSource(Source):
    """The same with rows that come late, by up to LATEST seconds behind the greatest cursor."""

    LATEST = 30

    def record(self, key):
        tick = self.tick
        self.tick = max(0, tick - self.rng.randrange(0, self.LATEST))
        line = super().record(key)
        self.tick = tick
        return line


class DummySource:
    """Generated records, as docs/job-reference.md describes `source.rows`: no file, and their text is known."""

    NAMES = ("bizon", "croco", "froggy", "turtle", "poulpo")

    def __init__(self):
        self.lines = []

    def grow(self, count):
        begin = datetime.datetime(2025, 1, 1)
        for i in range(len(self.lines), len(self.lines) + count):
            at = (begin + datetime.timedelta(seconds=i)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            row = {"id": i + 1, "name": self.NAMES[i % 5], "age": i % 100, "updated_at": at}
            self.lines.append(json.dumps(row, sort_keys=True))


def key_of(line):
    return json.loads(line)["id"]


def count_lines(lines):
    counts = {}
    for line in lines:
        counts[line] = counts.get(line, 0) + 1
    return counts


def expected(source, mode):
    """The rows, as a multiset of the records' texts."""
    if mode != "merge":
        return count_lines(source.lines)
    last = {}
    for line in source.lines:
        last[key_of(line)] = line
    return count_lines(last.values())


def compare(want, have):
    """(lost, doubled, foreign) rows; a row is its whole text."""
    lost = sum(max(0, n - have.get(line, 0)) for line, n in want.items())
    doubled = sum(max(0, n - want[line]) for line, n in have.items() if line in want)
    foreign = sum(n for line, n in have.items() if line not in want)
    return lost, doubled, foreign


def self_test():
    """The comparison finds what it is there for."""
    want = {"a": 1, "b": 2}
    assert compare(want, {"a": 1, "b": 2}) == (0, 0, 0)
    assert compare(want, {"a": 2, "b": 1, "c": 1}) == (1, 1, 1)
    assert compare(want, {}) == (3, 0, 0)
    random.seed(0)
