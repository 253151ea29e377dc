# SPDX-License-Identifier: Apache-2.0
"""What a workload without networking pays: loops of cheap system calls, with and without the agent."""

import pathlib
import subprocess

import figures
import load
import throughput
from support import places

SOURCE = pathlib.Path(__file__).resolve().parent / "loops.c"


def loops(milliseconds):
    """{loop: ns per turn}."""
    done = subprocess.run([places.helper("loops", source=SOURCE), str(milliseconds)], capture_output=True, text=True,
                          check=True, timeout=60)
    return {name: float(ns) for name, ns in (line.split() for line in done.stdout.splitlines())}


def with_agent(rung, milliseconds):
    with load.agent(rung):
        return loops(milliseconds)


def measure(pairs, milliseconds):
    """{rung: [(without, with), …]}; every other pair begins with the agent."""
    runs = {rung: [] for rung in throughput.RUNGS}
    for number in range(pairs):
        for rung in throughput.RUNGS:
            if number % 2 == 0:
                without = loops(milliseconds)
                runs[rung].append((without, with_agent(rung, milliseconds)))
            else:
                under = with_agent(rung, milliseconds)
                runs[rung].append((loops(milliseconds), under))
    return runs


def tables(runs):
    rows = []
    for rung, pairs in runs.items():
        for name in pairs[0][0]:
            rows.append([rung, name, figures.spread([without[name] for without, _ in pairs], 1),
                         figures.spread([under[name] for _, under in pairs], 1),
                         figures.spread([under[name] - without[name] for without, under in pairs], 1)])
    yield figures.table("A workload without networking, ns per turn of the loop (open+close is two system calls)",
                        ["rung", "loop", "without", "with agent", "difference"], rows)


def as_json(runs):
    return runs


def from_json(data):
    return data
