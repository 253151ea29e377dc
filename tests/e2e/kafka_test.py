# SPDX-License-Identifier: Apache-2.0
"""Kafka: real clients, many requests at once, connections that are older than the agent."""

import collections
import concurrent.futures

from e2e.case import on_every_rung
from e2e.kafka_case import Served
from support.kafka import KafkaBroker, KafkaClient, batch, kafkajs, kcat
from support.waiting import until


@on_every_rung
class Clients(Served):
    def test_kcat_produces_and_consumes(self):
        with KafkaBroker("orders=1") as broker, self.observe(broker.port) as observer:
            done = kcat(broker, "-P", "-t", "orders", "-p", 0, data="one\ntwo\nthree\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            done = kcat(broker, "-C", "-t", "orders", "-p", 0, "-o", "beginning", "-e")
            self.assertEqual(done.stdout, "one\ntwo\nthree\n", done.stderr)
            records = self.assert_served(broker, observer, 6)
            self.assertTrue({"ApiVersions", "Metadata", "Produce", "ListOffsets", "Fetch"} <=
                            {r["messaging.operation.name"] for r in records})

    def test_a_consumer_group_of_two(self):
        with KafkaBroker("shared=4") as broker, self.observe(broker.port) as observer:
            kcat(broker, "-P", "-t", "shared", data="".join(f"{i}\n" for i in range(40)))
            arguments = ("-G", "readers", "-X", "auto.offset.reset=earliest", "-e", "shared")
            with concurrent.futures.ThreadPoolExecutor(2) as pool:
                texts = [done.stdout for done in pool.map(lambda _: kcat(broker, *arguments), range(2))]
            self.assertEqual(sorted("".join(texts).split(), key=int), [str(i) for i in range(40)])
            records = self.assert_served(broker, observer, 10)
            groups = collections.Counter(r["messaging.operation.name"] for r in records
                                         if r.get("messaging.consumer.group.name") == "readers")
            for api in ("FindCoordinator", "JoinGroup", "SyncGroup", "OffsetFetch", "OffsetCommit", "LeaveGroup"):
                self.assertGreater(groups[api], 0, groups)
            errors = {r["error.type"] for r in records
                      if r["messaging.operation.name"] == "JoinGroup" and "error.type" in r}
            self.assertEqual(errors, {"MEMBER_ID_REQUIRED"})

    def test_kafkajs(self):
        with KafkaBroker(moved=["moved"]) as broker, self.observe(broker.port) as observer:
            said = kafkajs(broker, "shop", [["create", "js"], ["create", "moved"], ["produce", "js", 5, -1],
                                            ["produce", "js", 5, 1], ["produce", "js", 5, 0], ["fail", "moved"],
                                            ["consume", "js", "readers", 15]])
            self.assertEqual(said, ["failed with KafkaJSNumberOfRetriesExceeded", "done"])
            records = self.assert_served(broker, observer, 30)
            produced = [r for r in records if r["messaging.operation.name"] == "Produce"]
            found = collections.Counter((r["messaging.destination.name"], r["kafka.acks"], r.get("status_code"),
                                         r.get("error.type")) for r in produced)
            self.assertEqual(found,
                             {("js", -1, 0, None): 5, ("js", 1, 0, None): 5, ("js", 0, None, None): 5,
                              ("moved", 1, 6, "NOT_LEADER_OR_FOLLOWER"): 1})
            self.assertEqual({r["messaging.operation.type"] for r in produced}, {"send"})

    def test_kcat_with_many_requests_in_flight(self):
        with KafkaBroker("orders=1") as broker, self.observe(broker.port) as observer:
            for acks in (0, 1, "all"):
                settings = ("linger.ms=0", "batch.num.messages=1", "max.in.flight=100", f"acks={acks}")
                done = kcat(broker, "-P", "-t", "orders", "-p", 0, *(part for each in settings for part in ("-X", each)),
                            data="".join(f"{i}\n" for i in range(300)))
                self.assertEqual(done.returncode, 0, done.stderr)
            records = self.assert_served(broker, observer, 900)
            produced = collections.Counter((r["kafka.acks"], r.get("status_code")) for r in records
                                           if r["messaging.operation.name"] == "Produce")
            self.assertEqual(produced, {(0, None): 300, (1, 0): 300, (-1, 0): 300})
            self.assert_all_whole(records)

    def test_an_unknown_topic(self):
        with KafkaBroker("orders=1") as broker, self.observe(broker.port) as observer:
            done = kcat(broker, "-P", "-t", "nowhere", "-X", "message.timeout.ms=500", data="x\n")
            self.assertNotEqual(done.returncode, 0)
            records = self.assert_served(broker, observer, 2)
            self.assertEqual({(r["messaging.destination.name"], r["error.type"], r["status_code"]) for r in records
                              if "error.type" in r}, {("nowhere", "UNKNOWN_TOPIC_OR_PARTITION", 3)})


@on_every_rung
class Counts(Served):
    def exchange(self, broker, number, requests, depth):
        """Sends so many requests, `depth` of them before their answers are read."""
        with KafkaClient(broker, f"client-{number}") as client:
            for i in range(0, requests, depth):
                for j in range(i, min(i + depth, requests)):
                    topic = ("orders", "moved", "nowhere")[j % 3]
                    client.send(client.produce(topic, j % 2) if j % 4 else client.fetch(topic, j % 2, wait=0))
                answers = [client.receive()[0] for _ in range(i, min(i + depth, requests))]
                self.assertEqual(answers, list(range(i + 1, i + 1 + len(answers))))

    def count(self, connections, depth):
        requests = 2 * depth if depth > 1 else 20
        with KafkaBroker("orders=2", "moved=2", moved=["moved"]) as broker, self.observe(broker.port) as observer:
            with concurrent.futures.ThreadPoolExecutor(connections) as pool:
                list(pool.map(lambda number: self.exchange(broker, number, requests, depth), range(connections)))
            records = self.assert_served(broker, observer, connections * requests)
            self.assertEqual(len(records), connections * requests)
            self.assert_all_whole(records)

    def test_one_at_a_time(self):
        self.count(1, 1)

    def test_ten_in_flight(self):
        self.count(1, 10)

    def test_a_hundred_in_flight(self):
        self.count(1, 100)

    def test_ten_connections(self):
        self.count(10, 1)

    def test_a_hundred_connections(self):
        self.count(100, 1)

    def test_ten_connections_with_ten_in_flight(self):
        self.count(10, 10)

    def test_large_records_are_skipped_and_their_calls_are_whole(self):
        with KafkaBroker("orders=2") as broker, self.observe(broker.port) as observer:
            with KafkaClient(broker) as client:
                for size in (1000, 10_000, 100_000, 3_000_000):
                    client.ask(client.produce("orders", 1, records=batch(b"v" * size)))
                for offset in range(4):
                    client.ask(client.fetch("orders", 1, offset))
            records = self.assert_served(broker, observer, 8)
            self.assertEqual(len(records), 8)
            self.assert_all_whole(records)
            self.assertGreater(max(r["request.size"] for r in records), 3_000_000)
            self.assertGreater(max(r["response.size"] for r in records), 3_000_000)

    def test_topic_ids_are_resolved_through_metadata(self):
        with KafkaBroker("orders=1", "moved=1", moved=["moved"]) as broker, self.observe(broker.port) as observer:
            with KafkaClient(broker) as client:
                ids = {topic: client.topic_id(topic) for topic in ("orders", "moved")}
                for topic in ("orders", "moved", "orders"):
                    client.ask(client.produce(ids[topic], version=13))
                    client.ask(client.fetch(ids[topic], version=17))
            records = self.assert_served(broker, observer, 8)
            self.assertEqual(len(records), 8)
            self.assertEqual([r["messaging.destination.name"] for r in records],
                             ["orders", "moved", "orders", "orders", "moved", "moved", "orders", "orders"])


@on_every_rung
class Late(Served):
    def test_on_connections_that_are_older(self):
        with KafkaBroker("orders=1", "moved=1", moved=["moved"]) as broker:
            clients = [KafkaClient(broker, f"client-{i}") for i in range(10)]
            ids = [client.topic_id("orders") for client in clients]
            for client in clients:
                client.ask(client.produce("orders"))
            with self.observe(broker.port) as observer:
                for client, id in zip(clients, ids):
                    client.ask(client.produce("orders"))
                    client.ask(client.produce("moved"))
                    client.ask(client.fetch("orders"))
                    client.ask(client.produce(id, version=13))
                for client in clients:
                    client.socket.close()
                def found(kind):
                    return collections.Counter((r["messaging.operation.name"], r.get("messaging.destination.name"),
                                                r.get("status_code"), tuple(r.get("partial_reasons", ())))
                                               for r in observer.records(kind))
                first = ("Produce", "orders", 0, ())
                for kind in ("server", "client"):
                    until(lambda: found(kind).total() - found(kind)[first] >= 30, lambda: f"30 calls {kind}: {found(kind)}")
                broker.served()
                self.assertEqual(observer.stop(), 0)
                for kind in ("server", "client"):
                    counts = found(kind)
                    # The broker's threads have waited for these since before there was an agent, within functions whose ends
                    # are not seen where their beginnings were not.
                    missed = 10 if kind == "server" and self.rung in ("fentry", "kprobe") else 0
                    self.assertEqual(counts.pop(first, 0), 10 - missed)
                    self.assertEqual(counts, {("Produce", "moved", 6, ()): 10, ("Fetch", "orders", 0, ()): 10,
                                              ("Produce", None, 0, ("context",)): 10})

    def test_in_the_middle_of_a_message(self):
        with KafkaBroker("orders=1", "bait=1") as broker, KafkaClient(broker) as client:
            bait = KafkaClient(broker, "bait")
            large = client.produce("orders", records=batch(b"".join(bait.produce("bait") for _ in range(5000))))
            client.send(large[:100_000])
            with self.observe(broker.port) as observer:
                for at in range(100_000, len(large), 10_000):
                    client.send(large[at:at + 10_000])
                self.assertEqual(client.receive()[0], 1)
                for _ in range(20):
                    client.ask(client.produce("orders"))
                bait.socket.close()
                client.socket.close()
                # Where the bait was taken, the first request behind it is not found.
                for kind in ("server", "client"):
                    observer.wait(19, kind)
                broker.served()
                self.assertEqual(observer.stop(), 0)
                for kind in ("server", "client"):
                    found = [(r.get("messaging.destination.name"), r.get("status_code"), r.get("messaging.client.id"))
                             for r in observer.records(kind)]
                    self.assertEqual(set(found), {("orders", 0, "wire")})
                    self.assertIn(len(found), (19, 20))
