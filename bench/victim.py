# SPDX-License-Identifier: Apache-2.0
"""What the hooks cost the processes that are watched: BPF run-time statistics of the agent's programs over a load."""

import figures
import load
import throughput
from support import bpf

METHOD = """\
Method: `kernel.bpf_stats_enabled=1`; the step of `run_time_ns` of every program the agent holds, over the requests that
nginx counted. wrk and nginx both run on this host, so that each request passes every hook twice, once at either process:
"per process" is half of the sum. More than two runs of a program for a request are other traffic of this host, or a message
in pieces. The statistics' own two clock readings are part of each program's time.
"""


PAGES = {"17 bytes, one writev": "/", "1 KiB file, writev and sendfile": throughput.FILE}


def one(nginx, rung, page, seconds):
    """{program: (ns per request, runs per request)}."""
    with load.agent(rung) as (agent, _):
        before = bpf.run_times(agent.pid)
        result = load.wrk(nginx.url(PAGES[page]), nginx, seconds)
        after = bpf.run_times(agent.pid)
    costs = {}
    for name, (ns, runs) in after.items():
        ns_before, runs_before = before.get(name, (0, 0))
        costs[name] = ((ns - ns_before) / result.requests, (runs - runs_before) / result.requests)
    return costs


def measure(rounds, seconds):
    """{(rung, page): [costs, …]}, alternating."""
    runs = {(rung, page): [] for page in PAGES for rung in throughput.RUNGS}
    with load.server() as nginx, bpf.run_statistics():
        for number in range(rounds):
            for rung, page in runs if number % 2 == 0 else reversed(runs):
                runs[rung, page].append(one(nginx, rung, page, seconds))
    return runs


def total(costs):
    return sum(ns for ns, _ in costs.values())


def tables(runs):
    rows = [[rung, page, figures.spread([total(c) for c in costs], 0), figures.spread([total(c) / 2 for c in costs], 0)]
            for (rung, page), costs in runs.items()]
    yield figures.table("Cost to the watched processes, ns per request", ["rung", "response", "both processes", "per process"],
                        rows)
    rows = []
    for (rung, page), costs in runs.items():
        for name in sorted(costs[0], key=lambda n: -costs[0][n][0]):
            ns = [c.get(name, (0, 0))[0] for c in costs]
            count = [c.get(name, (0, 0))[1] for c in costs]
            if figures.median(ns) < 1:
                continue
            rows.append([rung, page, name, figures.spread(ns, 0), f"{figures.median(count):.2f}",
                         f"{figures.median([n / max(c, 1e-9) for n, c in zip(ns, count)]):,.0f}"])
    yield figures.table("The same by program", ["rung", "response", "program", "ns/request", "runs/request", "ns/run"], rows)
    yield METHOD


def as_json(runs):
    return [{"rung": rung, "response": page, "runs": costs} for (rung, page), costs in runs.items()]


def from_json(data):
    return {(part["rung"], part["response"]): part["runs"] for part in data}
