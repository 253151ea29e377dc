# SPDX-License-Identifier: Apache-2.0
"""Requests per second and latency: bare, with the agent, with one and two proxies; and what the agent itself takes."""

import figures
import load
from support.subfloor import completeness, lost

BARE = "nginx alone"
FILE = "/file/index"
RUNGS = ("tracepoint", "syscall")
PROXIES = {"1 HAProxy sidecar": 1, "2 HAProxy sidecars": 2}


def path(port):
    return f"http://127.0.0.1:{port}{FILE}"


def with_agent(nginx, rung, seconds):
    with load.agent(rung) as (agent, start_up):
        cpu = agent.cpu_seconds()
        result = load.wrk(path(nginx.port), nginx, seconds)
        cpu = agent.cpu_seconds() - cpu
        status = agent.status()
        return result, {"start_up": start_up, "rss": agent.rss(), "cpu_per_request": cpu / result.requests,
                        "lost": lost(status), "completeness": completeness(status)}


def measure(rounds, seconds):
    """{set-up: [(Result, agent figures or None), …]}"""
    def bare(port):
        return load.wrk(path(port), nginx, seconds), None

    def proxied(count):
        with load.sidecars(nginx, count) as port:
            return bare(port)

    setups = {BARE: lambda: bare(nginx.port)}
    for rung in RUNGS:
        setups[f"agent, {rung} rung"] = lambda rung=rung: with_agent(nginx, rung, seconds)
    for name, count in PROXIES.items():
        setups[name] = lambda count=count: proxied(count)

    with load.server() as nginx:
        load.wrk(path(nginx.port), nginx, 1)  # warm
        return load.alternating(setups, rounds)


def tables(runs):
    rows = []
    for name, results in runs.items():
        row = [name, figures.spread([r.rate for r, _ in results], 0),
               figures.spread([r.p50 for r, _ in results], 0, 1e6), figures.spread([r.p99 for r, _ in results], 0, 1e6)]
        for value in (lambda r: r.rate, lambda r: r.p50, lambda r: r.p99):
            row.append("1" if name == BARE else figures.spread(load.ratios(runs, name, BARE, value)))
        rows.append(row)
    yield figures.table("Throughput and latency", ["set-up", "requests/s", "p50 µs", "p99 µs", "requests/s, ratio",
                                                   "p50, ratio", "p99, ratio"], rows)
    rows = []
    for rung in RUNGS:
        own = [figures_of_agent for _, figures_of_agent in runs[f"agent, {rung} rung"]]
        cpu = [o["cpu_per_request"] for o in own]
        rows.append([rung, figures.spread(cpu, 2, 1e6), figures.spread(cpu, 1, 1e4 * 100),
                     figures.spread([o["rss"] for o in own], 1, 1 / 2**20),
                     figures.spread([o["start_up"] for o in own], 2), f"{sum(o['lost'] for o in own):,}",
                     f"{min(o['completeness'] for o in own):.6f}"])
    yield figures.table("The agent itself, under that load", ["rung", "CPU µs/request", "% of a core per 10,000 requests/s",
                                                              "RSS MiB", "start-up s", "records lost, all runs",
                                                              "completeness, worst run"], rows)


def as_json(runs):
    return {name: [{"rate": r.rate, "p50": r.p50, "p99": r.p99, "requests": r.requests, "seconds": r.seconds,
                    "agent": own}
                   for r, own in results] for name, results in runs.items()}


def from_json(data):
    return {name: [(load.Result(**{k: v for k, v in run.items() if k != "agent"}), run["agent"]) for run in runs]
            for name, runs in data.items()}
