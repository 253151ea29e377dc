# SPDX-License-Identifier: Apache-2.0
"""What reading inside TLS costs: nginx over HTTPS, a call of OpenSSL, a host full of processes that map it, and those who
use no TLS. Each set-up with the agent, with `capture.tls: off`, and without an agent."""

import contextlib
import pathlib
import subprocess
import time

import figures
import load
import throughput
from support import places, tls
from support.haproxy import Haproxy
from support.nginx import Nginx
from support.subfloor import Agent, completeness, lost

SOURCE = pathlib.Path(__file__).resolve().parent / "tls_calls.c"
BARE, READING, OFF, PROXY = "no agent", "agent", "agent, capture.tls: off", "1 HAProxy sidecar with TLS"
PROCESSES = 500
LOADS = {"HTTPS, wrk, keep-alive": "https", "HTTP, wrk, keep-alive": "http"}


def agent(name):
    return Agent(tls="off" if name == OFF else "on")


def with_agent(name, run):
    """(Result, what the agent took) of run()."""
    with agent(name) as running:
        cpu = running.cpu_seconds()
        result = run()
        cpu = running.cpu_seconds() - cpu
        status = running.status()
        return result, {"cpu": cpu / result.requests, "told": status["cost"]["calls"] / result.requests, "lost": lost(status),
                        "completeness": completeness(status)}


def measure_load(https, rounds, seconds):
    """{set-up: [(Result, agent's figures or None), …]}"""
    with contextlib.ExitStack() as stack:
        certificate = stack.enter_context(tls.Certificate())
        plain, sealed = (stack.enter_context(Nginx(workers=load.WORKERS, tls=each)) for each in (None, certificate))
        nginx = sealed if https else plain
        for each in (plain, sealed):
            each.file("index", 1024)

        def run():
            return load.wrk(nginx.url(throughput.FILE), nginx, seconds)

        def proxied():
            with Haproxy(plain.port, reuse="always", tls=certificate) as proxy:
                return load.wrk(proxy.url(throughput.FILE), plain, seconds), None

        setups = {BARE: lambda: (run(), None), READING: lambda: with_agent(READING, run), OFF: lambda: with_agent(OFF, run)}
        if https:
            setups[PROXY] = proxied
        run()  # warm
        return load.alternating(setups, rounds)


def measure_calls(rounds, milliseconds):
    """{set-up: [ns per call of SSL_write or SSL_read, …]}"""
    program = places.helper("tls_calls", "ssl", "crypto", source=SOURCE)
    runs = {BARE: [], READING: [], OFF: []}
    with tls.Certificate() as certificate:
        def once():
            return float(subprocess.run([program, certificate.certificate, certificate.key, str(milliseconds)],
                                        capture_output=True, text=True, check=True, timeout=60).stdout)
        for _ in range(rounds):
            for name, found in runs.items():
                with contextlib.nullcontext() if name == BARE else agent(name):
                    found.append(once())
    return runs


@contextlib.contextmanager
def processes(count):
    """So many that map libssl."""
    running = [subprocess.Popen(["sleep", "600"], env={"LD_PRELOAD": tls.library()}) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
        for each in running:
            each.wait()


def measure_start(rounds):
    """{(processes, set-up): [(seconds to be ready, seconds to end), …]}"""
    runs = {(count, name): [] for count in (0, PROCESSES) for name in (READING, OFF)}
    for _ in range(rounds):
        for count in (0, PROCESSES):
            with processes(count):
                for name in (READING, OFF):
                    running, begin = agent(name), time.monotonic()
                    with running:
                        ready = time.monotonic()
                        running.stop()
                    runs[count, name].append((ready - begin, time.monotonic() - ready))
    return runs


def measure(rounds, seconds):
    return {"loads": {name: measure_load(kind == "https", rounds, seconds) for name, kind in LOADS.items()},
            "calls": measure_calls(rounds, seconds * 200), "start": measure_start(rounds)}


def tables(found):
    rows, own = [], []
    for kind, runs in found["loads"].items():
        for name, results in runs.items():
            rows.append([kind, name, figures.spread([result.rate for result, _ in results], 0),
                         figures.spread(load.ratios(runs, name, BARE, lambda r: r.rate), 3),
                         figures.spread(load.ratios(runs, name, BARE, lambda r: r.p99))])
            took = [figures_of for _, figures_of in results if figures_of]
            if took:
                own.append([kind, name, figures.spread([t["cpu"] for t in took], 2, 1e6), figures.spread([t["told"] for t in took]),
                            f"{sum(t['lost'] for t in took):,}", f"{min(t['completeness'] for t in took):.6f}"])
    yield figures.table("TLS: throughput of nginx", ["load", "set-up", "requests/s", "ratio", "p99, ratio"], rows)
    yield figures.table("TLS: the agent", ["load", "set-up", "CPU µs/request", "records per request", "lost, all runs",
                                           "completeness, worst run"], own)
    calls = found["calls"]
    yield figures.table("TLS: a call of SSL_write or SSL_read, 64 bytes, ns",
                        ["set-up", "ns per call", "added"],
                        [[name, figures.spread(ns, 0), figures.spread([n - bare for n, bare in zip(ns, calls[BARE])], 0)]
                         for name, ns in calls.items()])
    yield figures.table("TLS: an agent's start and end", ["processes that map libssl", "set-up", "ready after, s", "ended after, s"],
                        [[str(count), name, figures.spread([ready for ready, _ in times]), figures.spread([end for _, end in times])]
                         for (count, name), times in found["start"].items()])
    yield ("wrk, nginx and the agent share this host, and wrk's own OpenSSL is read as well as nginx's: there are two records of "
           "each request, and\ntwo processes pay.\n")


def as_json(found):
    return {"loads": {kind: {name: [[vars(result), own] for result, own in results] for name, results in runs.items()}
                      for kind, runs in found["loads"].items()},
            "calls": found["calls"], "start": [[count, name, times] for (count, name), times in found["start"].items()]}


def from_json(data):
    return {"loads": {kind: {name: [(load.Result(**result), own) for result, own in results] for name, results in runs.items()}
                      for kind, runs in data["loads"].items()},
            "calls": data["calls"], "start": {(count, name): times for count, name, times in data["start"]}}
