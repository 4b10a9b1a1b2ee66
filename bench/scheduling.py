"""The scheduler and its store around runs that do nothing, beside the limits of SQLite and a disk.

BENCH_HUEY_PYTHON names a Python that has huey, which is then measured beside them."""
import json
import os
import pathlib
import statistics
import subprocess

from kit import Failure, note, quiet_disk, spread

SECONDS = 3
DRAINED = 20_000
TRIGGERS = 200
DUE_AT_ONCE = 1000
MANY = 1_000_000
A_MINUTE = 10_000
HUEY = pathlib.Path(__file__).resolve().parent / "peers" / "huey_queue.py"


def ask(argv):
    done = subprocess.run([str(a) for a in argv], text=True, capture_output=True)
    if done.returncode != 0:
        raise Failure(f"{pathlib.Path(argv[0]).name} {argv[1]}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def scheduling(bench, test, folder, *sizes):
    quiet_disk()
    return ask([bench.programs / "bench_scheduling", test, folder, *sizes])


def limit(bench, test):
    folder = bench.fresh("limit")
    quiet_disk()
    return ask([bench.programs / "bench_commits", folder, test, SECONDS])


def huey(bench, test, *sizes):
    python = os.environ.get("BENCH_HUEY_PYTHON")
    if python is None:
        return None
    quiet_disk()
    return ask([python, HUEY, test, bench.fresh("huey"), *sizes])


def in_rounds(bench, *measures):
    """A list of figures for each; neighbours in time, in alternating order."""
    figures = [[] for _ in measures]
    for turn in range(bench.rounds):
        order = list(enumerate(measures))
        for index, measured in order if turn % 2 == 0 else reversed(order):
            figures[index].append(measured())
    return figures


def ratio_of(ours, theirs):
    ratios = [a / b for a, b in zip(ours, theirs)]
    return statistics.median(ratios), spread(ratios, 100, "%", 0)


def beside(bench, what, ours, limits, peer, least=None, times=1):
    ratio, shown = (None, "") if limits is None else ratio_of(ours, limits)
    bench.row(what, spread(ours, 1, "/s", 0), f">= {least}%" if least else "",
              None if least is None else ratio * 100 >= least,
              "" if limits is None else spread(limits, 1, "/s", 0), shown, ours=ours, limits=limits)
    if peer is None:
        return
    ratio, shown = ratio_of(ours, peer)
    bench.row(f"{what}, beside huey", spread(ours, 1, "/s", 0),
              f">= {times} x" if times > 1 else "faster", ratio > times,
              spread(peer, 1, "/s", 0), shown, peer=peer)


def submissions(bench, producers, test, least, times):
    measures = [
        lambda: scheduling(bench, "submit", bench.fresh("store"), producers, SECONDS)["per_s"],
        lambda: limit(bench, test)["per_s"]]
    if os.environ.get("BENCH_HUEY_PYTHON"):
        measures.append(lambda: huey(bench, "submit", producers, SECONDS)["per_s"])
    ours, limits, *peer = in_rounds(bench, *measures)
    beside(bench, f"runs submitted, durable, by {producers} producer{'s'[:producers > 1]}", ours,
           limits, peer[0] if peer else None, least, times)


def drain(bench):
    measures = [lambda: scheduling(bench, "drain", bench.fresh("store"), DRAINED)["per_s"]]
    if os.environ.get("BENCH_HUEY_PYTHON"):
        measures.append(lambda: huey(bench, "drain", DRAINED // 4)["per_s"])
    ours, *peer = in_rounds(bench, *measures)
    beside(bench, "queue to done, runs that do nothing", ours, None, peer[0] if peer else None)


def trigger(bench):
    starts, syncs = in_rounds(
        bench, lambda: scheduling(bench, "trigger", bench.fresh("store"), TRIGGERS)["p99_ms"],
        lambda: limit(bench, "fsync")["p99_ms"])
    allowed = 2 * statistics.median(syncs) + 2
    bench.row("trigger to start, idle daemon, p99", spread(starts, 1, "ms", 1),
              f"< 2 syncs + 2 = {allowed:.1f} ms", statistics.median(starts) < allowed,
              "a sync's p99: " + spread(syncs, 1, "ms", 1), starts=starts, syncs=syncs)


def many(bench):
    folder = bench.fresh("million")
    note(f"storing {MANY:,} schedules")
    scheduling(bench, "fill", folder, MANY)
    boots = [scheduling(bench, "boot", folder) for _ in range(bench.rounds)]
    first = [boot["first_run_s"] for boot in boots]
    rss = max(boot["rss_mb"] for boot in boots)
    bench.row(f"{MANY:,} schedules: process start to the first run", spread(first, 1, "s"),
              "< 2 s", max(first) < 2, first_s=first)
    bench.row(f"{MANY:,} schedules: resident memory", f"{rss:.0f} MB", "< 200 MB", rss < 200,
              rss_mb=rss)
    fires = [scheduling(bench, "fire", folder, DUE_AT_ONCE) for _ in range(bench.rounds)]
    lags = [fire["p99_ms"] for fire in fires]
    if any(fire["runs"] != DUE_AT_ONCE for fire in fires):
        raise Failure(f"of {DUE_AT_ONCE} due at one second {fires} were started in 6 s")
    bench.row(f"{DUE_AT_ONCE:,} due at one second among them: lag of their starts, p99",
              spread(lags, 1, "ms", 0), "< 100 ms", statistics.median(lags) < 100, fires=fires)
    sustain(bench, folder)


def sustain(bench, folder):
    minutes = 10 if bench.rounds > 1 else 2
    found = scheduling(bench, "sustain", folder, A_MINUTE, minutes * 60)
    p50 = [minute["p50_ms"] for minute in found["minutes"]]
    p99 = [minute["p99_ms"] for minute in found["minutes"]]
    half = len(p50) // 2
    # Each minute does what the one before it did: what falls behind does so in every one of them.
    drifts = statistics.median(p50[half:]) > statistics.median(p50[:half]) + 1000
    bench.row(f"{A_MINUTE:,} fires a minute among them for {minutes} minutes: lag, p50 of each",
              spread(p50, 1, "ms", 0), "no drift", not drifts, **found)
    bench.row("the same: p99 of each minute", spread(p99, 1, "ms", 0))
    bench.row("the same: the log at most", f"{found['wal_most_mb']:.1f} MB", "< 64 MB",
              found["wal_most_mb"] < 64)
    bench.row("the same: resident memory at most", f"{found['rss_most_mb']:.0f} MB", "< 200 MB",
              found["rss_most_mb"] < 200)


def measure(bench):
    # huey commits each by itself: what a group commit gains shows where there is a group.
    submissions(bench, 64, "group", 60, 3)
    submissions(bench, 1, "single", 80, 1)
    drain(bench)
    trigger(bench)
    many(bench)
