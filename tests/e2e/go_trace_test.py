# SPDX-License-Identifier: Apache-2.0
"""Traces through Go services that ask others with net/http, whose connections have goroutines of their own."""

import contextlib

from e2e.case import Case
from support import go
from support.chain import judge, number_of
from support.waiting import until

WARM = 10_000_000
ENDS = 6  # the client's call and two of the relay's, seen from both ends


class GoRelay(Case):
    def relayed(self, variant, concurrency, requests, server=("-plain",), options=(), warm=3):
        """The records of that many requests through a relay to two servers."""
        with contextlib.ExitStack() as parts:
            behind = [parts.enter_context(go.GoServer(variant, *server)) for _ in range(2)]
            relay = parts.enter_context(go.relay(variant, *options, *(each.url() for each in behind)))
            observer = parts.enter_context(self.observe())

            ports = {relay.port, *(each.port for each in behind)}

            def mine():
                return [r for r in observer.all() if r.server_port in ports and number_of(r) < WARM]

            sealed = "-tls" in options or "-tls2" in options
            asked = ("get", "-h2") if "-tls2" in options else ("get",)
            url = f"http{'s' if sealed else ''}://127.0.0.1:{relay.port}"
            if warm:
                go.talk(variant, *asked, "-n", warm * concurrency, "-c", concurrency, "-r", WARM, url)
            go.talk(variant, *asked, "-n", requests, "-c", concurrency, "-r", 0, url)
            until(lambda: len(mine()) >= requests * ENDS,
                  lambda: f"{requests * ENDS} records; there are {len(mine())}", 60)
            self.assertEqual(observer.stop(), 0)
            return mine()

    def verdict(self, variant, concurrency, requests=1000, least=0.99, **how):
        records = self.relayed(variant, concurrency, requests, **how)
        verdict = judge(records, ENDS)
        print(f"    {variant} {how}, {concurrency} at once: {verdict.whole} of {requests} in one trace, "
              f"{verdict.left} calls unconnected, {verdict.wrong} wrong")
        self.assertEqual((verdict.requests, verdict.missing), (requests, 0))
        self.assertEqual(verdict.wrong, 0, verdict.details[:3])
        self.assertGreaterEqual(verdict.whole / requests, least)
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

    def test_a_hundred_at_once_that_share_connections(self):
        self.each_version(100, options=("-idle", 5))

    def test_in_every_form_of_a_program(self):
        for form in go.FORMS:
            with self.subTest(form=form):
                self.verdict(f"{go.versions()[0]}-{form}", 10, requests=100)

    def test_bodies_that_take_several_writes(self):
        self.each_version(10, options=("-post",))

    def test_calls_that_are_given_up_are_nobody_elses(self):
        """Each tenth is asked for with a deadline that is over before it is written, and so may still be, later."""
        for version in go.versions():
            with self.subTest(version=version):
                records = self.relayed(f"{version}-exe-stripped", 20, 2000, options=("-late",))
                verdict = judge(records, ENDS)
                self.assertEqual(verdict.wrong, 0, verdict.details[:3])
                self.assertEqual(verdict.requests, 2000)

    def test_asking_over_tls(self):
        for concurrency in (1, 100):
            self.each_version(concurrency, server=("-http1",))

    def test_all_of_it_over_tls(self):
        for concurrency in (1, 100):
            self.each_version(concurrency, server=("-http1",), options=("-tls",))

    def test_asking_by_http2(self):
        for concurrency in (1, 100):
            self.each_version(concurrency, server=(), options=("-h2",))

    def test_served_by_http2(self):
        for concurrency in (1, 100):
            self.each_version(concurrency, options=("-tls2",), least=0.9)

    def test_all_of_it_by_http2(self):
        """What is left at 100 at once are ends of the client's own calls: the server's end was told of first."""
        for concurrency in (1, 100):
            self.each_version(concurrency, server=(), options=("-tls2", "-h2"), least=0.9)
