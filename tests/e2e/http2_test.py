# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 with the programs that people use: every stream is a record, and what was not seen is not told."""

import collections
import pathlib
import signal
import unittest

from e2e.case import Case, on_every_rung
from support import core, places, records
from support.child import Child
from support.http2 import (Nghttpd, Nghttpx, Talker, cpp_grpc_calls, cpp_grpc_server, grpc_talk, h2load, nghttp,
                           node_grpc_server, node_http2_server)
from support.network import Capture
from support.nginx import Nginx
from support.subfloor import Agent, alone, run
from support.waiting import until

SECRET = "s3cr3t-9f2c"


def replay(path, port):
    done = run("replay", "-o", "json", path, seconds=120)
    assert done.returncode == 0, done.stderr
    return [r for r in records.parse(done.stdout.splitlines()) if r.server_port == port]


def told(found):
    return collections.Counter((r.method, r.path, r.status, r.response_bytes, r.partial) for r in found)


@on_every_rung
class Http2:
    def test_every_stream_is_a_record_at_1_10_and_100_at_once(self):
        with Nghttpd() as server, self.observe(server.port) as observer:
            for streams in (1, 10, 100):
                h2load(server.url(f"/index.html?m={streams}"), 1000, streams)
            h2load(server.url("/index.html?m=clients"), 1000, 10, clients=10)
            for found in self.seen(observer, 4000):
                self.assertEqual(told(found), {("GET", "/index.html", 200, 612, False): 4000})
                queries = collections.Counter(r.query for r in found)
                self.assertEqual(queries, {"m=1": 1000, "m=10": 1000, "m=100": 1000, "m=clients": 1000})
                self.assertEqual({r.version for r in found}, {"2"})
                self.assertEqual({r["protocol"] for r in found}, {"http"})

    def test_large_files_on_many_streams_are_counted_to_the_byte(self):
        with Nghttpd() as server, self.observe(server.port) as observer:
            server.file("large", 300_000)
            h2load(server.url("/large"), 12, 10)
            for found in self.seen(observer, 12):
                self.assertEqual(told(found), {("GET", "/large", 200, 300_000, False): 12})

    def test_curl_with_prior_knowledge(self):
        with Nghttpd() as server, self.observe(server.port) as observer:
            for arguments in (("/index.html?a=b",), ("/missing",), ("/index.html", "--head"),
                              ("/index.html", "--data-binary", "x" * 3000)):
                self.curl("--http2-prior-knowledge", "-o", "/dev/null", server.url(arguments[0]), *arguments[1:])
            for found in self.seen(observer, 4):
                self.assert_call(found[0], "/index.html", query="a=b", response_bytes=612, version="2")
                self.assert_call(found[1], "/missing", status=404)
                self.assert_call(found[2], "/index.html", method="HEAD", response_bytes=0)
                self.assert_call(found[3], "/index.html", method="POST", request_bytes=3000)
            self.assertEqual(found[0]["http.request.header.host"], [f"127.0.0.1:{server.port}"])

    def test_an_upgrade_is_one_record_and_what_follows_it_others(self):
        with Nghttpd() as server, Nghttpx(server) as proxy, self.observe(proxy.port) as observer:
            server.file("large", 200_000)
            self.curl("--http2", "-o", "/dev/null", proxy.url("/index.html?by=curl"), "-o", "/dev/null", proxy.url("/missing"))
            nghttp(proxy.url("/large?by=nghttp"), "--upgrade")
            for found in self.seen(observer, 3):
                self.assert_call(found[0], "/index.html", query="by=curl", response_bytes=612, version="2")
                self.assert_call(found[1], "/missing", status=404, version="2")
                self.assert_call(found[2], "/large", query="by=nghttp", response_bytes=200_000, version="2")

    def test_nghttp_with_several_streams_padding_continuation_and_priorities(self):
        with Nghttpd() as server, self.observe(server.port) as observer:
            nghttp(server.url(), "--multiply=20", "--padding=50", "--continuation", "--weight=3")
            for found in self.seen(observer, 20):
                self.assertEqual(told(found), {("GET", "/index.html", 200, 612, True): 20})
                self.assertEqual({tuple(r["partial_reasons"]) for r in found}, {("headers",)}, "it sends headers without end")

    def test_nginx_without_tls(self):
        port = places.free_port()
        with Nginx(locations=f"listen 127.0.0.1:{port} http2;") as nginx, self.observe(port) as observer:
            nginx.file("file", 20_000)
            for streams in (1, 10, 100):
                h2load(f"http://127.0.0.1:{port}/file/file", 200, streams)
            self.curl("--http2-prior-knowledge", f"http://127.0.0.1:{port}/status/404")
            servers, clients = self.seen(observer, 601)
            for found in (servers, clients):
                self.assertEqual(told(found)[("GET", "/file/file", 200, 20_000, False)], 600)
                self.assert_call(found[-1], "/status/404", status=404)
            self.assertEqual({r.process for r in servers}, {"nginx"})

    def test_node_with_trailers_interim_responses_and_resets(self):
        with node_http2_server() as server, self.observe(server.port) as observer:
            with Talker("http2_client.js", server.port) as client:
                client.ask(100, "GET", "/plain?x=1", 0)
                client.ask(30, "POST", "/trailers", 5000)
                client.ask(10, "GET", "/missing", 0)
                client.ask(10, "GET", "/large", 0)
                client.ask(10, "GET", "/reset", 0)
            for found in self.seen(observer, 160):
                self.assertEqual(told(found), {
                    ("GET", "/plain", 200, 2, False): 100, ("POST", "/trailers", 200, 13, False): 30,
                    ("GET", "/missing", 404, 0, False): 10, ("GET", "/large", 200, 300_000, False): 10,
                    ("GET", "/reset", None, 0, False): 10})
                self.assertEqual({r.get("error.type") for r in found if r.path == "/reset"}, {"ENHANCE_YOUR_CALM"})
                self.assertEqual({r.request_bytes for r in found if r.path == "/trailers"}, {5000})

    def test_an_agent_that_joins_late_tells_what_is_certain(self):
        with node_http2_server() as server, Talker("http2_client.js", server.port) as client:
            client.ask(5, "GET", "/plain?before", 0, "x-old", "old")
            with self.observe(server.port) as observer:
                client.ask(5, "GET", "/plain?first", 0, "x-new", "new")
                client.ask(5, "GET", "/missing", 0, "x-new", "new")
                client.ask(5, "POST", "/trailers", 100, "x-old", "old")
                for found in self.seen(observer, 15):
                    for record in found:
                        expected = {"/plain": ("GET", 200), "/missing": ("GET", 404), "/trailers": ("POST", 200)}
                        if record.path is not None:
                            self.assertIn(record.method, (expected[record.path][0], None))
                            self.assertIn(record.status, (expected[record.path][1], None))
                        self.assertIn(record.get("http.request.header.x-old"), (None, ["old"]))
                        self.assertIn(record.get("http.request.header.x-new"), (None, ["new"]))
                        if record.path is None or record.status is None:
                            self.assertIn("context", record["partial_reasons"])
                    self.assertTrue(any(r.path == "/missing" and r.status == 404 for r in found), found)
                    self.assertGreaterEqual(sum("http.request.header.x-new" in r for r in found), 9)

    def test_secrets_in_headers_and_queries_are_redacted(self):
        with node_http2_server() as server, self.observe(server.port) as observer:
            self.curl("--http2-prior-knowledge", "-H", f"Authorization: Bearer {SECRET}", "-H", f"Cookie: id={SECRET}", "-H",
                      f"X-API-Key: {SECRET}", server.url(f"/x?token={SECRET}&a=1"), "--data-binary", f"card={SECRET}")
            for found in self.seen(observer, 1):
                self.assertEqual(found[0]["http.request.header.authorization"], ["[redacted]"])
                self.assertEqual(found[0]["http.response.header.set-cookie"], ["[redacted]"])
                self.assertIn("a=1", found[0].query)
            self.assertNotIn(SECRET, observer.child.stdout.text() + observer.child.stderr.text())

    def test_no_secret_outlives_its_request_in_the_agents_memory(self):
        with node_http2_server() as server, Agent(self.rung, ports=f"[{server.port}]") as agent:
            with Talker("http2_client.js", server.port) as client:
                for name in ("authorization", "cookie", "x-api-key"):
                    client.ask(20, "POST", f"/x?token={SECRET}", 100, name, f"{SECRET}-{name}")
                until(lambda: agent.calls() >= 120, "every call has been told of")
                self.assertEqual(core.find(agent.child.pid, SECRET.encode()), [], "while the connection is open")


