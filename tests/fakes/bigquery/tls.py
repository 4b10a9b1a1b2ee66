"""Certificates of one server: an authority of its own, made anew each time, that nobody else trusts."""
import pathlib
import subprocess

import grpc


def _openssl(folder, *arguments):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make(folder):
    """The credentials of a server named localhost; `folder` gets ca.pem, which vouches for it."""
    _openssl(folder, "-subj", "/CN=An authority of tests", "-keyout", "ca.key", "-out", "ca.pem")
    _openssl(folder, "-subj", "/CN=localhost", "-CA", "ca.pem", "-CAkey", "ca.key", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
             "-keyout", "server.key", "-out", "server.pem")
    folder = pathlib.Path(folder)
    return grpc.ssl_server_credentials([((folder / "server.key").read_bytes(), (folder / "server.pem").read_bytes())])
