"""An own fake of BigQuery: REST, resumable uploads, a small Cloud Storage, the Storage Write API.

    serve --project p1 [--rest-port 0] [--grpc-port 0] [--tls-folder FOLDER]

Prints one JSON line {"rest_port", "grpc_port", "pid"} once it listens on 127.0.0.1; ends on SIGTERM or when
the process that started it is gone. README.md beside this says what it does and what it does not.
"""
import argparse
import json
import os
import signal
import threading
import time

import rest
import storage_write
import tls
from world import World


def end_with_parent(parent):
    """Ends this process soon after its parent; looked at, since a death signal follows the parent's thread."""
    while os.getppid() == parent:
        time.sleep(0.2)
    os._exit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", required=True)
    parser.add_argument("--rest-port", type=int, default=0)
    parser.add_argument("--grpc-port", type=int, default=0)
    parser.add_argument("--tls-folder", help="the Storage Write API speaks TLS; the authority is FOLDER/ca.pem")
    parser.add_argument("--parent", type=int, default=os.getppid(), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    threading.Thread(target=end_with_parent, args=(arguments.parent,), daemon=True).start()
    world = World(arguments.project)
    server = rest.serve(world, arguments.rest_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _server, world.write_service, grpc_port = storage_write.serve(
        world, arguments.grpc_port, tls.make(arguments.tls_folder) if arguments.tls_folder else None)
    print(json.dumps({"rest_port": server.server_address[1], "grpc_port": grpc_port, "pid": os.getpid()}), flush=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    os._exit(0)


if __name__ == "__main__":
    main()
