# SPDX-License-Identifier: Apache-2.0
"""Prometheus: a real one scrapes, promtool agrees."""

from e2e.case import Case
from support import places
from support.nginx import Nginx
from support.prometheus import Prometheus, check_metrics
from support.subfloor import Agent
from support.waiting import until
from support.wire import Wire


class Metrics(Case):
    def scrape(self, more=""):
        """The text of /metrics after one request was counted, its connection still open."""
        with Nginx() as nginx, Agent(ports=f"[{nginx.port}]", more=more) as agent:
            with Wire(nginx.port) as wire:
                wire.ask("/counted")
                until(lambda: total(agent, "http_server_request_duration", "_count") >= 1,
                      lambda: agent.get("/metrics")[1])
                return agent.get("/metrics")[1]

    def test_health_and_readiness(self):
        with Agent() as agent:
            self.assertEqual(agent.get("/healthz")[0], 200)
            self.assertEqual(agent.get("/readyz")[0], 200)
            self.assertEqual(agent.get("/nothing")[0], 404)

    def test_promtool_only_remarks_on_the_milliseconds(self):
        code, remarks = check_metrics(self.scrape())
        self.assertIn(code, (0, 3), remarks)
        for line in remarks.splitlines():
            self.assertRegex(line, "(?i)milliseconds|base unit")

    def test_promtool_is_silent_for_the_otel_convention(self):
        self.assertEqual(check_metrics(self.scrape("metrics:\n  convention: otel\n")), (0, ""))

    def test_no_raw_path_is_a_label(self):
        self.assertNotIn("/counted", self.scrape())

    def test_no_connection_is_zero_connections(self):
        with Agent(ports=f"[{places.free_port()}]", more="") as agent:
            connections = [(labels, value) for name, labels, value in agent.metrics() if name == "tcp_connections_active"]
            self.assertEqual(connections, [({}, 0)])

    def test_a_real_prometheus_has_the_series(self):
        with Nginx() as nginx, Agent(ports=f"[{nginx.port}]") as agent, Prometheus(agent.port) as prometheus:
            for _ in range(5):
                self.curl(nginx.url("/counted"))
            names = {name for name, _, _ in agent.metrics()}
            count = next(n for n in names if n.startswith("http_server_request_duration") and n.endswith("_count"))
            result = until(lambda: [r for r in prometheus.query(f"sum by (status_code) ({count})")
                                    if float(r["value"][1]) >= 5],
                           lambda: f"five requests at Prometheus: {prometheus.query(count)}", 30)
            self.assertEqual([r["metric"] for r in result], [{"status_code": "200"}])
            self.assertTrue(prometheus.query("up == 1"))

    def test_the_body_size_and_connection_metrics_are_there(self):
        text = self.scrape()
        for name in ("http_server_request_body_size", "http_server_active_requests", "tcp_connections_active",
                     "http_client_request_duration"):
            self.assertIn(name, text)


def total(agent, prefix, suffix):
    return sum(value for name, _, value in agent.metrics() if name.startswith(prefix) and name.endswith(suffix))
