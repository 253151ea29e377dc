# SPDX-License-Identifier: Apache-2.0
"""Servers and clients of Go's standard library: tests/go, as every Go that is installed here builds it."""

import functools
import pathlib
import subprocess

from . import places
from .servers import Server
from .waiting import PATIENCE

FORMS = ("exe", "exe-stripped", "pie-stripped", "cgo", "cgopie-stripped")


@functools.cache
def versions():
    """Like ("1.19", "1.23"), oldest first."""
    found = [path.name.removeprefix("go-") for path in pathlib.Path("/usr/lib").glob("go-1.*") if (path / "bin/go").exists()]
    if not found:
        raise FileNotFoundError("no Go is installed (./dev installs it)")
    return tuple(sorted(found, key=lambda version: int(version.split(".")[1])))


@functools.cache
def program(variant):
    """The path of tests/go/talk built as that variant: see tests/go/build."""
    done = subprocess.run([places.ROOT / "tests/go/build", places.ROOT / "build/go", variant], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout.strip()


class GoServer(Server):
    """`with GoServer(variant) as server:` server.port speaks HTTPS; server.tunnels takes CONNECT inside TLS."""

    def __init__(self, variant, *arguments):
        super().__init__([program(variant), "serve", *arguments], f"go server {variant}")
        self.variant, self.tunnels = variant, None

    def url(self, path=""):
        return f"http{'' if '-plain' in self.argv else 's'}://127.0.0.1:{self.port}{path}"

    def __enter__(self):
        super().__enter__()
        words = self._child.wait_for_line("listening", "stdout").split()
        self.tunnels = int(words[words.index("tunnels") + 1])
        return self


def relay(variant, *arguments):
    """A server that asks each URL for what it is asked for itself."""
    return Server([program(variant), "relay", *map(str, arguments)], f"go relay {variant}")


def talk(variant, *arguments):
    """A client that must succeed."""
    done = subprocess.run([program(variant), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60 * PATIENCE)
    if done.returncode != 0:
        raise RuntimeError(f"talk {arguments}: exit code {done.returncode}: {done.stderr}")
    return done.stdout
