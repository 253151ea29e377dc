# SPDX-License-Identifier: Apache-2.0
"""Kafka: what the agent tells is what the broker served, call by call."""

import collections


def subject(record):
    return (record.get("messaging.operation.name"), record.get("messaging.destination.name"),
            record.get("messaging.destination.partition.id"), record.get("messaging.consumer.group.name"),
            record.get("messaging.client.id"), record.get("kafka.api.version"))


def outcome(record):
    return record.get("status_code"), record.get("error.type") is not None


def expected_subject(served):
    topics = served["topics"]
    partitions = topics[0][1] if len(topics) == 1 else []
    return (served["api"], topics[0][0] if len(topics) == 1 else None,
            str(partitions[0]) if len(partitions) == 1 else None, served["group"], served["client"], served["version"])


def expected_outcome(served):
    return (served["error"], served["error"] != 0) if served["answered"] else (None, False)


class Served:
    def observe(self, port):
        """Of that port only: what else happens on this host is none of the test's business."""
        return super().observe(port, arguments=("--ports", port))

    def assert_served(self, broker, observer, at_least=1):
        """As many records of either kind as the broker served requests, of the same things with the same outcomes.

        Where an end of the connection left before the answer, its record has no outcome, and the client may have asked more
        than the broker served. Returns the server's records.
        """
        served = broker.served()
        self.assertGreaterEqual(len(served), at_least, broker.complaints())
        for kind in ("server", "client"):
            observer.wait(len(served), kind, 20)
        self.assertEqual(observer.stop(), 0, observer.child.stderr.text())
        for kind in ("server", "client"):
            records = observer.records(kind)
            found = collections.Counter(map(subject, records))
            unanswered = collections.Counter(subject(r) for r in records if r.partial)
            wanted = collections.Counter(map(expected_subject, served))
            self.assertEqual(wanted - found, collections.Counter(), kind)
            self.assertEqual(found - wanted - unanswered, collections.Counter(), kind)
            known = collections.Counter((subject(r), outcome(r)) for r in records if not r.partial)
            wanted = collections.Counter((expected_subject(s), expected_outcome(s)) for s in served)
            self.assertEqual(known - wanted, collections.Counter(), kind)
            for record in records:
                self.assertIn(record.get("partial_reasons"), (None, ["no_response"]), record)
                self.assertEqual(record["network.protocol.name"], "kafka")
                self.assertEqual(record["messaging.system"], "kafka")
        return observer.records("server")

    def assert_all_whole(self, records):
        self.assertEqual([r for r in records if r.partial], [])
