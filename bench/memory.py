"""Whether memory grows with the input."""
from kit import run, to_file, to_sqlite, warm, write_job
from speed import source

RECORD_BYTES = 257


def measure(bench):
    small = 10**7 // RECORD_BYTES
    large = (10**10 if bench.huge else 10**9) // RECORD_BYTES
    size = "10 GB" if bench.huge else "1 GB"
    peaks = {}
    for records in (small, large):
        path = bench.data(records)
        for name, connector, target, incremental in [
                ("file", to_file, "out.json", False), ("SQLite", to_sqlite, "out.db", False),
                ("file, by cursor", to_file, "out.json", True)]:
            folder = bench.fresh("memory")
            job = write_job(folder / "job.yml", source(path, incremental),
                            connector(folder / target))
            cost = run(bench, bench.sync_command(job, folder / "state"), folder)
            peaks.setdefault(name, []).append(cost.rss_mb)
    for name, (low, high) in peaks.items():
        more = high - low
        bench.row(f"peak memory, 10 MB -> {size} of input -> {name}",
                  f"{low:.1f} -> {high:.1f} MB ({more:+.1f})", "< 64 MB, at most 8 MB more",
                  high < 64 and more <= 8, rss_mb=[low, high])
    if bench.huge:
        bench.data(large).unlink()  # Nobody keeps 10 GB for the next time.
