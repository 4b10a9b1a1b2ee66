"""bqemulator, an emulator of BigQuery that others wrote, started as the project's own fake is.

    serve --project p1 --objects DIR

Prints one JSON line {"rest_port", "grpc_port", "pid"} once both listen on 127.0.0.1; ends on SIGTERM, or when
the process that started it is gone. gs://b/o is DIR/b/o.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

BIN = pathlib.Path(sys.prefix) / "bin"


def start(arguments):
    # Its DuckDB takes the extensions of HOME, where scripts/setup put them.
    environment = dict(os.environ, HOME=sys.prefix, BQEMU_GCS_LOCAL_ROOT=arguments.objects)
    return subprocess.Popen(
        [str(BIN / "bqemulator"), "start", "--rest-port", "0", "--grpc-port", "0", "--project", arguments.project,
         "--log-level", "info", "--log-format", "json"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ports_of(emulator):
    """Reads its log until it says both ports; what it said so far when it ends before."""
    ports, said = {}, []
    for line in emulator.stderr:
        said.append(line.decode(errors="replace"))
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("event") in ("rest.listen", "grpc.listen"):
            ports[entry["event"].partition(".")[0] + "_port"] = entry["port"]
        if len(ports) == 2:
            return ports
    sys.exit("serve: bqemulator ended before it listened:\n" + "".join(said[-10:]))


def drain(stream):
    for _ in stream:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--objects", required=True)
    parser.add_argument("--parent", type=int, default=os.getppid(), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    emulator = start(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        ports = ports_of(emulator)
        threading.Thread(target=drain, args=(emulator.stderr,), daemon=True).start()
        print(json.dumps(dict(ports, pid=emulator.pid)), flush=True)
        while os.getppid() == arguments.parent and emulator.poll() is None and not ended.is_set():
            time.sleep(0.2)
    finally:
        # It keeps nothing that an orderly end would save.
        emulator.kill()
        emulator.wait()


if __name__ == "__main__":
    main()