class Http2Replay(Case):
    def test_a_capture_of_interleaved_streams_has_the_live_records(self):
        with Nghttpd() as server, self.observe(server.port) as observer:
            with Capture("lo", f"tcp port {server.port}") as capture:
                h2load(server.url("/index.html?r=1"), 500, 20)
                self.curl("--http2-prior-knowledge", "-o", "/dev/null", server.url(), "--data-binary", "marker-of-the-end")
                observer.wait(501, "server")
                capture.wait_for(b"marker-of-the-end")
                capture.stop()
                replayed = replay(capture.path, server.port)
            self.assertEqual(told(replayed), told(observer.records("server")))
            self.assertEqual(collections.Counter(r.query for r in replayed), {"r=1": 500, None: 1})

    def test_a_recording_of_a_hundred_streams_at_once_has_the_live_records(self):
        with places.scratch() as directory, Nghttpd() as server:
            path = pathlib.Path(directory) / "recording"
            argv = [places.binary(), "record", "--config", alone(), path]
            with self.observe(server.port) as observer, Child(argv, name="subfloor record") as child:
                child.wait_for_line("recording to")
                h2load(server.url("/index.html?r=1"), 1000, 100)
                observer.wait(1000, "server")
                observer.wait(1000, "client")
                self.assertEqual(child.stop(signal.SIGINT), 0, child.output())
            replayed = replay(path, server.port)
            for kind in ("server", "client"):
                again = [r for r in replayed if r.kind == kind]
                self.assertEqual(told(again), told(observer.records(kind)))
                self.assertEqual(told(again), {("GET", "/index.html", 200, 612, False): 1000})


