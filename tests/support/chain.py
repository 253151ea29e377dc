# SPDX-License-Identifier: Apache-2.0
"""Chains of servers whose every request says its number in whatever it causes, and a judge of the traces seen of them."""

import collections
import concurrent.futures
import http.client
import os
import re

from . import go, places
from .servers import Server
from .tls import trusting


def surroundings(redis, postgres, pool, tls=None, **more):
    """The environment of a chain server; with a tls.Certificate it speaks TLS in all directions."""
    sealed = {"CERT": tls.certificate, "KEY": tls.key} if tls else {}
    return {**os.environ, "REDIS_PORT": str(redis.port), "PGPORT": str(postgres.port), "POOL": str(pool), **sealed, **more}


def chain_node(redis, postgres, client="ioredis", shape="sequence", pool=10, tls=None):
    environment = surroundings(redis, postgres, pool, tls, REDIS_CLIENT=client, SHAPE=shape,
                               NODE_PATH=str(places.ROOT / "tests/node/node_modules"))
    return Server([places.program("node"), places.HERE / "chain_server.js"], "chain server (node)", env=environment)


def chain_python(mode, redis, postgres, pool=10, tls=None):
    return Server([places.python(), places.HERE / "chain_server.py", mode], f"chain server (python, {mode})",
                  env=surroundings(redis, postgres, pool, tls))


def chain_go(variant, redis, postgres, pool=10):
    return Server([go.program(variant), "chain"], f"chain server (go, {variant})", env=surroundings(redis, postgres, pool))


def load(port, concurrency, requests, first=0, headers=None, tls=False):
    """GET /r/N for N from `first` on, over `concurrency` connections that are kept; `headers` makes them of N."""
    def client(share):
        options = {"timeout": 60, "context": trusting()} if tls else {"timeout": 60}
        connection = (http.client.HTTPSConnection if tls else http.client.HTTPConnection)("127.0.0.1", port, **options)
        for number in share:
            connection.request("GET", f"/r/{number}", headers=headers(number) if headers else {})
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"/r/{number}: {response.status} {body}")
        connection.close()

    numbers = range(first, first + requests)
    with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(client, [numbers[i::concurrency] for i in range(concurrency)]))


NUMBER = re.compile(r"(?:/r/|k:|r_)(\d+)")


def number_of(record):
    """Of the request that caused the call, as its content says; None where it says nothing."""
    for key in ("url.path", "db.operation.parameter.key", "db.query.text"):
        found = NUMBER.search(record.get(key, ""))
        if found:
            return int(found[1])
    return None


Verdict = collections.namedtuple("Verdict", "requests whole wrong left missing details")


def judge(records, calls):
    """`calls`: how many records each request makes, with those of its client.

    whole: requests all of whose records are one tree below one root; wrong: records with another request's trace or
    parent; left: records that are in a trace of their own though something caused them; missing: requests of which
    records are missing.
    """
    by_number, spans = collections.defaultdict(list), {}
    for record in records:
        number = number_of(record)
        if number is not None:
            by_number[number].append(record)
            spans[record["span_id"]] = number
    trace_owner = {}
    for number, group in by_number.items():
        for record in group:
            trace_owner.setdefault(record["trace_id"], set()).add(number)
    whole = wrong = left = missing = 0
    details = []
    for number, group in by_number.items():
        own = {record["span_id"] for record in group}
        roots = [record for record in group if record.get("parent_span_id") not in own]
        bad = [record for record in group
               if len(trace_owner[record["trace_id"]]) > 1 or spans.get(record.get("parent_span_id"), number) != number]
        wrong += len(bad)
        if bad:
            details.append((number, bad))
        if len(group) != calls:
            missing += 1
        elif not bad and len(roots) == 1 and len({record["trace_id"] for record in group}) == 1:
            whole += 1
        left += len(roots) - 1
    return Verdict(len(by_number), whole, wrong, left, missing, details)
