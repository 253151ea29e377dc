# SPDX-License-Identifier: Apache-2.0
"""Prometheus: a real one scrapes, promtool agrees."""

from e2e.case import Case
from support import places
from support.nginx import Nginx
from support.prometheus import Prometheus, check_metrics
from support.redis import Redis
from support.subfloor import Agent, parse_metrics
from support.waiting import until
from support.wire import Wire


class Metrics(Case):
    def scrape(self, more=""):
        """The text of /metrics after one request, and two Redis commands, were counted, the connection still open."""
        with Nginx() as nginx, Redis() as redis, Agent(ports=f"[{nginx.port}, {redis.port}]", more=more) as agent:
            with Wire(nginx.port) as wire, redis.client() as client:
                wire.ask("/counted/8d2c4f1e")
                client.ask("SET", "secret-key", 1)
                client.ask("LPUSH", "secret-key", 2)
                until(lambda: total(agent, "http_server_request_duration", "_count") >= 1 and
                      total(agent, "redis_server_request_duration", "_count") >= 2 and
                      total(agent, ("redis_client_request_duration", "db_client_operation"), "_count") >= 2,
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

    def test_routes_are_labels_and_raw_paths_are_not(self):
        text = self.scrape()
        self.assertIn('route="/counted/{id}"', text)
        self.assertNotIn("8d2c4f1e", text)
        self.assertNotIn("secret-key", text)

    def test_every_protocol_has_rate_errors_duration_and_active_requests(self):
        samples = parse_metrics(self.scrape())
        for kind in ("server", "client"):
            calls = {labels.get("operation"): (value, labels.get("error")) for name, labels, value in samples
                     if name == f"redis_{kind}_request_duration_milliseconds_count"}
            self.assertEqual(calls["SET"], (1, None))
            self.assertEqual(calls["LPUSH"], (1, "WRONGTYPE"))
            self.assertIn(f"redis_{kind}_active_requests", {name for name, _, _ in samples})

    def test_the_otel_convention_has_the_names_of_databases(self):
        samples = parse_metrics(self.scrape("metrics:\n  convention: otel\n"))
        calls = [labels for name, labels, _ in samples if name == "db_client_operation_duration_seconds_count"]
        self.assertEqual({(labels["db_system_name"], labels["db_operation_name"], labels.get("error_type"))
                          for labels in calls}, {("redis", "SET", None), ("redis", "LPUSH", "WRONGTYPE")})

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