def grpc_told(found):
    return collections.Counter(
        (r["rpc.method"], r.get("rpc.response.status_code"), r.get("error.type"), r.get("grpc.request.messages"),
         r.get("grpc.response.messages"), r.partial) for r in found)


@on_every_rung
class Grpc:
    def test_grpc_js_unary_and_streaming(self):
        with node_grpc_server() as server, self.observe(server.port) as observer:
            with Talker("grpc_client.js", server.port) as client:
                for count in (1, 10, 100):
                    self.assertEqual(client.ask(count, "Unary", 1, "hello"), ["0"])
                self.assertEqual(client.ask(10, "Upload", 7, "abc"), ["0"])
                self.assertEqual(client.ask(10, "Download", 1, "12345"), ["0"])
                self.assertEqual(client.ask(10, "Chat", 4, "x" * 2000), ["0"])
                self.assertEqual(client.ask(5, "Fail", 1, "5"), ["5"])
                self.assertEqual(client.ask(5, "Fail", 1, "13"), ["13"])
                self.assertEqual(client.ask(3, "Nowhere", 1, "x"), ["12"])
            servers, clients = self.seen(observer, 154)
            for found, not_found in ((servers, None), (clients, "NOT_FOUND")):
                self.assertEqual({r["protocol"] for r in found}, {"grpc"})
                self.assertEqual({r["rpc.system.name"] for r in found}, {"grpc"})
                counts = grpc_told(found)
                self.assertEqual(counts[("test.Echo/Unary", "OK", None, 1, 1, False)], 111)
                self.assertEqual(counts[("test.Echo/Upload", "OK", None, 7, 1, False)], 10)
                self.assertEqual(counts[("test.Echo/Download", "OK", None, 1, 5, False)], 10)
                self.assertEqual(counts[("test.Echo/Chat", "OK", None, 4, 4, False)], 10)
                self.assertEqual(counts[("test.Echo/Fail", "NOT_FOUND", not_found, 1, 0, False)], 5)
                self.assertEqual(counts[("test.Echo/Fail", "INTERNAL", "INTERNAL", 1, 0, False)], 5)
                self.assertEqual(sum(n for key, n in counts.items() if key[:3] == (
                    "test.Echo/Nowhere", "UNIMPLEMENTED", "UNIMPLEMENTED")), 3)
            self.assertNotIn(SECRET, observer.child.stdout.text())

    def test_a_cancelled_call_has_no_status(self):
        with node_grpc_server() as server, self.observe(server.port) as observer:
            with Talker("grpc_client.js", server.port) as client:
                self.assertEqual(client.ask(1, "Chat", 1, "x", "cancel"), ["1"])
                self.assertEqual(client.ask(1, "Unary", 1, "x"), ["0"])
            servers, clients = self.seen(observer, 2)
            self.assertEqual([(r.get("rpc.response.status_code"), r.get("error.type")) for r in clients],
                             [(None, "CANCEL"), ("OK", None)])
            # Its server may have answered in full before it heard of that, but is to blame for nothing.
            self.assertEqual([r.get("error.type") for r in servers], [None, None])
            self.assertEqual(servers[0].partial, "rpc.response.status_code" not in servers[0])

    def test_an_agent_that_joins_late_tells_method_and_status_where_they_are_certain(self):
        with node_grpc_server() as server, Talker("grpc_client.js", server.port) as client:
            client.ask(3, "Unary", 1, "x")
            with self.observe(server.port) as observer:
                client.ask(5, "Unary", 1, "x")
                client.ask(5, "Fail", 1, "5")
                until(lambda: len(observer.records()) >= 20, lambda: f"20 records: {observer.records()}")
                for record in observer.records():
                    if record["protocol"] != "grpc":
                        self.assertIn("context", record["partial_reasons"])
                        continue
                    method, status = record.get("rpc.method"), record.get("rpc.response.status_code")
                    self.assertIn(method, ("test.Echo/Unary", "test.Echo/Fail", None))
                    self.assertIn(status, ("OK", "NOT_FOUND", None))
                    if method and status:
                        self.assertEqual(method == "test.Echo/Fail", status == "NOT_FOUND")
                    if not method or not status:
                        self.assertIn("context", record["partial_reasons"])

    @unittest.skipUnless(grpc_talk(), "grpc_talk was not built: libgrpc++-dev is missing")
    def test_cpp_unary_and_streaming(self):
        with cpp_grpc_server() as server, self.observe(server.port) as observer:
            for count in (1, 10, 100):
                self.assertEqual(cpp_grpc_calls(server.port, count, "Unary", 1, "hello"), ["0"])
            self.assertEqual(cpp_grpc_calls(server.port, 10, "Chat", 20, "y" * 3000), ["0"])
            self.assertEqual(cpp_grpc_calls(server.port, 5, "Fail", 1, "14"), ["14"])
            for found in self.seen(observer, 126):
                counts = grpc_told(found)
                self.assertEqual(counts[("test.Echo/Unary", "OK", None, 1, 1, False)], 111, counts)
                self.assertEqual(counts[("test.Echo/Chat", "OK", None, 20, 20, False)], 10, counts)
                self.assertEqual(counts[("test.Echo/Fail", "UNAVAILABLE", "UNAVAILABLE", 1, 0, False)], 5, counts)

    @unittest.skipUnless(grpc_talk(), "grpc_talk was not built: libgrpc++-dev is missing")
    def test_node_calls_cpp(self):
        with cpp_grpc_server() as server, self.observe(server.port) as observer:
            with Talker("grpc_client.js", server.port) as client:
                self.assertEqual(client.ask(50, "Chat", 3, "abc"), ["0"])
            for found in self.seen(observer, 50):
                self.assertEqual(grpc_told(found), {("test.Echo/Chat", "OK", None, 3, 3, False): 50})


