#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""exact_guest.py OUT: measures, where one nanosecond of CPU time is one instruction (tools/guest --exact).

Writes JSON to the file OUT. Called by bench/exact, which says what is measured.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]
sys.dont_write_bytecode = True
# While the machine waits for this one's files, its clock goes from timer to timer at once.
os.environ["SUBFLOOR_PATIENCE"] = "1000"

from support import bpf, places  # noqa: E402
from support.haproxy import Haproxy  # noqa: E402
from support.nginx import Nginx  # noqa: E402
from support.subfloor import Agent, completeness, lost  # noqa: E402

PAGES = {"return": "/", "file": "/file/index"}
# One flush is enough: what it costs is for a window, not for a request.
MORE = "telemetry:\n  window: 60s\n"
SETTLE = 0.25  # s of the guest, which pass at once where nobody works: the agent drains within 10 ms


def instructions(*pids):
    """So far, of all threads that there are."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError):
                total += int((task / "schedstat").read_text().split()[0])
    return total


def take_turns(*pids):
    """Nobody interrupts the process that woke him: each runs until it waits. The kernel (rq_clock_skip_update) charges what
    the interrupted one still does to the one that follows, so that the figures of both would be wrong."""
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            os.sched_setscheduler(int(task.name), os.SCHED_BATCH, os.sched_param(0))


def reason(error, rung):
    """The line that names the rung, without what leads to it."""
    lines = [line.strip() for line in error.splitlines() if rung in line]
    return lines[0].rpartition(": subfloor: ")[2] if lines else error.strip()


class Client:
    def __init__(self, where, page, connections):
        self._argv = [places.helper("requests", source=HERE / "requests.c"), str(where), page, str(connections)]

    def __enter__(self):
        self._process = subprocess.Popen(self._argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = self._process.pid
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        if self._process.wait(60000) != 0:
            raise RuntimeError("the client failed")

    def make(self, count):
        self._process.stdin.write(f"{count}\n")
        said = self._process.stdout.readline()
        if not said.startswith("done "):
            raise RuntimeError(f"the client said {said!r}")


class Measurement:
    def __init__(self, given, nginx):
        self._given, self._nginx = given, nginx

    def workload(self, page, where=None, others=None):
        """[{name: instructions per request}, …], one of each repetition; `others` are {name: pids} beside nginx and client."""
        runs = []
        with Client(where or self._nginx.port, PAGES[page], self._given.connections) as client:
            watched = {"nginx": self._nginx.workers(), "client": [client.pid], **(others or {})}
            for pids in watched.values():
                take_turns(*pids)
            client.make(self._given.warm)
            time.sleep(SETTLE)
            for _ in range(self._given.repeat):
                before, begin = {name: instructions(*pids) for name, pids in watched.items()}, time.monotonic()
                client.make(self._given.requests)
                time.sleep(SETTLE)
                seconds = time.monotonic() - begin
                run = {name: (instructions(*pids) - before[name]) / self._given.requests for name, pids in watched.items()}
                runs.append({**run, "seconds": seconds})
        return runs

    def every(self, others=None):
        """{variant: runs} of all variants."""
        variants = {"return": {"page": "return"}, "file": {"page": "file"},
                    "unix": {"page": "return", "where": self._nginx.unix_path}}
        return {name: self.workload(others=others, **how) for name, how in variants.items() if name in self._given.variants}

    def idle(self, pid):
        """Instructions per second of the agent while nothing is asked of it."""
        before, begin = instructions(pid), time.monotonic()
        time.sleep(10)
        return (instructions(pid) - before) / (time.monotonic() - begin)

    def programs(self, agent):
        """{variant: {program: (runs per request, instructions per run)}}; the statistics' own reading is in it."""
        found = {}
        with bpf.run_statistics():
            for variant in self._given.variants:
                where = self._nginx.unix_path if variant == "unix" else self._nginx.port
                with Client(where, PAGES.get(variant, "/"), self._given.connections) as client:
                    client.make(self._given.warm)
                    before = bpf.run_times(agent.pid)
                    client.make(self._given.requests)
                    after = bpf.run_times(agent.pid)
                one = {}
                for name, (ns, runs) in after.items():
                    ns, runs = ns - before.get(name, (0, 0))[0], runs - before.get(name, (0, 0))[1]
                    if runs * 100 >= self._given.requests:
                        one[name] = (runs / self._given.requests, ns / runs)
                found[variant] = one
        return found

    def rung(self, rung):
        """What the agent adds and takes on that rung; {"refused": why} where it does not start."""
        try:
            agent = Agent(rung=rung, more=MORE).start()
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return {"refused": reason(str(error), rung)}
        with contextlib.ExitStack() as stack:
            stack.push(agent.__exit__)
            time.sleep(SETTLE)
            idle = self.idle(agent.pid)
            before = agent.status()
            runs = self.every({"agent": [agent.pid]})
            after = agent.status()
            asked = len(self._given.variants) * (self._given.warm + self._given.repeat * self._given.requests)
            result = {"runs": runs, "idle": idle, "rss": agent.rss(), "lost": lost(after), "completeness": completeness(after),
                      "calls": after["cost"]["calls"] - before["cost"]["calls"], "asked": asked}
            result["programs"] = self.programs(agent)
        return result

    def sidecar(self):
        with Haproxy(self._nginx.port, threads=1, reuse="always") as haproxy:
            return {"runs": {variant: self.workload(variant, haproxy.port, {"haproxy": [haproxy.pid]})
                             for variant in self._given.variants if variant in PAGES}}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--rung", action="append", dest="rungs", default=[])
    parser.add_argument("--variant", action="append", dest="variants", default=[])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--warm", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--no-sidecar", action="store_true")
    return parser.parse_args()


def main():
    given = arguments()
    with Nginx(workers=1, unix=True) as nginx:
        nginx.file("index", 1024)
        measurement = Measurement(given, nginx)
        result = {"kernel": platform.release(), "bare": measurement.every(), "rungs": {}}
        for rung in given.rungs:
            result["rungs"][rung] = measurement.rung(rung)
        if not given.no_sidecar:
            result["sidecar"] = measurement.sidecar()
    pathlib.Path(given.out).write_text(json.dumps(result))


main()
