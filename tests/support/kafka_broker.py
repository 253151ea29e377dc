# SPDX-License-Identifier: Apache-2.0
"""A broker of Kafka for tests: one node, topics in memory, the classic consumer groups. No broker is packaged.

    kafka_broker.py PORT [--topic NAME=PARTITIONS] [--moved NAME] [--sasl USER=PASSWORD]

Prints a line of JSON for each request it served: {"api", "version", "client", "topics": [[name, [partition, …]], …],
"group", "error": the first code of the response that is not 0, "answered"}. Batches of records are opaque: only the
base offset is written into them, and their record count read. Produce to a `moved` topic fails with code 6.
"""

import argparse
import json
import socket
import struct
import sys
import threading
import time
import uuid

if __package__:
    from .kafka_wire import Reader, Writer, framed, read_message
else:
    from kafka_wire import Reader, Writer, framed, read_message

NODE, CLUSTER, HOST = 1, "cluster", "127.0.0.1"
UNKNOWN_TOPIC, NOT_LEADER, UNKNOWN_MEMBER, REBALANCING, MEMBER_ID_REQUIRED = 3, 6, 25, 27, 79
TOPIC_EXISTS, BAD_PASSWORD, ILLEGAL_SASL_STATE, UNSUPPORTED_VERSION, UNKNOWN_ID = 36, 58, 34, 35, 100
REBALANCE_SECONDS = 3
FIRST_REBALANCE_SECONDS = 0.1  # what a broker waits for more members of a new group

# key: (name, first version, last version, first flexible version)
APIS = {0: ("Produce", 3, 13, 9), 1: ("Fetch", 4, 17, 12), 2: ("ListOffsets", 1, 6, 6), 3: ("Metadata", 0, 12, 9),
        8: ("OffsetCommit", 2, 8, 8), 9: ("OffsetFetch", 1, 7, 6), 10: ("FindCoordinator", 0, 4, 3),
        11: ("JoinGroup", 0, 6, 6), 12: ("Heartbeat", 0, 4, 4), 13: ("LeaveGroup", 0, 4, 4), 14: ("SyncGroup", 0, 4, 4),
        17: ("SaslHandshake", 0, 1, 99), 18: ("ApiVersions", 0, 3, 3), 19: ("CreateTopics", 1, 5, 5),
        20: ("DeleteTopics", 1, 4, 4), 22: ("InitProducerId", 0, 4, 2), 36: ("SaslAuthenticate", 0, 2, 2)}


class Topic:
    def __init__(self, name, partitions):
        self.name = name
        self.id = uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes
        self.logs = [Log() for _ in range(partitions)]


class Log:
    def __init__(self):
        self.batches, self.end = [], 0  # (base offset, next offset, bytes)

    def append(self, records):
        base, at = self.end, 0
        while at + 61 <= len(records):
            size = 12 + struct.unpack_from(">i", records, at + 8)[0]
            count = struct.unpack_from(">i", records, at + 23)[0] + 1
            batch = struct.pack(">q", self.end) + records[at + 8:at + size]
            self.batches.append((self.end, self.end + count, batch))
            self.end += count
            at += size
        return base

    def read(self, offset, limit):
        found = b""
        for _, after, batch in self.batches:
            if after > offset and (not found or len(found) + len(batch) <= limit):
                found += batch
        return found


class Group:
    """Members join, and once all have or time is up, the first is told of the others and assigns them their shares."""

    def __init__(self):
        self.changed = threading.Condition()
        self.generation, self.state = 0, "empty"  # joining, syncing, stable
        self.members, self.joined, self.shares, self.offsets = {}, {}, {}, {}
        self.protocol, self.deadline = "", 0

    def start_joining(self):
        self.state, self.joined = "joining", {}
        self.deadline = time.monotonic() + (REBALANCE_SECONDS if self.members else FIRST_REBALANCE_SECONDS)
        self.changed.notify_all()

    def join(self, member, protocols):
        """(generation, protocol, leader, members)"""
        with self.changed:
            if self.state != "joining":
                self.start_joining()
            self.members.setdefault(member, None)
            self.joined[member] = protocols
            generation = self.generation
            self.changed.notify_all()
            while self.state == "joining" and generation == self.generation:
                left = self.deadline - time.monotonic()
                if left <= 0 or (generation > 0 and set(self.joined) >= set(self.members)):
                    self.members = dict.fromkeys(self.joined)
                    self.generation += 1
                    self.state, self.shares = "syncing", {}
                    self.changed.notify_all()
                    break
                self.changed.wait(left)
            leader = next(iter(self.members))
            self.protocol = self.joined[leader][0][0]
            everybody = [(m, dict(p)[self.protocol]) for m, p in self.joined.items()] if member == leader else []
            return self.generation, self.protocol, leader, everybody

    def sync(self, member, generation, shares):
        """(error, share)"""
        with self.changed:
            if member not in self.members:
                return UNKNOWN_MEMBER, b""
            if shares:
                self.shares, self.state = dict(shares), "stable"
                self.changed.notify_all()
            while self.state == "syncing" and generation == self.generation:
                self.changed.wait(REBALANCE_SECONDS)
            if generation != self.generation or self.state == "joining":
                return REBALANCING, b""
            return 0, self.shares.get(member, b"")

    def heartbeat(self, member):
        with self.changed:
            if member not in self.members:
                return UNKNOWN_MEMBER
            return REBALANCING if self.state == "joining" else 0

    def leave(self, members):
        with self.changed:
            for member in members:
                self.members.pop(member, None)
            self.start_joining() if self.members else setattr(self, "state", "empty")


