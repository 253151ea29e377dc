# SPDX-License-Identifier: Apache-2.0
"""One run of wrk, and the set-ups it is run against."""

import contextlib
import dataclasses
import re
import subprocess
import time

from support import places
from support.haproxy import Haproxy
from support.nginx import Nginx
from support.subfloor import Agent

UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
CONNECTIONS = 64
THREADS = 2
WORKERS = 2


@dataclasses.dataclass
class Result:
    rate: float       # requests per second
    p50: float        # seconds
    p99: float
    requests: int     # as nginx counted them
    seconds: float    # wall clock


def wrk(url, nginx, seconds):
    before, begin = nginx.requests(), time.monotonic()
    done = subprocess.run([places.program("wrk"), f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url],
                          capture_output=True, text=True, check=True, timeout=seconds + 60)
    took, after = time.monotonic() - begin, nginx.requests()

    def latency(percentile):
        value, unit = re.search(rf"^\s*{percentile}%\s+([\d.]+)(us|ms|s|m)$", done.stdout, re.M).groups()
        return float(value) * UNITS[unit]

    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    return Result(rate, latency(50), latency(99), after - before - 1, took)


def alternating(setups, rounds):
    """{set-up: [what it returned, …]} of {set-up: call}, one of each per round; every round begins with another one."""
    runs, names = {name: [] for name in setups}, list(setups)
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            runs[name].append(setups[name]())
    return runs


def ratios(runs, name, bare, value):
    """Of (Result, anything) runs, against those of set-up `bare` in the same rounds."""
    return [value(run) / value(other) for (run, _), (other, _) in zip(runs[name], runs[bare])]


@contextlib.contextmanager
def server():
    """nginx with a file of 1 KiB, as /file/index, answered by sendfile from keep-alive connections."""
    with Nginx(workers=WORKERS) as nginx:
        nginx.file("index", 1024)
        yield nginx


@contextlib.contextmanager
def agent(rung):
    """(agent, seconds until it was ready)."""
    begin = time.monotonic()
    with Agent(rung=rung) as running:
        yield running, time.monotonic() - begin


@contextlib.contextmanager
def sidecars(nginx, count):
    """The port behind which `count` proxies stand in front of nginx, one after the other."""
    with contextlib.ExitStack() as stack:
        port = nginx.port
        for _ in range(count):
            port = stack.enter_context(Haproxy(port, reuse="always")).port
        yield port
