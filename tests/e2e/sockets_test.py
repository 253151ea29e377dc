# SPDX-License-Identifier: Apache-2.0
"""Every way in which bytes get into and out of a socket gives the same records."""

import contextlib
import http.client
import http.server
import os
import threading

from e2e.case import on_every_rung
from support import places
from support.network import Neighbour
from support.servers import c_server, odd_server
from support.wire import Wire


@on_every_rung
class Sockets:
    def exchange(self, server, size=4, requests=3):
        """Some requests on one connection; every one is seen once at each end, whole. Returns the server's records."""
        with server, self.observe(server.port) as observer:
            with Wire(server.port) as wire:
                for i in range(requests):
                    self.assertEqual(len(wire.ask(f"/{i}")[2]), size)
            servers, clients = self.seen(observer, requests)
            for records in (servers, clients):
                for i, record in enumerate(records):
                    self.assert_call(record, f"/{i}", response_bytes=size)
            self.assertEqual({r.pid for r in clients}, {os.getpid()})
            return servers

    def test_recv_and_send(self):
        self.exchange(odd_server("plain"))

    def test_bytes_that_were_peeked_at_count_once(self):
        self.exchange(odd_server("peek"))

    def test_reads_and_writes_of_one_byte(self):
        self.exchange(odd_server("bits"))

    def test_readv_and_writev(self):
        self.exchange(odd_server("vector"))

    def test_sendfile(self):
        self.exchange(odd_server("sendfile"), 1_000_000)

    def test_splice(self):
        self.exchange(odd_server("splice"), 1_000_000)

    def test_recvmmsg_and_sendmmsg(self):
        self.exchange(c_server(places.helper("mmsg_server")))

    def test_io_uring(self):
        program = places.helper("uring_server", "uring")
        if program is None:
            self.skipTest("liburing is not installed")
        if self.rung == "syscall":
            self.exchange_unseen_by_system_calls(c_server(program))
        else:
            self.exchange(c_server(program))

    def exchange_unseen_by_system_calls(self, server):
        """The syscall rung cannot see what io_uring transfers; the other end is whole, and nothing is invented."""
        with server, self.observe(server.port) as observer:
            with Wire(server.port) as wire:
                for i in range(3):
                    wire.ask(f"/{i}")
            for i, record in enumerate(observer.wait(3, "client")):
                self.assert_call(record, f"/{i}", response_bytes=4)
            observer.stop()
            self.assertEqual(len(observer.records("client")), 3)
            for record in observer.records("server"):
                self.assertIn((record.path, record.status), [(f"/{i}", s) for i in range(3) for s in (200, None)])

    def test_a_socket_shared_over_fork_is_one_connection_of_several_processes(self):
        servers = self.exchange(odd_server("fork"))
        self.assertEqual(len({r.pid for r in servers}), 3)

    def test_a_socket_passed_to_another_process_belongs_to_the_one_that_reads(self):
        server = odd_server("pass")
        with server, self.observe(server.port) as observer:
            with Wire(server.port) as wire:
                wire.ask("/0")
            servers, _ = self.seen(observer, 1)
            self.assert_call(servers[0], "/0")
            self.assertNotEqual(servers[0].pid, server.pid)

    def test_what_a_link_loses_and_reorders_is_invisible(self):
        with Neighbour() as neighbour, serving(neighbour) as server:
            port = server.server_address[1]
            neighbour.lose_one_in(7)
            with self.observe(port) as observer:
                connection = http.client.HTTPConnection(neighbour.theirs, port, timeout=60)
                for i in range(5):
                    connection.request("POST", f"/{i}", b"x" * 200_000)
                    self.assertEqual(len(connection.getresponse().read()), 200_000)
                connection.close()
                for records in self.seen(observer, 5):
                    for i, record in enumerate(records):
                        self.assert_call(record, f"/{i}", method="POST", request_bytes=200_000, response_bytes=200_000)
                self.assertGreater(neighbour.lost(), 10)


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(neighbour):
    """A server in a thread of this process, whose socket is the neighbour's."""
    with neighbour.entered():
        server = http.server.ThreadingHTTPServer((neighbour.theirs, 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
