# SPDX-License-Identifier: Apache-2.0
"""h2load: a file of 1 KiB from nghttpd over HTTP/2 without TLS, 8 connections with 1, 10 and 100 streams each."""

import pathlib
import re
import signal
import subprocess

from load import Result
from support import places
from support.child import Child
from support.waiting import until

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class Nghttpd:
    def __init__(self):
        self.port = places.free_port()
        self._scratch = places.scratch()

    def __enter__(self):
        (pathlib.Path(self._scratch.name) / "file").write_bytes(b"x" * 1024)
        self._child = Child([places.program("nghttpd"), "--no-tls", "-n", "2", "-d", self._scratch.name, "-a", "127.0.0.1", self.port],
                            name="nghttpd")
        until(lambda: places.listens(self.port), lambda: f"nghttpd listens: {self._child.output()}")
        return self

    def __exit__(self, *_):
        with self._scratch:
            self._child.stop(signal.SIGKILL)


server = Nghttpd


def load(streams):
    def run(nghttpd, seconds):
        said = subprocess.run([places.program("h2load"), "-c", "8", "-t", "2", "-m", str(streams), "-D", str(seconds),
                               f"http://127.0.0.1:{nghttpd.port}/file"], capture_output=True, text=True, check=True,
                              timeout=seconds + 60).stdout
        rate = float(re.search(r"([\d.]+) req/s", said).group(1))
        done, failed = (int(re.search(rf"(\d+) {word}", said).group(1)) for word in ("succeeded", "failed"))
        if failed:
            raise RuntimeError(said)
        mean, unit = re.search(r"time for request: +\S+ +\S+ +([\d.]+)(us|ms|s)", said).groups()
        return Result(rate, float(mean) * UNITS[unit], None, done, seconds)
    return run


LOADS = {f"h2load, {streams} stream{'s' if streams > 1 else ''}": load(streams) for streams in (1, 10, 100)}
