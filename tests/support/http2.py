# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 and gRPC without TLS: nghttp2's programs, Node's, and a gRPC program in C++."""

import pathlib
import re
import signal
import subprocess

from . import places
from .child import Child
from .servers import Server
from .waiting import PATIENCE, until


class Nghttpd:
    """`with Nghttpd() as server:`; server.port answers on all addresses, with prior knowledge and to upgrades."""

    def __init__(self):
        self.port = places.free_port()
        self._scratch = places.scratch()
        self.directory = pathlib.Path(self._scratch.name)
        (self.directory / "index.html").write_bytes(b"x" * 612)
        self._child = None

    def file(self, name, size):
        (self.directory / name).write_bytes(b"y" * size)

    def url(self, path="/index.html"):
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def pid(self):
        return self._child.pid

    def __enter__(self):
        argv = [places.program("nghttpd"), "--no-tls", "--htdocs", self.directory, "--trailer", "x-sum: 1", self.port]
        self._child = Child(argv, name="nghttpd")
        until(lambda: self._child.returncode is not None or places.listens(self.port), "nghttpd listens")
        return self

    def __exit__(self, *_):
        self._child.stop(signal.SIGKILL)
        self._scratch.cleanup()


def _run(argv):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=120 * PATIENCE)
    if done.returncode != 0:
        raise RuntimeError(f"{argv}: exit code {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def h2load(url, requests, streams, clients=1):
    """So many requests that all succeed."""
    said = _run([places.program("h2load"), "-n", requests, "-c", clients, "-m", streams, "-t", 1, url])
    succeeded = int(re.search(r"(\d+) succeeded", said).group(1))
    if succeeded != requests:
        raise RuntimeError(said)


def nghttp(url, *arguments):
    return _run([places.program("nghttp"), "--null-out", *arguments, url])


class Talker:
    """A client that does what lines on its standard input say and answers each with a line "done …"."""

    def __init__(self, script, port):
        self._argv = [places.program("node"), str(places.HERE / script), str(port)]
        self._process = None

    def __enter__(self):
        self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def ask(self, *words):
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said.startswith("done"):
            raise RuntimeError(f"{self._argv} {words}: {said!r}")
        return said.split()[1:]

    @property
    def pid(self):
        return self._process.pid

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


def node_http2_server():
    return Server([places.program("node"), places.HERE / "http2_server.js"], "node http2 server")


def node_grpc_server():
    return Server([places.program("node"), places.HERE / "grpc_server.js"], "node grpc server")


def grpc_talk():
    """The C++ program, where it was built; else None."""
    path = pathlib.Path(places.binary()).parent / "grpc_talk"
    return path if path.exists() else None


def cpp_grpc_server():
    return Server([grpc_talk(), "serve"], "grpc_talk serve")


def cpp_grpc_calls(port, count, method, messages, content):
    """The statuses of so many calls at once on one channel, each told once."""
    return _run([grpc_talk(), "call", port, count, method, messages, content]).split()[1:]