class Broker:
    def __init__(self, port, topics, moved=(), sasl=None, log=print):
        self.port, self.moved, self.sasl, self.write_log = port, set(moved), sasl, log
        self.topics = {name: Topic(name, partitions) for name, partitions in topics}
        self.groups = {}
        self.appended = threading.Condition()
        self.lock = threading.Lock()
        self.producers = 0

    def topic(self, name=None, id=None):
        if id is not None:
            return next((t for t in self.topics.values() if t.id == id), None)
        return self.topics.get(name)

    def group(self, name):
        with self.lock:
            return self.groups.setdefault(name, Group())

    def serve(self, listener):
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=Conversation(self, connection).run, daemon=True).start()


class Conversation:
    """One connection: requests are answered in order, one after the other."""

    def __init__(self, broker, connection):
        self.broker, self.connection = broker, connection
        self.authenticated = broker.sasl is None

    def run(self):
        try:
            while (message := read_message(self.connection)) is not None:
                self.on_message(message)
        except (ConnectionError, ValueError) as error:
            print(f"a connection ended: {error}", file=sys.stderr)
        finally:
            self.connection.close()

    def on_message(self, message):
        key, version, correlation = struct.unpack_from(">hhi", message)
        name, first, last, first_flexible = APIS[key]
        self.version, self.flexible = version, version >= first_flexible
        request = Reader(message, self.flexible)
        request.at = 8
        self.record = {"api": name, "version": version, "client": request.plain_string(), "topics": [], "group": None,
                       "error": 0, "answered": True}
        request.tags()
        answer = Writer(self.flexible)
        if key == 18 and version > last:
            answer.flexible = False
            self.versions(answer, self.error(UNSUPPORTED_VERSION))
        elif not first <= version <= last:
            raise ValueError(f"{name} {version} is not spoken here")
        else:
            getattr(self, name.lower())(request, answer)
            request.end()
            answer.tags()
        head = Writer(self.flexible and key != 18).int32(correlation).tags()
        self.broker.write_log(json.dumps(self.record))
        if self.record["answered"]:
            self.connection.sendall(framed(head.data + answer.data))

    def error(self, code):
        self.record["error"] = self.record["error"] or code
        return code

    def about(self, topics):
        self.record["topics"] = [[t if isinstance(t, str) else self.name_of(t), p] for t, p in topics]

    def name_of(self, id):
        topic = self.broker.topic(id=id)
        return topic.name if topic else None

    def topic_key(self, request, by_id):
        return request.uuid() if by_id else request.string()

    def find(self, key):
        return self.broker.topic(id=key) if isinstance(key, bytes) else self.broker.topic(key)

    def missing(self, key):
        return UNKNOWN_ID if isinstance(key, bytes) else UNKNOWN_TOPIC

    def put_key(self, answer, key):
        return answer.uuid(key) if isinstance(key, bytes) else answer.string(key)

    # One method per API, named as it.

    def apiversions(self, request, answer):
        if self.version >= 3:
            request.string(), request.string()
        self.versions(answer, 0)

    def versions(self, answer, error):
        def one(item):
            answer.int16(item[0]).int16(item[1][1]).int16(item[1][2]).tags()
        answer.int16(error).array(list(APIS.items()) if not error else [], one)
        if self.version >= 1 and not error:
            answer.int32(0)

    def saslhandshake(self, request, answer):
        answer.int16(self.error(0 if request.string() == "PLAIN" else 33)).array(["PLAIN"], answer.string)

    def saslauthenticate(self, request, answer):
        _, user, password = request.bytes().split(b"\0")
        self.authenticated = f"{user.decode()}={password.decode()}" == self.broker.sasl
        error = self.error(0 if self.authenticated else BAD_PASSWORD)
        answer.int16(error).string(None if not error else "wrong").bytes(b"")
        if self.version >= 1:
            answer.int64(0)

    def metadata(self, request, answer):
        def topic_asked():
            id = request.uuid() if self.version >= 10 else None
            name = request.string()
            request.tags()
            return name if name is not None else id
        asked = request.array(topic_asked)
        if self.version >= 4:
            request.int8()
        if 8 <= self.version <= 10:
            request.int8()
        if self.version >= 8:
            request.int8()
        everything = asked is None or (self.version == 0 and not asked)
        keys = list(self.broker.topics) if everything else asked
        self.about([] if everything else [(key, []) for key in asked])
        if self.version >= 3:
            answer.int32(0)
        self.put_brokers(answer)
        if self.version >= 2:
            answer.string(CLUSTER)
        if self.version >= 1:
            answer.int32(NODE)
        answer.array(keys, lambda key: self.put_topic(answer, key))
        if 8 <= self.version <= 10:
            answer.int32(-2147483648)

    def put_brokers(self, answer):
        def one(_):
            answer.int32(NODE).string(HOST).int32(self.broker.port)
            if self.version >= 1:
                answer.string(None)
            answer.tags()
        answer.array([NODE], one)

    def put_topic(self, answer, key):
        topic = self.find(key)
        answer.int16(self.error(0 if topic else self.missing(key)))
        answer.string(topic.name if topic else key if isinstance(key, str) else None)
        if self.version >= 10:
            answer.uuid(topic.id if topic else bytes(16))
        if self.version >= 1:
            answer.int8(0)

        def partition(index):
            answer.int16(0).int32(index).int32(NODE)
            if self.version >= 7:
                answer.int32(0)
            answer.array([NODE], answer.int32).array([NODE], answer.int32)
            if self.version >= 5:
                answer.array([], answer.int32)
            answer.tags()
        answer.array(list(range(len(topic.logs))) if topic else [], partition)
        if self.version >= 8:
            answer.int32(-2147483648)
        answer.tags()

    def produce(self, request, answer):
        request.string()
        acks = request.int16()
        request.int32()

        def partition():
            found = request.int32(), request.bytes()
            request.tags()
            return found

        def topic():
            found = self.topic_key(request, self.version >= 13), request.array(partition)
            request.tags()
            return found
        topics = request.array(topic)
        self.about([(key, [p for p, _ in partitions]) for key, partitions in topics])
        self.record["answered"] = acks != 0

        def put_partition(key, index, records):
            found = self.find(key)
            error = self.missing(key) if not found or index >= len(found.logs) else 0
            if found and found.name in self.broker.moved:
                error = NOT_LEADER
            base = -1
            if not error:
                with self.broker.appended:
                    base = found.logs[index].append(records)
                    self.broker.appended.notify_all()
            answer.int32(index).int16(self.error(error)).int64(base).int64(-1)
            if self.version >= 5:
                answer.int64(0)
            if self.version >= 8:
                answer.array([], None).string(None)
            answer.tags()

        def put_topic(item):
            key, partitions = item
            self.put_key(answer, key).array(partitions, lambda each: put_partition(key, *each)).tags()
        answer.array(topics, put_topic).int32(0)

    def fetch(self, request, answer):
        if self.version <= 14:
            request.int32()
        wait, least, _ = request.int32(), request.int32(), request.int32()
        request.int8()
        if self.version >= 7:
            request.int32(), request.int32()

        def partition():
            index = request.int32()
            if self.version >= 9:
                request.int32()
            offset = request.int64()
            if self.version >= 12:
                request.int32()
            if self.version >= 5:
                request.int64()
            limit = request.int32()
            request.tags()
            return index, offset, limit

        def topic():
            found = self.topic_key(request, self.version >= 13), request.array(partition)
            request.tags()
            return found
        topics = request.array(topic)
        if self.version >= 7:
            request.array(lambda: (self.topic_key(request, self.version >= 13), request.array(request.int32),
                                   request.tags()))
        if self.version >= 11:
            request.string()
        self.about([(key, [p[0] for p in partitions]) for key, partitions in topics])
        self.await_records(topics, wait, least)
        answer.int32(0)
        if self.version >= 7:
            answer.int16(0).int32(0)

        def put_partition(key, index, offset, limit):
            found = self.find(key)
            error = self.missing(key) if not found or index >= len(found.logs) else 0
            log = None if error else found.logs[index]
            if log and offset > log.end:
                error, log = 1, None
            answer.int32(index).int16(self.error(error)).int64(log.end if log else -1).int64(log.end if log else -1)
            if self.version >= 5:
                answer.int64(0)
            answer.array([], None)
            if self.version >= 11:
                answer.int32(-1)
            answer.bytes(log.read(offset, limit) if log else b"").tags()

        def put_topic(item):
            key, partitions = item
            self.put_key(answer, key).array(partitions, lambda each: put_partition(key, *each)).tags()
        answer.array(topics, put_topic)

    def await_records(self, topics, wait_ms, least):
        def there():
            for key, partitions in topics:
                found = self.find(key)
                for index, offset, _ in partitions:
                    if not found or index >= len(found.logs) or found.logs[index].end != offset:
                        return True
            return not topics
        with self.broker.appended:
            self.broker.appended.wait_for(lambda: least <= 0 or there(), wait_ms / 1000)

    def listoffsets(self, request, answer):
        request.int32()
        if self.version >= 2:
            request.int8()

        def partition():
            index = request.int32()
            if self.version >= 4:
                request.int32()
            time_wanted = request.int64()
            request.tags()
            return index, time_wanted

        def topic():
            found = request.string(), request.array(partition)
            request.tags()
            return found
        topics = request.array(topic)
        self.about([(key, [p[0] for p in partitions]) for key, partitions in topics])
        if self.version >= 2:
            answer.int32(0)

        def put_partition(key, index, wanted):
            found = self.find(key)
            error = UNKNOWN_TOPIC if not found or index >= len(found.logs) else 0
            offset = -1 if error else found.logs[index].end if wanted == -1 else 0
            answer.int32(index).int16(self.error(error)).int64(-1).int64(offset)
            if self.version >= 4:
                answer.int32(0)
            answer.tags()

        def put_topic(item):
            answer.string(item[0]).array(item[1], lambda each: put_partition(item[0], *each)).tags()
        answer.array(topics, put_topic)

    def findcoordinator(self, request, answer):
        if self.version <= 3:
            keys = [request.string()]
            kind = request.int8() if self.version >= 1 else 0
        else:
            kind = request.int8()
            keys = request.array(request.string)
        self.record["group"] = keys[0] if kind == 0 else None
        if self.version >= 1:
            answer.int32(0)
        if self.version >= 4:
            answer.array(keys, lambda key: answer.string(key).int32(NODE).string(HOST).int32(self.broker.port).int16(
                0).string(None).tags())
            return
        answer.int16(0)
        if self.version >= 1:
            answer.string(None)
        answer.int32(NODE).string(HOST).int32(self.broker.port)

    def joingroup(self, request, answer):
        group = self.record["group"] = request.string()
        request.int32()
        if self.version >= 1:
            request.int32()
        member = request.string()
        if self.version >= 5:
            request.string()
        request.string()

        def protocol():
            found = request.string(), request.bytes()
            request.tags()
            return found
        protocols = request.array(protocol)
        error, generation, chosen, leader, everybody = 0, -1, "", "", []
        if not member:
            member = f"member-{uuid.uuid4()}"
            error = MEMBER_ID_REQUIRED if self.version >= 4 else 0
        if not error:
            generation, chosen, leader, everybody = self.broker.group(group).join(member, protocols)
        if self.version >= 2:
            answer.int32(0)
        answer.int16(self.error(error)).int32(generation).string(chosen).string(leader).string(member)

        def put_member(item):
            answer.string(item[0])
            if self.version >= 5:
                answer.string(None)
            answer.bytes(item[1]).tags()
        answer.array(everybody, put_member)

    def syncgroup(self, request, answer):
        group = self.record["group"] = request.string()
        generation, member = request.int32(), request.string()
        if self.version >= 3:
            request.string()

        def share():
            found = request.string(), request.bytes()
            request.tags()
            return found
        error, share_given = self.broker.group(group).sync(member, generation, request.array(share))
        if self.version >= 1:
            answer.int32(0)
        answer.int16(self.error(error)).bytes(share_given)

    def heartbeat(self, request, answer):
        group = self.record["group"] = request.string()
        request.int32()
        error = self.broker.group(group).heartbeat(request.string())
        if self.version >= 3:
            request.string()
        if self.version >= 1:
            answer.int32(0)
        answer.int16(self.error(error))

    def leavegroup(self, request, answer):
        group = self.record["group"] = request.string()

        def member():
            found = request.string(), request.string()
            request.tags()
            return found
        members = request.array(member) if self.version >= 3 else [(request.string(), None)]
        self.broker.group(group).leave([m for m, _ in members])
        if self.version >= 1:
            answer.int32(0)
        answer.int16(0)
        if self.version >= 3:
            answer.array(members, lambda m: answer.string(m[0]).string(m[1]).int16(0).tags())

    def offsetcommit(self, request, answer):
        group = self.record["group"] = request.string()
        request.int32(), request.string()
        if self.version >= 7:
            request.string()
        if self.version <= 4:
            request.int64()

        def partition():
            index, offset = request.int32(), request.int64()
            if self.version >= 6:
                request.int32()
            request.string()
            request.tags()
            return index, offset

        def topic():
            found = request.string(), request.array(partition)
            request.tags()
            return found
        topics = request.array(topic)
        self.about([(key, [p[0] for p in partitions]) for key, partitions in topics])
        offsets = self.broker.group(group).offsets
        offsets.update({(key, index): offset for key, partitions in topics for index, offset in partitions})
        if self.version >= 3:
            answer.int32(0)
        answer.array(topics, lambda item: answer.string(item[0]).array(
            item[1], lambda each: answer.int32(each[0]).int16(0).tags()).tags())

    def offsetfetch(self, request, answer):
        group = self.record["group"] = request.string()

        def topic():
            found = request.string(), request.array(request.int32)
            request.tags()
            return found
        asked = request.array(topic)
        if self.version >= 7:
            request.int8()
        self.about(asked or [])
        offsets = self.broker.group(group).offsets
        if asked is None:
            asked = [(name, [index for n, index in offsets if n == name]) for name in {n for n, _ in offsets}]
        if self.version >= 3:
            answer.int32(0)

        def put_partition(name, index):
            answer.int32(index).int64(offsets.get((name, index), -1))
            if self.version >= 5:
                answer.int32(-1)
            answer.string("").int16(0).tags()
        answer.array(asked, lambda item: answer.string(item[0]).array(
            item[1], lambda index: put_partition(item[0], index)).tags())
        if self.version >= 2:
            answer.int16(0)

    def initproducerid(self, request, answer):
        request.string(), request.int32()
        if self.version >= 3:
            request.int64(), request.int16()
        with self.broker.lock:
            self.broker.producers += 1
            answer.int32(0).int16(0).int64(self.broker.producers).int16(0)

    def createtopics(self, request, answer):
        def assignment():
            request.int32(), request.array(request.int32), request.tags()

        def setting():
            request.string(), request.string(), request.tags()

        def topic():
            found = request.string(), request.int32()
            request.int16(), request.array(assignment), request.array(setting), request.tags()
            return found
        topics = request.array(topic)
        request.int32(), request.int8()
        self.about([(name, []) for name, _ in topics])
        if self.version >= 2:
            answer.int32(0)

        def put(item):
            name, partitions = item
            error = TOPIC_EXISTS if name in self.broker.topics else 0
            if not error:
                self.broker.topics[name] = Topic(name, max(partitions, 1))
            answer.string(name).int16(self.error(error)).string(None)
            if self.version >= 5:
                answer.int32(partitions).int16(1).array([], None)
            answer.tags()
        answer.array(topics, put)

    def deletetopics(self, request, answer):
        names = request.array(request.string)
        request.int32()
        self.about([(name, []) for name in names])
        answer.int32(0)
        answer.array(names, lambda name: answer.string(name).int16(
            self.error(0 if self.broker.topics.pop(name, None) else UNKNOWN_TOPIC)).tags())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--topic", action="append", default=[])
    parser.add_argument("--moved", action="append", default=[])
    parser.add_argument("--sasl")
    options = parser.parse_args()
    topics = [(name, int(count)) for name, count in (topic.split("=") for topic in options.topic)]
    lock = threading.Lock()

    def log(line):
        with lock:
            print(line, flush=True)
    listener = socket.create_server((HOST, options.port), backlog=256)
    print("ready", file=sys.stderr, flush=True)
    Broker(options.port, topics, options.moved, options.sasl, log).serve(listener)


if __name__ == "__main__":
    main()
