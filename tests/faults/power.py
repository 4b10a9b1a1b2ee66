"""Power that goes in mid-write: what was acknowledged is there afterwards, and the next run ends well."""
import os
import shutil
import signal
import time

from foreground import Cell, Foreground, rng_of
from places import state_leftovers
from places_made import Disk, NotHere
from truth import compare, count_lines, expected

CELLS = [Cell("file", m) for m in ("full_refresh", "cursor", "position")]
CELLS += [Cell("sqlite", m) for m in ("full_refresh", "cursor", "merge")]
START, GROWTH = 6000, 2000


class Powered(Foreground):
    """Everything but the binary lies on the disk that loses power, the source, too: it is synced first."""

    def __init__(self, disk, *rest):
        self.disk = disk
        super().__init__(*rest)

    def cut_after(self, seconds):
        os.sync()
        process = self.start()
        time.sleep(seconds)
        self.disk.off()  # What is not on the disk by now never gets there.
        ran = process.poll()
        os.killpg(process.pid, signal.SIGKILL) if ran is None else None
        process.communicate()
        self.disk.unmount()
        self.disk.on()
        if ran is None:
            self.report.death(self.cell.name, None)
        elif ran == 0:
            # It had said that it is done: all must be there before any other run.
            self.acknowledged()
        return ran

    def acknowledged(self):
        have = count_lines(self.cell.rows(self.folder))
        self.report.rows(self, *compare(expected(self.source, self.cell.mode), have),
                         what="power went after a run had said that it is done")
        found = state_leftovers(self.folder / "state")
        if found:
            self.report.leftover(self, found)


def go(binary, work, seed, report, cuts):
    try:
        disk = Disk(work)
    except NotHere as why:
        report.skip("power loss", why)
        return
    done = 0
    try:
        for cell in CELLS:
            cell.START, cell.GROWTH = START, GROWTH
            rng = rng_of(seed, "power/" + cell.name)
            powered = Powered(disk, binary, cell, disk.folder, rng, report)
            healthy = powered.finish()
            for _ in range(cuts):
                powered.grow()
                # Now and then just after the run has said that it is done.
                share = rng.random() * (1.0 if rng.random() < 0.8 else 1.6)
                powered.cut_after(healthy * share)
                done += 1
                powered.finish()
            shutil.rmtree(powered.folder, ignore_errors=True)
    except NotHere as why:
        report.skip("power loss", why)
        return
    finally:
        disk.close()
    report.note("power went %d times" % done)
