# SPDX-License-Identifier: Apache-2.0
"""Servers and proxies as people run them."""

import concurrent.futures

from e2e.case import on_every_rung
from support.haproxy import Haproxy
from support.nginx import Nginx
from support.servers import node_server, python_server
from support.wire import Wire


@on_every_rung
class Servers:
    def serve(self, server, process, language):
        with server, self.observe(server.port) as observer:
            with Wire(server.port) as wire:
                self.assertEqual(wire.ask("/plain?q=1")[0], 200)
                self.assertEqual(wire.ask("/post", "POST", body=b"x" * 3000)[2], b"3000\n")
                self.assertEqual(wire.ask("/chunked")[2], b"hello world")
            servers, clients = self.seen(observer, 3)
            for records in (servers, clients):
                self.assert_call(records[0], "/plain", query="q=1", response_bytes=2)
                self.assert_call(records[1], "/post", method="POST", request_bytes=3000, response_bytes=5)
                self.assert_call(records[2], "/chunked", response_bytes=11)
            for record in servers:
                self.assertEqual(record.pid, server.pid)
                self.assertTrue(record.process.startswith(process), record)
                self.assertEqual(record.get("telemetry.sdk.language"), language)

    def test_a_node_server(self):
        self.serve(node_server(), "node", "nodejs")

    def test_a_python_server(self):
        self.serve(python_server(), "python", "python")

    def test_many_connections_at_once(self):
        def client(number):
            with Wire(server.port) as wire:
                for i in range(20):
                    wire.ask(f"/{number}/{i}")

        with node_server() as server, self.observe(server.port) as observer:
            with concurrent.futures.ThreadPoolExecutor(32) as pool:
                list(pool.map(client, range(32)))
            expected = sorted(f"/{n}/{i}" for n in range(32) for i in range(20))
            for records in self.seen(observer, 640):
                self.assertEqual(sorted(r.path for r in records), expected)
                self.assertEqual({r.status for r in records}, {200})

    def test_a_call_through_haproxy_is_seen_four_times(self):
        with Nginx() as nginx, Haproxy(nginx.port) as proxy, self.observe() as observer:
            self.curl(proxy.url("/through?h=1"))

            def hop(kind, port):
                return [r for r in observer.records(kind) if r.server_port == port]

            observer.wait(2, "server", path="/through")
            observer.wait(2, "client", path="/through")
            observer.stop()
            outer, inner = hop("server", proxy.port), hop("server", nginx.port)
            for records, process, peer in ((hop("client", proxy.port), "curl", "haproxy"), (outer, "haproxy", "curl"),
                                           (hop("client", nginx.port), "haproxy", "nginx"), (inner, "nginx", "haproxy")):
                self.assertEqual(len(records), 1, records)
                self.assert_call(records[0], "/through", query="h=1", process=process, peer_process=peer)
            self.assertGreaterEqual(outer[0].duration, inner[0].duration)
