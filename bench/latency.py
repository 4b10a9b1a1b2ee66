"""What a sync without anything new costs, and how much a record takes from the heap."""
import statistics

from kit import quiet_disk, run, spread, to_file, to_sqlite, write_job
from speed import source

RUNS = 20


def measure(bench):
    nothing_new(bench)
    allocations(bench)


def nothing_new(bench):
    """By position nothing is read again; by cursor a file, which has no index, is read whole."""
    cases = [
        ("by position", bench.records, {"sync_mode": "incremental"}, to_file, 50),
        ("by position", bench.records, {"sync_mode": "incremental"}, to_sqlite, 50),
        ("by cursor, 1,000 records", 1000, None, to_file, 50),
        ("by cursor", bench.records, None, to_file, None),
    ]
    for how, records, keys, connector, limit in cases:
        path = bench.data(records)
        folder = bench.fresh("nothing-new")
        target = folder / ("out.json" if connector is to_file else "out.db")
        given = {"path": str(path), **keys} if keys else source(path, True)
        job = write_job(folder / "job.yml", given, connector(target))
        command = bench.sync_command(job, folder / "state")
        run(bench, command, folder)
        quiet_disk()
        walls = [run(bench, command, folder).wall_s for _ in range(RUNS)]
        median = statistics.median(walls) * 1000
        name = target.suffix.replace(".json", "file").replace(".db", "SQLite")
        bench.row(f"bizond run with nothing new, {how} -> {name}", spread(walls, 1000, "ms", 1),
                  f"< {limit} ms" if limit else "", median < limit if limit else None,
                  wall_ms=[w * 1000 for w in walls])


def allocations(bench):
    """Two syncs that differ only in their length: what one more record takes from the heap."""
    small, large = bench.data(bench.records // 4), bench.data(bench.records)
    cases = [("file", False, to_file, "out.json"), ("file, by cursor", True, to_file, "out.json"),
             ("SQLite", False, to_sqlite, "out.db"),
             ("SQLite, by cursor", True, to_sqlite, "out.db")]
    for what, incremental, connector, name in cases:
        calls = []
        for path in (small, large):
            folder = bench.fresh("allocations")
            job = write_job(folder / "job.yml", source(path, incremental), connector(folder / name))
            count = folder / "count"
            counted = ["/usr/bin/env", f"BENCH_ALLOCATIONS={count}",
                       f"LD_PRELOAD={bench.programs / 'libbench_allocations.so'}"]
            run(bench, counted + bench.sync_command(job, folder / "state"), folder)
            calls.append(int(count.read_text()))
        more = bench.records - bench.records // 4
        each = (calls[1] - calls[0]) / more
        bench.row(f"allocations a record in steady state -> {what}",
                  f"{each:.4f} ({calls[1] - calls[0]:,} in {more:,} records)", "0 (< 0.01)",
                  each < 0.01, calls=calls)
