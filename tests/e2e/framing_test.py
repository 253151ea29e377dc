# SPDX-License-Identifier: Apache-2.0
"""Messages end where RFC 9112 says, however their bytes are cut."""

import threading
import time

from e2e.case import on_every_rung
from support.nginx import Nginx
from support.servers import odd_server, python_server
from support.wire import Wire, request

MIB = 1024 * 1024


@on_every_rung
class Framing:
    def test_pipelined_requests_of_one_segment_are_paired_with_their_own_responses(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            paths = [f"/status/{(204, 404)[i % 2]}?{i}" for i in range(20)]
            wire.send(b"".join(request(path) for path in paths))
            self.assertEqual([wire.response()[0] for _ in paths], [204, 404] * 10)
            for records in self.seen(observer, 20):
                self.assertEqual([(f"{r.path}?{r.query}", r.status) for r in records],
                                 [(path, (204, 404)[i % 2]) for i, path in enumerate(paths)])

    def test_a_request_in_writes_of_one_byte_is_one_record(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            wire.send_in_bits(request("/bits?a=b", headers="X-Filler: abc\r\n"))
            wire.response()
            for record in sum(self.seen(observer, 1), []):
                self.assert_call(record, "/bits", query="a=b", response_bytes=17)

    def test_a_writev_of_many_pieces_is_one_record(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            data = request("/pieces", headers="".join(f"X-{i}: {i}\r\n" for i in range(20)))
            wire.send_pieces([data[at:at + 5] for at in range(0, len(data), 5)])
            wire.response()
            for record in sum(self.seen(observer, 1), []):
                self.assert_call(record, "/pieces", response_bytes=17)

    def test_a_header_over_several_sends_is_one_record(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            data = request("/cut", headers=f"X-Long: {'v' * 3000}\r\n")
            wire.send_in_bits(data, 700)
            wire.response()
            for record in sum(self.seen(observer, 1), []):
                self.assert_call(record, "/cut", response_bytes=17)

    def test_a_trace_context_behind_three_kilobytes_of_headers_is_found(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        with Nginx() as nginx, self.observe(nginx.port) as observer:
            self.curl("-H", f"x-filler: {'x' * 3000}", "-H", f"traceparent: 00-{trace}-00f067aa0ba902b7-01", nginx.url("/late"))
            servers, clients = self.seen(observer, 1)
            self.assertEqual([record["trace_id"] for record in servers + clients], [trace, trace])
            self.assertEqual(clients[0]["parent_span_id"], "00f067aa0ba902b7")

    def test_chunked_bodies_with_trailers_count_without_their_framing(self):
        with python_server() as server, self.observe(server.port) as observer, Wire(server.port) as wire:
            wire.send(b"POST /chunked/up HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
                      b"5\r\nhello\r\n")
            wire.send(b"6;name=value\r\n world\r\n0\r\nX-T: 1\r\n\r\n")
            self.assertEqual(wire.response()[2], b"hello world")
            wire.ask("/next")
            for records in self.seen(observer, 2):
                self.assert_call(records[0], "/chunked/up", method="POST", request_bytes=11, response_bytes=11)
                self.assert_call(records[1], "/next")

    def test_responses_without_a_body_end_at_their_head(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            nginx.file("f", 1000)
            etag = wire.ask("/file/f")[1]["etag"]
            self.assertEqual(wire.ask("/file/f", "HEAD")[1]["content-length"], "1000")
            self.assertEqual(wire.ask("/status/204")[0], 204)
            self.assertEqual(wire.ask("/file/f", headers=f"If-None-Match: {etag}\r\n")[0], 304)
            wire.ask("/last")
            for records in self.seen(observer, 5):
                self.assert_call(records[0], "/file/f", response_bytes=1000)
                self.assert_call(records[1], "/file/f", method="HEAD", response_bytes=0)
                self.assert_call(records[2], "/status/204", 204, response_bytes=0)
                self.assert_call(records[3], "/file/f", 304, response_bytes=0)
                self.assert_call(records[4], "/last")

    def test_a_100_continue_is_not_the_response(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            wire.send(b"POST /upload HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
            self.assertEqual(wire.response()[0], 100)
            wire.send(b"x" * 5000)
            self.assertEqual(wire.response()[0], 200)
            for record in sum(self.seen(observer, 1, path="/upload"), []):
                self.assert_call(record, "/upload", method="POST", request_bytes=5000)

    def test_a_body_without_length_ends_with_the_connection(self):
        with python_server() as server, self.observe(server.port) as observer:
            self.assertEqual(len(self.curl(server.url("/close"))), 10_000)
            for record in sum(self.seen(observer, 1), []):
                self.assert_call(record, "/close", response_bytes=10_000)

    def test_an_upload_of_100_mib_has_its_exact_size(self):
        size = 100 * MIB
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            wire.send(f"POST /upload HTTP/1.1\r\nHost: t\r\nContent-Length: {size}\r\n\r\n".encode())
            for _ in range(100):
                wire.send(b"x" * MIB)
            self.assertEqual(wire.response()[0], 200)
            wire.ask("/next")
            servers = observer.wait(1, "server", 20, path="/upload")
            clients = observer.wait(1, "client", 20, path="/upload")
            for record in servers + clients:
                self.assert_call(record, "/upload", method="POST", request_bytes=size)
            observer.wait(1, "server", path="/next")

    def test_a_sendfile_download_lasts_until_its_last_byte(self):
        size, pause = 50 * MIB, 0.4
        with Nginx() as nginx, self.observe(nginx.port) as observer, Wire(nginx.port) as wire:
            nginx.file("big", size)
            before = time.monotonic()
            wire.send(request("/file/big"))
            wire.socket.recv(1000, 2)  # MSG_PEEK: the response has begun
            threading.Event().wait(pause)  # a slow reader: this is the load, not a synchronisation
            self.assertEqual(len(wire.response()[2]), size)
            took = time.monotonic() - before
            for record in sum(self.seen(observer, 1, seconds=20), []):
                self.assert_call(record, "/file/big", response_bytes=size)
                self.assertGreaterEqual(record.duration, pause)
                self.assertLessEqual(record.duration, took)

    def test_after_an_upgrade_nothing_is_taken_for_http(self):
        with odd_server("upgrade") as server, self.observe(server.port) as observer:
            with Wire(server.port) as wire:
                wire.send(request("/chat", headers="Upgrade: websocket\r\nConnection: Upgrade\r\n"))
                self.assertEqual(wire.response()[0], 101)
                for _ in range(5):
                    wire.send(b"GET /not/http HTTP/1.1\r\n\r\n")
                    self.assertTrue(wire.socket.recv(1000))
            with Wire(server.port) as wire:
                wire.send(request("/second", headers="Upgrade: websocket\r\nConnection: Upgrade\r\n"))
                wire.response()
            for records in self.seen(observer, 2):
                self.assertEqual([(r.path, r.status) for r in records], [("/chat", 101), ("/second", 101)])
