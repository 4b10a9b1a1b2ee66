"""A run that another, older binary began and was killed in is ended by this one."""
from foreground import Foreground, rng_of


class Upgraded(Foreground):
    """What dies is the older binary; whatever is not to die is the newer one."""

    def __init__(self, older, newer, *rest):
        self.older, self.newer = older, newer
        super().__init__(newer, *rest)

    def fresh(self):
        super().fresh()
        self.upgraded = False

    def start(self, failpoint=None):
        # A store that the newer one has opened is its own: an older one refuses it by right.
        self.binary = self.older if failpoint and not self.upgraded else self.newer
        self.upgraded = self.upgraded or self.binary == self.newer
        return super().start(failpoint)


def older_cell(older, newer, cell, work, seed, report, names):
    """Each place once on a new target, and once on one that the older binary has published into."""
    cycle = Upgraded(older, newer, cell, work, rng_of(seed, "older/" + cell.name), report)
    for name in names:
        if not name.startswith(("sync.", "store.", cell.destination + ".")):
            continue
        for published in (False, True):
            cycle.fresh()
            if published:
                cycle.end(cycle.start("scheduler.after_claim:1000000"))  # Armed, and never reached.
                cycle.grow()
            if cycle.die_at(name + ":1"):
                cycle.end(cycle.start())  # The source grew behind what a run that goes on reads to.
                cycle.finish()