class GrpcMetrics(Case):
    def test_both_conventions_have_durations(self):
        for convention, name, label in (("default", "grpc_server_request_duration_milliseconds_count", "operation"),
                                        ("otel", "rpc_server_call_duration_seconds_count", "rpc_method")):
            with node_grpc_server() as server, Agent(more=f"metrics:\n  convention: {convention}\n") as agent:
                with Talker("grpc_client.js", server.port) as client:
                    client.ask(10, "Unary", 1, "x")
                    client.ask(3, "Fail", 1, "13")

                def count(operation):
                    return sum(value for metric, labels, value in agent.metrics()
                               if metric == name and labels.get(label) == operation)
                until(lambda: count("test.Echo/Unary") == 10 and count("test.Echo/Fail") == 3, lambda: str(agent.metrics()))


class ForwardedFor(Case):
    def test_the_client_behind_proxies_is_told_where_asked_for(self):
        with places.scratch() as directory:
            config = pathlib.Path(directory) / "subfloor.yaml"
            config.write_text('capture:\n  forwarded_for: true\napi:\n  socket: ""\n')
            with Nghttpd() as server, Nginx() as nginx:
                for port, url, flag in ((server.port, server.url(), "--http2-prior-knowledge"),
                                        (nginx.port, nginx.url(), "--http1.1")):
                    with self.observe(port, config=config) as observer:
                        self.curl(flag, "-o", "/dev/null", "-H", "X-Forwarded-For: 203.0.113.9, 10.0.0.1", url)
                        servers, clients = self.seen(observer, 1)
                        self.assertEqual(servers[0].get("client.address"), "203.0.113.9")
                        self.assertIsNone(clients[0].get("client.address"))
