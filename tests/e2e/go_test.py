# SPDX-License-Identifier: Apache-2.0
"""TLS of Go programs: what goes through crypto/tls, seen from both ends."""

import subprocess

from e2e.case import Case
from support import go
from support.child import Child


def paths(count, goroutines):
    """What `talk get -n count -c goroutines` asks for."""
    return sorted(f"/{i % goroutines}/{i}" for i in range(count))


class Go(Case):
    def check_paths(self, observer, count, expected, **properties):
        for records in self.seen(observer, count):
            self.assertEqual(sorted(record.path for record in records), expected)
            for record in records:
                self.assert_call(record, record.path, **properties)

    def test_a_server_built_in_any_way_answers_curl(self):
        for version in go.versions():
            for form in go.FORMS:
                with self.subTest(version=version, form=form), go.GoServer(f"{version}-{form}", "-http1") as server, \
                        self.observe(server.port) as observer:
                    self.curl("-k", "--http1.1", server.url("/plain?q=1"), server.url("/status/404"))
                    self.curl("-k", "--http1.1", "-d", "x" * 3000, server.url("/post?bytes=100000"))
                    for records in self.seen(observer, 3):
                        self.assert_call(records[0], "/plain", query="q=1", response_bytes=2)
                        self.assert_call(records[1], "/status/404", status=404)
                        self.assert_call(records[2], "/post", method="POST", request_bytes=3000, response_bytes=100000)
                    for record in observer.records("server"):
                        self.assertEqual(record.pid, server.pid)
                        self.assertEqual(record.get("telemetry.sdk.language"), "go")

    def both_ends(self, count, goroutines, *options, server_options=(), **properties):
        for version in go.versions():
            variant = f"{version}-exe-stripped"
            with self.subTest(version=version, count=count, goroutines=goroutines, options=options), \
                    go.GoServer(variant, *server_options) as server, self.observe(server.port) as observer:
                go.talk(variant, "get", *options, "-n", count, "-c", goroutines, server.url())
                self.check_paths(observer, count, paths(count, goroutines), **properties)

    def test_one_goroutine_asks(self):
        self.both_ends(100, 1, version="1.1")

    def test_ten_goroutines_ask(self):
        self.both_ends(1000, 10, version="1.1")

    def test_a_hundred_goroutines_ask(self):
        self.both_ends(3000, 100, version="1.1")

    def test_each_request_has_a_connection_of_its_own(self):
        self.both_ends(300, 10, "-close", version="1.1")

    def test_http2_of_one_goroutine(self):
        self.both_ends(100, 1, "-h2", version="2")

    def test_http2_of_ten_goroutines(self):
        self.both_ends(1000, 10, "-h2", version="2")

    def test_http2_of_a_hundred_goroutines(self):
        self.both_ends(3000, 100, "-h2", version="2")

    def test_a_stack_that_moves_during_the_read(self):
        for version in go.versions():
            variant = f"{version}-pie-stripped"
            with self.subTest(version=version), go.GoServer(variant) as server, self.observe(server.port) as observer:
                go.talk(variant, "stack", "-n", 50, f"127.0.0.1:{server.port}")
                self.check_paths(observer, 50, sorted(f"/stack/{i}" for i in range(50)))

    def test_bodies_of_megabytes(self):
        variant = f"{go.versions()[-1]}-exe-stripped"
        with go.GoServer(variant) as server, self.observe(server.port) as observer:
            for version in ("--http1.1", "--http2"):
                self.curl("-k", version, "-o", "/dev/null", server.url("/large?bytes=5000000"))
                self.curl("-k", version, server.url("/after"))
            for records in self.seen(observer, 4):
                self.assertEqual([record.path for record in records], ["/large", "/after"] * 2)
                self.assertEqual([record.response_bytes for record in records], [5000000, 2] * 2)

    def test_an_agent_that_comes_late(self):
        """What was being read when it came is lost, and said to be; no call is, and no wrong one is told of."""
        for version in go.versions():
            variant = f"{version}-exe-stripped"
            with self.subTest(version=version), go.GoServer(variant) as server:
                client = Child([go.program(variant), "get", "-wait", "-n", "20", server.url()], stdin=subprocess.PIPE)
                with client:
                    client.wait_for_line("asked", "stdout")
                    with self.observe(server.port) as observer:
                        client.process.stdin.write(b"go on\n")
                        client.process.stdin.close()
                        self.assertEqual(client.wait(), 0)
                        go.talk(variant, "stack", "-n", 3, f"127.0.0.1:{server.port}")
                        for records in self.seen(observer, 23):
                            older, younger = records[:20], records[20:]
                            self.assertTrue(older[0].partial, older[0])
                            for i, record in enumerate(older):
                                self.assertIn(record.path, (f"/0/{i}", None) if record.partial else (f"/0/{i}",))
                            for i, record in enumerate(younger):
                                self.assert_call(record, f"/stack/{i}")

    def test_tls_within_tls_is_not_taken_for_what_the_socket_carries(self):
        variant = f"{go.versions()[-1]}-exe-stripped"
        with go.GoServer(variant) as server, self.observe() as observer:
            go.talk(variant, "tunnel", f"127.0.0.1:{server.tunnels}")
            served = observer.wait(1, "server", path="/tunnel/0")
            asked = observer.wait(1, "client", method="CONNECT")
            self.assertEqual(observer.stop(), 0)
            self.assertEqual([record.server_port for record in served], [server.port])
            self.assertEqual([record.server_port for record in asked], [server.tunnels])
            self.assertEqual(observer.records("client", path="/tunnel/0"), [])

    def test_a_connection_of_an_unknown_type_is_not_joined(self):
        variant = f"{go.versions()[-1]}-exe-stripped"
        with go.GoServer(variant) as server, self.observe(server.port) as observer:
            go.talk(variant, "buffered", f"127.0.0.1:{server.port}")
            observer.wait(1, "server", path="/buffered/0")
            self.assertEqual(observer.stop(), 0)
            self.assertEqual(observer.records("client"), [])
