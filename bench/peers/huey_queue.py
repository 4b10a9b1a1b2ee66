"""huey's SqliteHuey, synced at every commit: runs are queued, or queued ones executed.

    huey_queue.py submit DIR PRODUCERS SECONDS    acknowledged enqueues a second, by threads
    huey_queue.py drain DIR RUNS                  from the start of its worker to the last run

Prints a line of JSON as bench_scheduling does; exit 1 when the store does not hold what was
acknowledged, or something ran twice. One worker: more of them made it slower."""
import json
import os
import sys
import threading
import time

import huey


def open_queue(folder):
    os.makedirs(folder, exist_ok=True)
    queue = huey.SqliteHuey(filename=folder + "/queue.db", results=False, fsync=True)
    if queue.storage.conn.execute("pragma synchronous").fetchone()[0] != 2:
        raise SystemExit("huey does not sync its commits")
    return queue


def submit(folder, producers, seconds):
    queue = open_queue(folder)
    task = queue.task()(noop)
    stop, counts = time.perf_counter() + seconds, [0] * producers

    def produce(index):
        while time.perf_counter() < stop:
            task(index)
            counts[index] += 1

    began = time.perf_counter()
    threads = [threading.Thread(target=produce, args=(i,)) for i in range(producers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    stored = queue.storage.queue_size()
    return {"per_s": sum(counts) / took, "acknowledged": sum(counts), "stored": stored}, \
        stored == sum(counts)


def noop(number):
    del number


def drain(folder, runs):
    queue = open_queue(folder)
    seen, total = set(), [0]

    def see(number):
        total[0] += 1
        seen.add(number)

    task = queue.task()(see)
    with queue.storage.db(commit=True) as cursor:  # All at once, in its own form of a row.
        for number in range(runs):
            cursor.execute("insert into task (queue, data, priority) values (?, ?, 0)",
                           (queue.name, queue.serialize_task(task.s(number))))
    consumer = queue.create_consumer(workers=1, worker_type="thread", initial_delay=0.01)
    consumer._set_signal_handlers = lambda: None
    began = time.perf_counter()
    threading.Thread(target=consumer.run, daemon=True).start()
    while len(seen) < runs and time.perf_counter() - began < 120:
        time.sleep(0.001)
    took = time.perf_counter() - began
    return {"per_s": len(seen) / took, "runs": len(seen)}, len(seen) == runs == total[0]


def main():
    test, folder, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if test == "submit":
        result, right = submit(folder, size, int(sys.argv[4]))
    else:
        result, right = drain(folder, size)
    print(json.dumps(result), flush=True)
    os._exit(0 if right else 1)


if __name__ == "__main__":
    main()
