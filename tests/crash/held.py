"""Runs that a check holds back, approved and killed on the way: what was staged is published, once."""
import signal

from foreground import Cell, Foreground
from places import state_leftovers
from truth import compare, count_lines, expected

NAME = "held"
# All that an approved attempt passes between its claim and its end.
PASSED = (
    "sync.after_open", "sync.before_verify", "sync.after_intent", "sync.after_finalize", "sync.after_record",
    "scheduler.before_finish",
)
FIRST_RUN = ("sync.after_checkpoint", "sync.before_verify", "scheduler.before_finish")
MODES = (("file", "cursor"), ("sqlite", "full_refresh"), ("file", "full_refresh"), ("sqlite", "merge"))
# The first two, at these, unless more deaths are asked for than this.
SHORT = ("sync.after_open", "sync.after_intent", "sync.after_finalize", "scheduler.before_finish")
SHORT_UP_TO = 1000
TRIES = 12


class HeldCell(Cell):
    """Every run is held: no run brings so many rows."""

    START = 1500

    def __init__(self, destination, mode):
        super().__init__(destination, mode)
        self.name = "%s-%s-%s" % (NAME, destination, mode)

    def job(self, folder, source):
        return super().job(folder, source) + "checks: {min_rows: 1000000000}\n"


class Held(Foreground):
    arguments = ()

    def run(self, *arguments, failpoint=None):
        self.arguments = arguments
        return self.end(self.start(failpoint))

    def command(self):
        return super().command() + list(self.arguments)

    def die_while(self, failpoint, *arguments):
        code, said = self.run(*arguments, failpoint=failpoint)
        if code == -signal.SIGKILL:
            self.report.death(self.cell.name, failpoint)
        elif code not in (0, 1):
            self.report.finding(self, "%s ended with %s: %s" % (failpoint, code, said))

    def settle(self):
        """Approves until it is published: a run that was approved goes on by itself."""
        code = None
        for tried in range(TRIES):
            code, said = self.run("--approve") if tried else self.run()
            if code == 0:
                break
        if code != 0:
            return self.report.finding(self, "was never published: %s" % said)
        found = self.cell.leftovers(self.folder) + state_leftovers(self.folder / "state")
        if found:
            self.report.leftover(self, found)
        self.report.rows(
            self, *compare(expected(self.source, self.cell.mode), count_lines(self.cell.rows(self.folder)))
        )

    def go(self, short):
        for name in () if short else FIRST_RUN:
            self.die_while(name + ":1")
            self.settle()
            self.fresh()
        for name in SHORT if short else PASSED:
            code, said = self.run()
            if code != 1 or self.cell.rows(self.folder):
                self.report.finding(self, "a run that was to be held ended with %s: %s" % (code, said))
            self.die_while(name + ":1", "--approve")
            self.settle()
            self.fresh()


def held_cells(binary, work, rng, report, deaths):
    short = deaths < SHORT_UP_TO
    for destination, mode in MODES[:2] if short else MODES:
        Held(binary, HeldCell(destination, mode), work, rng, report).go(short)
