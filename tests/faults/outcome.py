"""What was met and what was found; a finding says how to see it again."""
import time

from report import Report


class Outcome(Report):
    def __init__(self, seed, words):
        super().__init__(seed, 0, ())
        self.words = words  # Of the command line.
        self.faults = {}  # (met, tried), by cell.
        self.kinds = {}  # Met, by kind of call.
        self.notes = []

    def fault(self, cell, kind, met):
        before = self.faults.get(cell, (0, 0))
        self.faults[cell] = (before[0] + met, before[1] + 1)
        if met:
            self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def rows(self, where, lost, doubled, foreign, what=""):
        if lost or doubled or foreign:
            self.finding(where, what)
        super().rows(where, lost, doubled, foreign)

    def note(self, text):
        self.notes.append(text)
        print("  " + text, flush=True)

    def skip(self, part, why):
        self.note("NOT TRIED HERE: %s: %s" % (part, why))

    def close(self):
        for cell, (met, tried) in sorted(self.faults.items()):
            print("  %-24s %4d of %4d failing calls were met" % (cell, met, tried))
        if self.kinds:
            print("  " + ", ".join("%s %d" % pair for pair in sorted(self.kinds.items())))
        print("%d comparisons in %.0f s: %d rows lost, %d doubled, %d foreign, %d left over; seed %s"
              % (self.checks, time.monotonic() - self.began, self.lost, self.doubled, self.foreign, self.left, self.seed))
        if self.findings:
            words = [word for i, word in enumerate(self.words) if word != "--seed" and self.words[i - 1] != "--seed"]
            print("%d findings; to see them again: tests/faults/run --seed %s %s"
                  % (len(self.findings), self.seed, " ".join(words)))
        return not self.findings
