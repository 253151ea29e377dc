# SPDX-License-Identifier: Apache-2.0
"""Kafka: replay gives what live capture gave, metrics count it, and nothing of messages and passwords gets out."""

import collections
import pathlib

from e2e.case import Case
from e2e.kafka_case import Served, outcome, subject
from e2e.replay_test import replay
from support import places
from support.kafka import KafkaBroker, KafkaClient, batch, kafkajs, kcat
from support.network import Capture
from support.subfloor import Agent
from support.waiting import until

SECRET = "s3cr3t-7d1e"


class Replay(Served, Case):
    def test_a_capture_has_the_live_records(self):
        with KafkaBroker("orders=2", "moved=1", moved=["moved"]) as broker, self.observe(broker.port) as observer:
            with Capture("lo", f"tcp port {broker.port}") as capture:
                kafkajs(broker, "shop", [["produce", "orders", 5, 0], ["produce", "orders", 5, -1], ["fail", "moved"],
                                         ["consume", "orders", "readers", 10]])
                with KafkaClient(broker) as client:
                    client.ask(client.produce("orders", records=batch(b"v" * 300_000)))
                    for i in range(30):
                        client.send(client.produce("orders", i % 2))
                    for _ in range(30):
                        client.receive()
                    client.ask(client.fetch("orders"))
                    client.ask(client.produce("last-of-all"))
                    capture.wait_for(b"last-of-all")
                    self.assert_last_answer_captured(capture, client)
                broker.served()
                capture.stop()
                replayed, said = replay(capture.path)
            live = self.assert_served(broker, observer, 40)
            self.assertNotIn("calls may be missing", said)
            live, replayed = (collections.Counter((subject(r), outcome(r)) for r in each) for each in (live, replayed))
            self.assertEqual(live, replayed)

    def assert_last_answer_captured(self, capture, client):
        client.ask(client.produce("end-of-the-file"))
        capture.wait_for(b"end-of-the-file")
        until(lambda: capture.path.read_bytes().count(b"end-of-the-file") >= 2, "the last answer captured")


class Privacy(Served, Case):
    def test_nothing_of_messages_and_passwords_gets_out(self):
        user = f"alice={SECRET}-password"
        with places.scratch() as directory, KafkaBroker("orders=1", sasl=user) as broker, Agent(
                more="metrics:\n  convention: otel\n") as agent:
            out = pathlib.Path(directory) / "records"
            with agent.observer(broker.port, out=out) as observer:
                login = ("-X", "security.protocol=sasl_plaintext", "-X", "sasl.mechanisms=PLAIN", "-X",
                         "sasl.username=alice", "-X", f"sasl.password={SECRET}-password")
                done = kcat(broker, "-P", "-t", "orders", "-K:", "-H", f"header={SECRET}-header", *login,
                            data=f"{SECRET}-key:{SECRET}-value\n")
                self.assertEqual(done.returncode, 0, done.stderr)
                done = kcat(broker, "-C", "-t", "orders", "-e", *login)
                self.assertEqual(done.stdout, f"{SECRET}-value\n", done.stderr)
                said = kafkajs(broker, "shop", [["produce", "orders", 1, 1]], user)
                self.assertEqual(said, ["done"])
                served = broker.served()
                until(lambda: out.read_text().count("\n") >= 2 * len(served), lambda: out.read_text())
                self.assertEqual(observer.stop(), 0)
            text = out.read_text()
            self.assertIn('"SaslAuthenticate"', text)
            self.assertIn('"Fetch"', text)
            for each in (text, agent.get("/metrics")[1], agent.child.output(), observer.child.stderr.text()):
                self.assertNotIn(SECRET, each)
                self.assertNotIn("alice", each)


class Metrics(Served, Case):
    def served_by(self, more=""):
        with KafkaBroker("orders=1", "moved=1", moved=["moved"]) as broker, Agent(ports=f"[{broker.port}]",
                                                                                  more=more) as agent:
            with KafkaClient(broker) as client:
                for _ in range(7):
                    client.ask(client.produce("orders"))
                client.ask(client.produce("moved"))
                until(lambda: self.count(agent.metrics(), "") >= 16, lambda: agent.get("/metrics")[1])
                return agent.metrics()

    def count(self, metrics, prefix, **labels):
        """Calls whose durations are in the histograms with that prefix and these labels."""
        return sum(value for name, found, value in metrics if name.startswith(prefix) and name.endswith("_count") and
                   "duration" in name and labels.items() <= found.items())

    def test_of_the_default_convention(self):
        metrics = self.served_by()
        for kind in ("server", "client"):
            name = f"kafka_{kind}_request_duration"
            labels = {"operation": "Produce", "target": "orders", "status_code": "0", "kind": kind}
            self.assertEqual(self.count(metrics, name, **labels), 7)
            self.assertEqual(self.count(metrics, name, operation="Produce", target="moved",
                                        error="NOT_LEADER_OR_FOLLOWER"), 1)

    def test_of_opentelemetrys_convention(self):
        metrics = self.served_by("metrics:\n  convention: otel\n")
        self.assertEqual(self.count(metrics, "messaging_client_operation_duration", messaging_system="kafka",
                                    messaging_operation_name="Produce", messaging_operation_type="send",
                                    messaging_destination_name="orders"), 7)
        self.assertEqual(self.count(metrics, "messaging_client_operation_duration",
                                    error_type="NOT_LEADER_OR_FOLLOWER"), 1)
        self.assertEqual(self.count(metrics, "kafka_server_request_duration", messaging_system="kafka"), 8)
