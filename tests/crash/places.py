"""What destinations and state directories hold, read without bizond."""
import json
import re
import sqlite3

LEFTOVER = re.compile(r"_temp(\.|$)|_incremental(\.|$)|\.tmp$|\.unfinished$|_bizond_staging", re.I)


def file_rows(path):
    if not path.exists():
        return []
    text = path.read_bytes()
    if text and not text.endswith(b"\n"):
        raise AssertionError("%s ends within a line" % path)
    return [json.loads(line)["source_data"] for line in text.split(b"\n") if line]


LOGGED = re.compile(r"record \S+ key=\S+ at=\S+ (.*)", re.S)


def run_logs(state):
    return list(state.glob("run/*/logs/*/*.jsonl"))


def full_logs(state):
    """Logs that took no further line: what the logger said after that is nowhere."""
    return [str(path) for path in run_logs(state) if b"the log of this run ends here" in path.read_bytes()]


def logged_rows(state):
    """What the logger said, in the logs of all runs."""
    rows = []
    for path in run_logs(state):
        for line in path.read_bytes().split(b"\n"):
            try:
                said = LOGGED.fullmatch(json.loads(line)["message"])
            except ValueError:
                continue  # Torn by a death.
            if said:
                rows.append(said.group(1))
    return rows


def sqlite_rows(path, table):
    if not path.exists():
        return []
    # Not read-only: who reads first after a death rolls back what it left.
    with sqlite3.connect("file:%s?mode=rw" % path, uri=True) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if table not in names:
            return []
        return [text for (text,) in db.execute('SELECT source_data FROM "%s"' % table)]


def target_leftovers(folder):
    """Staging that outlived a run that ended well."""
    found = [str(path) for path in folder.rglob("*") if path.is_file() and LEFTOVER.search(path.name)]
    for path in folder.rglob("*.db"):
        with sqlite3.connect("file:%s?mode=rw" % path, uri=True) as db:
            for (name,) in db.execute("SELECT name FROM sqlite_master"):
                if LEFTOVER.search(name):
                    found.append("%s: %s" % (path, name))
            found += ["%s: %s" % (path, text) for (text,) in db.execute("PRAGMA integrity_check") if text != "ok"]
    return found


def state_leftovers(folder):
    """Runs that never ended, and a store that is not whole, in every bizond.db below the folder."""
    found = []
    for path in folder.rglob("bizond.db"):
        with sqlite3.connect(path) as db:
            for run, phase in db.execute("SELECT id, phase FROM runs WHERE phase < 2"):
                found.append("%s: run %s has phase %d" % (path, run, phase))
            for (run,) in db.execute(
                "SELECT run_id FROM checkpoints WHERE run_id NOT IN (SELECT id FROM runs WHERE phase < 2)"
            ):
                found.append("%s: checkpoint of the ended run %s" % (path, run))
            for job, nominal in db.execute(
                "SELECT job, nominal_at FROM occurrences WHERE state = 'queued' AND run_id NOT IN"
                " (SELECT id FROM runs WHERE phase < 2)"
            ):
                found.append("%s: occurrence %s of %s is queued without a run" % (path, nominal, job))
            found += ["%s: %s" % (path, text) for (text,) in db.execute("PRAGMA integrity_check") if text != "ok"]
    return found
