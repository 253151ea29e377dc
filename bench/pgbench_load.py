# SPDX-License-Identifier: Apache-2.0
"""pgbench -S: SELECT of one row by its key, simple and prepared, 8 connections over TCP on this host."""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile

from load import Result
from support import places
from support.child import Child
from support.waiting import until

CLIENTS = 8


def tool(name):
    """Debian keeps the server's programs by version, out of PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else places.program(name)


class Postgres:
    """A server with a directory of its own, run by the user `postgres`, since it will not run as root."""

    def __init__(self):
        self.port = places.free_port()
        self._directory = tempfile.TemporaryDirectory(prefix="subfloor-bench-")
        self._data = pathlib.Path(self._directory.name) / "data"

    def _argv(self, *argv):
        return [places.program("runuser"), "-u", "postgres", "--", *map(str, argv)] if os.geteuid() == 0 else list(map(str, argv))

    def __enter__(self):
        if os.geteuid() == 0:
            shutil.chown(self._directory.name, pwd.getpwnam("postgres").pw_uid)
        with self._cleanup_on_error():
            subprocess.run(self._argv(tool("initdb"), "-D", self._data, "-A", "trust", "-U", "bench", "--no-sync"), check=True,
                           capture_output=True)
            settings = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                        "shared_buffers": "256MB"}
            self._child = Child(self._argv(tool("postgres"), "-D", self._data, *(f"--{k}={v}" for k, v in settings.items())),
                                name="postgres")
            until(lambda: places.listens(self.port), lambda: f"postgres listens: {self._child.output()}", 60)
            until(lambda: self._pgbench("-i", "-s", "10", "-q", check=False).returncode == 0, "pgbench has made its tables", 60)
        return self

    def __exit__(self, *_):
        with self._directory:
            # runuser hands the signal on; a fast shutdown.
            self._child.stop(signal.SIGINT if os.geteuid() else signal.SIGTERM, seconds=30)

    @contextlib.contextmanager
    def _cleanup_on_error(self):
        try:
            yield
        except BaseException:
            if hasattr(self, "_child"):
                self._child.stop(signal.SIGTERM)
            self._directory.cleanup()
            raise

    def _pgbench(self, *arguments, check=True):
        return subprocess.run([tool("pgbench"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", *arguments, "postgres"],
                              capture_output=True, text=True, check=check, timeout=300)

    def select(self, seconds, protocol):
        """(transactions, per second, mean latency in s)."""
        said = self._pgbench("-S", "-n", "-M", protocol, "-c", str(CLIENTS), "-j", "2", "-T", str(seconds)).stdout

        def number(pattern):
            return float(re.search(pattern, said, re.M).group(1))
        return (int(number(r"^number of transactions actually processed: (\d+)")), number(r"^tps = ([\d.]+)"),
                number(r"^latency average = ([\d.]+) ms") / 1e3)


server = Postgres


def load(protocol):
    def run(postgres, seconds):
        count, rate, latency = postgres.select(seconds, protocol)
        return Result(rate, latency, None, count, seconds)
    return run


LOADS = {f"pgbench -S -M {protocol}": load(protocol) for protocol in ("simple", "prepared")}
