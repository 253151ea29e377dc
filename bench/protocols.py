# SPDX-License-Identifier: Apache-2.0
"""Protocols other than HTTP/1.1: what their own benchmarks reach with the agent and without, what the hooks take inside
the watched processes, and what the agent takes. A workload is a module with `server`, a context manager, and `LOADS`,
{name: run(server, seconds) → load.Result}."""

import dataclasses

import figures
import h2_load
import load
import pgbench_load
import redis_load
from support import bpf
from support.subfloor import completeness, lost

WORKLOADS = {"redis": redis_load, "pgbench": pgbench_load, "h2load": h2_load}
VICTIM_RUNS = 3


def with_agent(run, server, seconds, rung):
    """(Result, what the agent took, {program: ns per call}); the last is 0 without run-time statistics."""
    with load.agent(rung) as (agent, _):
        cpu, before, calls = agent.cpu_seconds(), bpf.run_times(agent.pid), told(agent)
        result = run(server, seconds)
        after = bpf.run_times(agent.pid)
        cpu, calls, status = agent.cpu_seconds() - cpu, told(agent) - calls, agent.status()
        ns = {name: (ns - before.get(name, (0, 0))[0]) / result.requests for name, (ns, _) in after.items()}
        return result, {"cpu": cpu / result.requests, "told": calls / result.requests, "lost": lost(status),
                        "completeness": completeness(status), "rss": agent.rss()}, ns


def told(agent):
    """Calls that the agent has told of, both ends together."""
    return agent.status()["cost"]["calls"]


def measure(rounds, seconds, only=None, rung=""):
    """{load: {"pairs": [(bare, with agent, agent's figures), …], "victim": [{program: ns}, …]}}; pairs alternate."""
    runs = {}
    for module in (WORKLOADS[name] for name in only or WORKLOADS):
        with module.server() as server:
            for name, run in module.LOADS.items():
                run(server, 1)  # warm
                pairs = []
                for number in range(rounds):
                    if number % 2:
                        result, own, _ = with_agent(run, server, seconds, rung)
                        pairs.append((run(server, seconds), result, own))
                    else:
                        bare = run(server, seconds)
                        result, own, _ = with_agent(run, server, seconds, rung)
                        pairs.append((bare, result, own))
                with bpf.run_statistics():
                    victim = [with_agent(run, server, seconds, rung)[2] for _ in range(min(rounds, VICTIM_RUNS))]
                runs[name] = {"pairs": pairs, "victim": victim}
    return runs


def tables(runs):
    rows = []
    for name, found in runs.items():
        pairs = found["pairs"]
        rows.append([name, figures.spread([bare.rate for bare, _, _ in pairs], 0),
                     figures.spread([result.rate for _, result, _ in pairs], 0),
                     figures.spread([result.rate / bare.rate for bare, result, _ in pairs], 3),
                     figures.spread([result.p50 / bare.p50 for bare, result, _ in pairs]),
                     figures.spread([sum(ns.values()) / 2 for ns in found["victim"]], 0)])
    yield figures.table("Protocols: throughput, and cost to the watched processes",
                        ["workload", "bare, calls/s", "with the agent", "ratio", "latency, ratio", "ns per call and process"], rows)
    rows = []
    for name, found in runs.items():
        own = [own for _, _, own in found["pairs"]]
        rows.append([name, figures.spread([o["cpu"] for o in own], 2, 1e6), figures.spread([o["told"] for o in own]),
                     f"{sum(o['lost'] for o in own):,}", f"{min(o['completeness'] for o in own):.6f}",
                     figures.spread([o["rss"] for o in own], 1, 1 / 2**20)])
    yield figures.table("Protocols: the agent", ["workload", "CPU µs/call", "records per call", "lost, all runs",
                                                 "completeness, worst run", "RSS MiB"], rows)
    yield ("Client and server are both on this host and both watched: there are two records of each call, and two processes "
           "pay.\nLatency is the median of redis-benchmark, the mean of the others.\n")


def as_json(runs):
    return {name: {"pairs": [[dataclasses.asdict(bare), dataclasses.asdict(result), own] for bare, result, own in found["pairs"]],
                   "victim": found["victim"]} for name, found in runs.items()}


def from_json(data):
    return {name: {"pairs": [(load.Result(**bare), load.Result(**result), own) for bare, result, own in found["pairs"]],
                   "victim": found["victim"]} for name, found in data.items()}
