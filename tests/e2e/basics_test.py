# SPDX-License-Identifier: Apache-2.0
"""One request, seen from both ends."""

import os
import time

from e2e.case import on_every_rung
from support import places
from support.nginx import Nginx
from support.servers import odd_server
from support.wire import Wire


@on_every_rung
class Basics:
    def test_a_curl_is_seen_within_a_second_from_both_ends_with_the_names_of_both_processes(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer:
            before = time.time()
            self.curl(nginx.url("/hello/world?x=1&y=2"))
            took = time.time() - before
            observer.wait(1, "server", seconds=1)
            observer.wait(1, "client", seconds=1)
            servers, clients = self.seen(observer, 1)
            for record in servers + clients:
                self.assert_call(record, "/hello/world", query="x=1&y=2", version="1.1", response_bytes=17)
                self.assertIn(record["protocol"], ("http", "http1"))
                self.assertGreater(record.duration, 0)
                self.assertLess(record.duration, took)
            self.assertEqual((servers[0].process, servers[0].peer_process), ("nginx", "curl"))
            self.assertEqual((clients[0].process, clients[0].peer_process), ("curl", "nginx"))
            self.assertIn(servers[0].pid, nginx.workers())
            self.assertEqual(servers[0].pid, clients[0].peer_pid)
            self.assertEqual(clients[0].pid, servers[0].peer_pid)
            self.assertEqual((servers[0].local_address, servers[0].peer_address), ("127.0.0.1", "127.0.0.1"))

    def test_the_agent_leaves_nothing_behind_after_control_c(self):
        with self.observe() as observer:
            self.assertEqual(observer.stop(), 0)
            self.assertFalse(os.path.exists(f"/proc/{observer.child.pid}"))

    def test_a_status_is_reported_as_sent(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            for status in (204, 404):
                self.assertEqual(wire.ask(f"/status/{status}")[0], status)
            for records in self.seen(observer, 2):
                self.assertEqual([r.status for r in records], [204, 404])

    def test_ipv6_has_its_addresses(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer:
            self.curl("-g", f"http://[::1]:{nginx.port}/six")
            for record in sum(self.seen(observer, 1), []):
                self.assert_call(record, "/six", local_address="::1", peer_address="::1")

    def test_an_ipv4_client_of_an_ipv6_socket_prints_as_ipv4(self):
        with odd_server("plain", "::") as server, self.observe(server.port) as observer:
            self.curl(server.url("/mapped"))
            for record in sum(self.seen(observer, 1), []):
                self.assert_call(record, "/mapped", local_address="127.0.0.1", peer_address="127.0.0.1")

    def test_keep_alive_gives_a_record_per_request_in_order(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            for i in range(200):
                wire.ask(f"/{i}")
            for records in self.seen(observer, 200):
                for i, record in enumerate(records):
                    self.assert_call(record, f"/{i}")

    def test_a_short_lived_client_keeps_its_name(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer:
            for i in range(20):
                self.curl(nginx.url(f"/{i}"))
            servers, clients = self.seen(observer, 20)
            self.assertEqual({r.process for r in clients}, {"curl"})
            self.assertEqual({r.peer_process for r in servers}, {"curl"})
            self.assertEqual(len({r.pid for r in clients}), 20)

    def test_unix_sockets_are_seen_from_both_ends(self):
        path = f"/unix/{os.getpid()}/{self.rung}"
        with Nginx(unix=True) as nginx, self.observe() as observer:
            self.curl("--unix-socket", nginx.unix_path, f"http://localhost{path}")
            servers, clients = self.seen(observer, 1, path=path)
            self.assert_call(servers[0], path, process="nginx", response_bytes=17)
            self.assert_call(clients[0], path, process="curl", response_bytes=17)

    def test_workers_that_share_a_port_are_told_apart(self):
        with Nginx(workers=4, reuseport=True) as nginx, self.observe(nginx.port) as observer:
            for i in range(60):
                with Wire(nginx.port) as wire:
                    wire.ask(f"/{i}")
            servers, clients = self.seen(observer, 60)
            self.assertLessEqual({r.pid for r in servers}, set(nginx.workers()))
            self.assertGreater(len({r.pid for r in servers}), 1)
            self.assertEqual({r.pid for r in clients}, {os.getpid()})
            self.assertEqual(sorted(r.path for r in servers), sorted(f"/{i}" for i in range(60)))

    def test_the_executable_and_language_of_a_python_server_are_known(self):
        with odd_server("plain") as server, self.observe(server.port) as observer:
            self.curl(server.url("/python"))
            servers, _ = self.seen(observer, 1)
            self.assertEqual(servers[0].pid, server.pid)
            self.assertEqual(servers[0].get("process.executable.path"), places.python())
            self.assertEqual(servers[0].get("telemetry.sdk.language"), "python")
