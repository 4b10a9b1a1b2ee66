"""What was found; a finding says how to see it again. Cells may report from threads of their own."""
import threading
import time


class Report:
    def __init__(self, seed, asked, cells):
        """asked, cells: as the command line had them."""
        self.seed, self.asked, self.cells = seed, asked, cells
        self.lock = threading.Lock()
        self.began = time.monotonic()
        self.deaths = {}  # By cell.
        self.reached = {}  # Deaths by failpoint.
        self.lost = self.doubled = self.foreign = self.left = self.checks = self.repeated = 0
        self.findings = []

    def death(self, cell, failpoint):
        with self.lock:
            self.deaths[cell] = self.deaths.get(cell, 0) + 1
            if failpoint:
                name = failpoint.split(":")[0]
                self.reached[name] = self.reached.get(name, 0) + 1

    def deaths_of(self, cell):
        return self.deaths.get(cell, 0)

    def finding(self, where, text):
        name = where if isinstance(where, str) else where.cell.name
        self.findings.append("%s: %s" % (name, text.strip()))
        print("FOUND", self.findings[-1], flush=True)

    def again(self, rows):
        """Rows that are there more than once where that is no fault."""
        with self.lock:
            self.repeated += rows

    def leftover(self, where, found):
        with self.lock:
            self.left += len(found)
        self.finding(where, "left over: " + "; ".join(found[:5]))

    def rows(self, where, lost, doubled, foreign):
        with self.lock:
            self.checks += 1
            self.lost += lost
            self.doubled += doubled
            self.foreign += foreign
        if lost or doubled or foreign:
            self.finding(where, "%d rows lost, %d doubled, %d that the source never had" % (lost, doubled, foreign))

    def close(self, failpoints, elsewhere):
        """Prints the summary; whether all is well."""
        missed = [name for name in failpoints if name not in self.reached and name not in elsewhere]
        if missed:
            self.finding("failpoints", "no run reached " + ", ".join(missed))
        total = sum(self.deaths.values())
        seconds = time.monotonic() - self.began
        for cell in sorted(self.deaths):
            print("  %-32s %5d deaths" % (cell, self.deaths[cell]))
        print("%d deaths in %.0f s (%.1f a second), %d comparisons: %d rows lost, %d doubled, %d foreign, %d left over"
              % (total, seconds, total / max(seconds, 0.001), self.checks, self.lost, self.doubled, self.foreign, self.left))
        print("%d rows again where a row comes at least once" % self.repeated)
        print("%d of %d failpoints reached; seed %s" % (len(self.reached), len(failpoints), self.seed))
        if self.findings:
            print("%d findings; to see them again: tests/crash/run --seed %s --deaths %d%s"
                  % (len(self.findings), self.seed, self.asked, "".join(" --cell " + name for name in self.cells)))
        return not self.findings
