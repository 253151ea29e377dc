# SPDX-License-Identifier: Apache-2.0
"""Spans and metrics at a collector, over both transports; and what happens where there is none."""

import os
import signal
import time
import unittest

from e2e.case import Case
from support import collector, places
from support.collector import Collector
from support.nginx import Nginx
from support.subfloor import Agent, run
from support.waiting import until

# A minute where someone asks for it: SUBFLOOR_OUTAGE=60.
OUTAGE = float(os.environ.get("SUBFLOOR_OUTAGE", "5"))


def config(endpoint, protocol, interval="500ms", more="", metrics=""):
    return f"""\
telemetry: {{window: 500ms}}
otlp:
  endpoint: {endpoint}
  protocol: {protocol}
  flush_timeout: 3s
  retry: {{initial: 200ms, longest: 1s}}
  metrics: {{interval: {interval}{metrics}}}
{more}
"""


@unittest.skipUnless(collector.available(), "the build has no OTLP")
class Otlp(Case):
    def test_spans_and_metrics_over_grpc(self):
        self.deliver("grpc", "  compression: gzip\n  headers: {api-key: k1}\n")

    def test_spans_and_metrics_over_http(self):
        self.deliver("http/protobuf", "  compression: gzip\n  headers: {api-key: k1}\n")

    def deliver(self, protocol, otlp):
        with Nginx() as nginx, Collector() as there, \
                Agent(ports=f"[{nginx.port}]", more=config(there.endpoint(protocol), protocol, more=otlp)) as agent:
            trace = "0af7651916cd43dd8448eb211c80319c"
            self.curl("-H", f"traceparent: 00-{trace}-b7ad6b7169203331-01", "-H", "tracestate: v=1",
                      nginx.url("/traced?token=secret"))
            span = there.wait(lambda: there.spans(path="/traced", kind="SPAN_KIND_SERVER"), "a span")[0]
            client = there.wait(lambda: there.spans(path="/traced", kind="SPAN_KIND_CLIENT"), "the client's")[0]
            # Both ends are of this host: the server's call is the child of the client's.
            self.assertEqual((client.trace_id, client.parent_span_id), (trace, "b7ad6b7169203331"))
            self.assertEqual(span.parent_span_id, client.span_id)
            self.check_span(span, trace, nginx, agent)
            self.assertEqual(client.resource["service.name"], "curl")
            self.assertTrue(client.attributes["url.full"].endswith(f":{nginx.port}/traced"), client.attributes)
            wanted = {"service": "nginx", "method": "GET", "status_code": "200"}
            there.wait(lambda: any(p[2].get("exemplars") for p in
                                   there.points("http.server.request.duration", **wanted)), "an exemplar")
            self.check_metrics(there, wanted, trace, span)
            request = there.requests("traces")[0]
            self.assertEqual(request["transport"], "grpc" if protocol == "grpc" else "http")
            self.assertEqual(request["headers"]["api-key"], "k1")
            self.assertNotIn("secret", str(there.requests()))
            exporter = agent.status()["exporters"]["otlp_traces"]
            self.assertGreaterEqual(exporter["sent"], 2)
            self.assertEqual(exporter["dropped"], {})
            names = {(name, labels.get("exporter")) for name, labels, _ in agent.metrics()}
            self.assertIn(("subfloor_exporter_sent_total", "otlp_traces"), names)

    def check_span(self, span, trace, nginx, agent):
        self.assertEqual((span.name, span.trace_id), ("GET", trace))
        self.assertEqual(len(span.span_id), 16)
        self.assertEqual(span.raw["trace_state"], "v=1")
        self.assertEqual(span.raw["flags"], 0x301)
        self.assertFalse(span.error)
        self.assertLess(abs(time.time() - span.end / 1e9), 60)
        self.assertGreater(span.end, span.start)
        for key, value in {"http.request.method": "GET", "http.response.status_code": 200, "url.scheme": "http",
                           "server.address": "127.0.0.1", "server.port": nginx.port, "subfloor.count": 1,
                           "network.peer.address": "127.0.0.1", "network.protocol.version": "1.1"}.items():
            self.assertEqual(span.attributes[key], value, key)
        self.assertEqual(sum(map(int, span.attributes["subfloor.duration.bucket_counts"])), 1)
        self.assertEqual(span.scope["name"], "subfloor")
        self.assertEqual(span.resource["service.name"], "nginx")
        self.assertEqual(span.resource["process.executable.name"], "nginx")
        self.assertEqual(span.resource["telemetry.distro.name"], "subfloor")
        self.assertIn("host.name", span.resource)
        self.assertNotEqual(span.resource["process.pid"], agent.pid)

    def check_metrics(self, there, wanted, trace, span):
        resource, _, point, metric = next(p for p in there.points("http.server.request.duration", **wanted)
                                          if p[2].get("exemplars"))
        self.assertEqual(resource["service.name"], "nginx")
        self.assertEqual(metric["unit"], "ms")
        self.assertEqual(metric["histogram"]["aggregation_temporality"], "AGGREGATION_TEMPORALITY_CUMULATIVE")
        self.assertEqual(point["explicit_bounds"], [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000])
        self.assertEqual(sum(map(int, point["bucket_counts"])), int(point["count"]))
        self.assertLess(int(point["start_time_unix_nano"]), int(point["time_unix_nano"]))
        exemplar = point["exemplars"][0]
        self.assertEqual(collector.base64.b64decode(exemplar["trace_id"]).hex(), trace)
        self.assertEqual(collector.base64.b64decode(exemplar["span_id"]).hex(), span.span_id)
        self.assertAlmostEqual(exemplar["as_double"], (span.end - span.start) / 1e6, places=5)
        resource, _, _, metric = there.points("subfloor.records")[0]
        self.assertEqual(resource["service.name"], "subfloor")
        self.assertTrue(metric["sum"]["is_monotonic"])

    def test_a_collector_stopped_for_a_while_over_grpc(self):
        self.outage("grpc")

    def test_a_collector_stopped_for_a_while_over_http(self):
        self.outage("http/protobuf")

    def outage(self, protocol):
        """Everything asked for before, during and after the outage arrives; the last metrics agree."""
        with Nginx() as nginx, Collector() as there, \
                Agent(ports=f"[{nginx.port}]", more=config(there.endpoint(protocol), protocol)) as agent:
            asked = 0

            def ask():
                nonlocal asked
                self.curl(nginx.url("/steady"))
                asked += 1

            def arrived():
                return sum(s.count for s in there.spans(path="/steady", kind="SPAN_KIND_SERVER"))
            ask()
            there.wait(lambda: arrived() == asked, "the first span")
            there.stop()
            end = time.monotonic() + OUTAGE
            while time.monotonic() < end:
                ask()
                time.sleep(0.1)
            during = agent.status()["exporters"]["otlp_traces"]
            self.assertGreater(during["failed"], 0, during)
            self.assertTrue(agent.ready())
            there.start()
            ask()
            there.wait(lambda: arrived() == asked, lambda: f"all of {asked}, not {arrived()}", 40)
            there.wait(lambda: there.points("http.server.request.duration", service="nginx") and
                       int(there.points("http.server.request.duration", service="nginx")[-1][2]["count"]) == asked,
                       "the metrics", 40)
            status = agent.status()["exporters"]
            self.assertEqual(status["otlp_traces"]["dropped"], {}, status)
            print(f"{protocol}: {asked} requests over an outage of {OUTAGE:g} s; {status['otlp_traces']}")

    def test_what_a_full_queue_drops_is_counted(self):
        nowhere = f"http://127.0.0.1:{places.free_port()}"
        more = config(nowhere, "http/protobuf", more="  queue: 64KiB\n").replace("window: 500ms", "window: 100ms")
        with Nginx() as nginx, Agent(ports=f"[{nginx.port}]", more=more) as agent:
            number = 0

            def dropped():
                nonlocal number
                for _ in range(20):
                    self.curl(*[nginx.url(f"/n{number + i}") for i in range(10)])
                    number += 10
                return agent.status()["exporters"]["otlp_traces"]["dropped"].get("queue_full", 0)
            until(dropped, "something is dropped", 60)

            def accounted():
                exporter = agent.status()["exporters"]["otlp_traces"]
                return exporter["sent"] + exporter["queued"] + sum(exporter["dropped"].values())
            # Each path is a group of its own, at nginx and at curl; who else uses unix sockets here adds to it.
            until(lambda: accounted() >= 2 * number, lambda: f"{2 * number} spans, not {accounted()}")
            samples = {labels["cause"]: value for name, labels, value in agent.metrics()
                       if name == "subfloor_exporter_dropped_total" and labels["exporter"] == "otlp_traces"}
            self.assertGreater(samples["queue_full"], 0)
            started = time.monotonic()
            self.assertEqual(agent.stop(), 0)
            self.assertLess(time.monotonic() - started, 10, "the end is bounded")
            self.assertIn("not delivered at the end", agent.child.stderr.text())

    def test_what_a_collector_rejects_is_counted(self):
        with Nginx() as nginx, Collector(rejected=1) as there, \
                Agent(ports=f"[{nginx.port}]", more=config(there.endpoint("grpc"), "grpc")) as agent:
            self.curl(nginx.url("/x"))
            until(lambda: agent.status()["exporters"]["otlp_traces"]["dropped"].get("rejected"),
                  lambda: str(agent.status()["exporters"]))

    def test_the_last_window_is_delivered_at_the_end(self):
        with Nginx() as nginx, Collector() as there:
            long = config(there.endpoint("grpc"), "grpc", interval="1h").replace("window: 500ms", "window: 1h")
            with Agent(ports=f"[{nginx.port}]", more=long) as agent:
                self.curl(nginx.url("/last"))
                until(lambda: any(name.startswith("http_server_request_duration") for name, _, _ in agent.metrics()),
                      "it was counted")
                self.assertEqual(there.spans(path="/last"), [])
                self.assertEqual(agent.stop(signal.SIGTERM), 0)
            there.wait(lambda: there.spans(path="/last"), "the last window")
            there.wait(lambda: there.points("http.server.request.duration", service="nginx"), "the last metrics")

    def test_without_aggregation_every_request_is_a_span(self):
        with Nginx() as nginx, Collector() as there:
            more = config(there.endpoint("grpc"), "grpc").replace("telemetry: {", "telemetry: {aggregation: off, ")
            with Agent(ports=f"[{nginx.port}]", more=more):
                self.curl(*[nginx.url("/each?page=2")] * 5)
                spans = there.wait(lambda: len(there.spans(path="/each", kind="SPAN_KIND_SERVER")) == 5 and
                                   there.spans(path="/each", kind="SPAN_KIND_SERVER"), "five spans")
                self.assertEqual(len({span.span_id for span in spans}), 5)
                self.assertEqual(spans[0].attributes["url.query"], "page=2")
                self.assertNotIn("subfloor.count", spans[0].attributes)

    def test_delta_temporality_adds_up(self):
        with Nginx() as nginx, Collector() as there:
            more = config(there.endpoint("grpc"), "grpc", metrics=", temporality: delta")
            with Agent(ports=f"[{nginx.port}]", more=more):
                def counted():
                    return sum(int(p[2]["count"]) for p in
                               there.points("http.server.request.duration", service="nginx"))
                for n in range(1, 4):
                    self.curl(nginx.url("/d"))
                    there.wait(lambda wanted=n: counted() == wanted, f"{n} in all deltas together")

    def test_a_dump_and_a_status_hold_no_secret(self):
        with Agent(more=config("http://127.0.0.1:1", "grpc", more="  headers: {api-key: hunter2}\n")) as agent:
            until(lambda: agent.status()["exporters"]["otlp_metrics"].get("last_error"), "it tried")
            dump = run("config", "dump", agent.config).stdout
            self.assertIn("api-key", dump)
            for text in (dump, str(agent.status()), run("status", "--config", agent.config).stdout,
                         agent.get("/metrics")[1], agent.child.stderr.text()):
                self.assertNotIn("hunter2", text)
