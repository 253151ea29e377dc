# SPDX-License-Identifier: Apache-2.0
"""Servers of this repository's own: Python's http.server, Node's http, and one that does odd things with sockets."""

import signal

from . import places
from .child import Child


class Server:
    """A child that says "listening <port>" and serves until it is stopped."""

    def __init__(self, argv, name, env=None):
        self.argv, self.name, self.env, self.port, self._child = argv, name, env, None, None

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    @property
    def pid(self):
        return self._child.pid

    def __enter__(self):
        self._child = Child(self.argv, name=self.name, env=self.env)
        self.port = int(self._child.wait_for_line("listening", "stdout").split()[1])
        return self

    def __exit__(self, *_):
        self._child.stop(signal.SIGKILL)


def python_server():
    return Server([places.python(), places.HERE / "http_server.py"], "python server")


def node_server():
    return Server([places.program("node"), places.HERE / "http_server.js"], "node server")


def odd_server(mode, host="127.0.0.1"):
    """See odd_server.py for the modes."""
    return Server([places.python(), places.HERE / "odd_server.py", mode, host], f"odd server ({mode})")


def c_server(program, *arguments):
    return Server([program, *arguments], program)
