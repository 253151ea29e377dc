# SPDX-License-Identifier: Apache-2.0
"""Kafka: the broker of kafka_broker.py, kcat and kafkajs, and a client that sends just what it is told."""

import json
import socket
import struct
import subprocess

from . import places
from .child import Child
from .kafka_wire import Reader, Writer, framed, read_message
from .servers import Server
from .waiting import PATIENCE, until


class KafkaBroker(Server):
    def __init__(self, *topics, moved=(), sasl=None):
        argv = [places.python(), "-X", "faulthandler", places.HERE / "kafka_broker.py", "0"]
        argv += [part for topic in topics for part in ("--topic", topic)]
        argv += [part for topic in moved for part in ("--moved", topic)]
        argv += ["--sasl", sasl] if sasl else []
        super().__init__(argv, "kafka broker")

    def _log(self):
        return [json.loads(line) for line in self._child.stdout.since(1)]

    def served(self):
        """What it logged of each request, once every connection has ended."""
        # Connections are accepted in order: once this one is, all are that were there before.
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            address = list(last.getsockname())

        def ended():
            log = self._log()
            opened = [each["from"] for each in log if "opened" in each]
            return address in opened and len(opened) == sum("closed" in each for each in log)
        until(ended, lambda: f"every connection ended: {self._log()[-5:]}", 30)
        return [each for each in self._log() if "api" in each]

    def complaints(self):
        return self._child.stderr.text()


def kcat(broker, *arguments, data=None, seconds=60):
    done = subprocess.run([places.program("kcat"), "-b", f"127.0.0.1:{broker.port}", *map(str, arguments)], input=data,
                          capture_output=True, text=True, timeout=seconds * PATIENCE)
    return done


def kafkajs(broker, client, steps, auth=None):
    """Lines that tests/support/kafka_client.js printed."""
    done = subprocess.run([places.program("node"), places.HERE / "kafka_client.js", str(broker.port), client,
                           json.dumps(steps), *([auth] if auth else [])], capture_output=True, text=True,
                          timeout=60 * PATIENCE)
    if done.returncode != 0:
        raise AssertionError(f"kafkajs: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def batch(value=b"value", key=b"key"):
    """A record batch with one record, without its checksum: nobody here looks at it."""
    def varint(number):
        return Writer().varint(number << 1).data
    body = b"\0" + varint(0) + varint(0) + varint(len(key)) + key + varint(len(value)) + value + varint(0)
    record = varint(len(body)) + body
    head = struct.pack(">ibIhiqqqhii", 0, 2, 0, 0, 0, 0, 0, -1, -1, -1, 1)
    return struct.pack(">qi", 0, len(head) + len(record)) + head + record


class KafkaClient:
    """One connection. Requests are bytes that may be sent whole or in parts."""

    def __init__(self, broker, client="wire"):
        self.client, self.correlation = client, 0
        self.socket = socket.create_connection(("127.0.0.1", broker.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def message(self, key, version, body, flexible=False):
        self.correlation += 1
        head = Writer(flexible).int16(key).int16(version).int32(self.correlation).plain_string(self.client).tags()
        return framed(head.data + body)

    def produce(self, topic, partition=0, acks=1, records=None, version=7):
        """`topic` is an id where the version has ids."""
        w = Writer(version >= 9)
        w.string(None).int16(acks).int32(5000).array([0], lambda _: (
            (w.uuid if version >= 13 else w.string)(topic),
            w.array([partition], lambda index: w.int32(index).bytes(records or batch()).tags()), w.tags())).tags()
        return self.message(0, version, w.data, version >= 9)

    def fetch(self, topic, partition=0, offset=0, version=11, wait=100):
        w = Writer(version >= 12)
        if version <= 14:
            w.int32(-1)
        w.int32(wait).int32(1).int32(1 << 24).int8(0).int32(0).int32(-1)

        def one(index):
            w.int32(index).int32(-1).int64(offset)
            if version >= 12:
                w.int32(-1)
            w.int64(-1).int32(1 << 24).tags()
        w.array([0], lambda _: ((w.uuid if version >= 13 else w.string)(topic), w.array([partition], one), w.tags()))
        w.array([], None).string("").tags()
        return self.message(1, version, w.data, version >= 12)

    def metadata(self, topic, version=12):
        w = Writer(version >= 9)
        w.array([topic], lambda name: (w.uuid(bytes(16)) if version >= 10 else w).string(name).tags())
        w.int8(0)
        if version >= 8:
            w.int8(0)
        return self.message(3, version, w.tags().data, version >= 9)

    def send(self, message):
        self.socket.sendall(message)

    def receive(self):
        """The correlation id and the rest of the next response; None at the end."""
        message = read_message(self.socket)
        return None if message is None else (struct.unpack(">i", message[:4])[0], message[4:])

    def ask(self, message):
        self.send(message)
        return self.receive()

    def topic_id(self, topic):
        """As the broker tells it in Metadata."""
        _, message = self.ask(self.metadata(topic))
        r = Reader(message, True)
        r.tags(), r.int32()
        r.array(lambda: (r.int32(), r.string(), r.int32(), r.string(), r.tags()))
        r.string(), r.int32(), r.varint(), r.int16(), r.string()
        return r.uuid()
