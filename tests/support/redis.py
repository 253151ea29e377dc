# SPDX-License-Identifier: Apache-2.0
"""A Redis server of the test's own, and a client that writes the bytes that it is told to."""

import contextlib
import pathlib
import signal
import socket
import subprocess

from . import places
from .child import Child
from .waiting import until


class Redis:
    """redis-server on a free port of 127.0.0.1 and on a unix socket, with nothing on disk."""

    def __init__(self, *arguments, tls=None):
        self.port = places.free_port()
        self._scratch = places.scratch()
        self.path = str(pathlib.Path(self._scratch.name) / "redis.sock")
        listens = ["--port", self.port]
        if tls:
            listens = ["--port", 0, "--tls-port", self.port, "--tls-cert-file", tls.certificate, "--tls-key-file", tls.key,
                       "--tls-auth-clients", "no"]
        self._argv = [places.program("redis-server"), *listens, "--bind", "127.0.0.1", "--save", "",
                      "--dir", self._scratch.name, "--unixsocket", self.path, *arguments]

    def __enter__(self):
        self._child = Child(self._argv, name="redis-server")
        until(lambda: places.listens(self.port), lambda: f"redis-server listens: {self._child.output()}")
        return self

    def __exit__(self, *_):
        with self._scratch:
            self._child.stop(signal.SIGKILL)

    @property
    def pid(self):
        return self._child.pid

    def client(self, unix=False):
        return Client(self.path if unix else self.port)

    def benchmark(self, *arguments, seconds=60):
        """redis-benchmark against it; its standard output."""
        done = subprocess.run([places.program("redis-benchmark"), "-p", str(self.port), "-q", "--csv", *map(str, arguments)],
                              capture_output=True, text=True, timeout=seconds, check=True)
        return done.stdout


def encode(*words):
    """A command as clients send it."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Error(str):
    pass


class Client:
    """`ask` for one command after the other; `send` and `read` for what happens in between."""

    def __init__(self, where):
        family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.settimeout(30)
        self._socket.connect(where if family == socket.AF_UNIX else ("127.0.0.1", where))
        if family == socket.AF_INET:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._in = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self._in.close()
            self._socket.close()

    def send(self, data):
        self._socket.sendall(data)

    def ask(self, *words):
        self.send(encode(*words))
        return self.read()

    def pipeline(self, *commands):
        """Sends all in one piece, then reads their replies."""
        self.send(b"".join(encode(*words) for words in commands))
        return [self.read() for _ in commands]

    def read(self):
        """One reply, or push, of whatever type."""
        line = self._in.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError(line)
        kind, rest = line[:1], line[1:-2]
        if kind in b"-":
            return Error(rest.decode())
        if kind in b"+,(#":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"_" or rest == b"-1":
            return None
        if kind in b"$=!":
            return self._in.read(int(rest) + 2)[:-2]
        count = int(rest) * (2 if kind in b"%|" else 1)
        items = [self.read() for _ in range(count)]
        return self.read() if kind == b"|" else items
