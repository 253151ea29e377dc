# SPDX-License-Identifier: Apache-2.0
"""Traces through Go services that ask others with net/http, whose connections have goroutines of their own."""

import contextlib

from e2e.case import Case
from support import go
from support.chain import judge, load, number_of
from support.subfloor import Agent
from support.waiting import until

WARM = 10_000_000
ENDS = 6  # the client's call and two of the relay's, seen from both ends


class GoRelay(Case):
    def relayed(self, variant, concurrency, requests, server=("-plain",), options=(), warm=3):
        """The records of that many requests through a relay to two servers, and what the agent says of itself."""
        with contextlib.ExitStack() as parts:
            behind = [parts.enter_context(go.GoServer(variant, *server)) for _ in range(2)]
            relay = parts.enter_context(go.relay(variant, *options, *(each.url() for each in behind)))
            agent = parts.enter_context(Agent(data_ring="64MiB"))
            observer = parts.enter_context(agent.observer())

            def mine():
                return [r for r in observer.all() if number_of(r) is not None and number_of(r) < WARM]

            sealed = "-tls" in options
            load(relay.port, concurrency, warm * concurrency, first=WARM, tls=sealed)
            load(relay.port, concurrency, requests, tls=sealed)
            until(lambda: len(mine()) >= requests * ENDS,
                  lambda: f"{requests * ENDS} records; there are {len(mine())}", 60)
            self.assertEqual(observer.stop(), 0)
            return mine(), agent.status()

    def verdict(self, variant, concurrency, requests=1000, least=1.0, **how):
        records, status = self.relayed(variant, concurrency, requests, **how)
        verdict = judge(records, ENDS)
        print(f"    {variant} {how}, {concurrency} at once: {verdict.whole} of {requests} in one trace, "
              f"{verdict.left} calls unconnected, {verdict.wrong} wrong")
        self.assertEqual((verdict.requests, verdict.missing), (requests, 0))
        self.assertEqual(verdict.wrong, 0, verdict.details[:3])
        self.assertGreaterEqual(verdict.whole / requests, least, status["traces"])
        return records

    def each_version(self, concurrency, form="exe-stripped", **how):
        for version in go.versions():
            with self.subTest(version=version):
                self.verdict(f"{version}-{form}", concurrency, **how)

    def test_one_at_a_time(self):
        self.each_version(1)

    def test_ten_at_once(self):
        self.each_version(10)

    def test_a_hundred_at_once(self):
        self.each_version(100)
