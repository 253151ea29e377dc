# SPDX-License-Identifier: Apache-2.0
"""redis-benchmark: SET and GET of three bytes, by 50 connections, one command at a time in each or 16."""

import csv

from load import Result
from support.redis import Redis

RATE = {1: 100_000, 16: 1_200_000}  # about; how many requests there are is decided before

server = Redis


def load(depth):
    def run(redis, seconds):
        count = RATE[depth] * seconds // 2
        rows = list(csv.DictReader(redis.benchmark("-t", "set,get", "-n", count, "-P", depth, "-c", 50,
                                                   seconds=60 + 20 * seconds).splitlines()))
        took = sum(count / float(row["rps"]) for row in rows)
        p50, p99 = (max(float(row[f"p{n}_latency_ms"]) / 1e3 for row in rows) for n in (50, 99))
        return Result(2 * count / took, p50, p99, 2 * count, took)
    return run


LOADS = {f"redis-benchmark -t set,get -P {depth}": load(depth) for depth in RATE}
