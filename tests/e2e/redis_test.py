# SPDX-License-Identifier: Apache-2.0
"""Redis with its own server and benchmark, and with clients that do what those do not."""

import collections
import pathlib
import signal

from e2e.case import Case, on_every_rung
from support import places, records
from support.child import Child
from support.redis import Redis as Server
from support.redis import encode
from support.subfloor import Agent, alone, run
from support.waiting import until


def operation(record):
    return record.get("db.operation.name")


def outcome(record):
    """"GET", "LPUSH WRONGTYPE"; "~" behind what is partial."""
    words = [str(operation(record)), record.get("error.type")]
    return " ".join(word for word in words if word) + ("~" if record.partial else "")


def outcomes(found):
    return [outcome(record) for record in found]


def replay(path, *arguments):
    done = run("replay", "-o", "json", path, *arguments)
    assert done.returncode == 0, done.stderr
    return records.parse(done.stdout.encode().splitlines())


@on_every_rung
class Redis:
    def test_as_many_calls_as_redis_benchmark_made(self):
        """At 1, 10 and 100 connections, and as many commands on their way at once in each."""
        with Server() as server, self.observe(server.port) as observer:
            rounds = [(clients, depth) for clients in (1, 10, 100) for depth in (1, 10, 100)]
            for clients, depth in rounds:
                server.benchmark("-t", "get,incr", "-n", 1000, "-c", clients, "-P", depth)
            wanted = {"GET": 1000 * len(rounds), "INCR": 1000 * len(rounds)}
            for kind in ("server", "client"):
                observer.wait(2000 * len(rounds), kind, seconds=60)
            self.assertEqual(observer.stop(), 0)
            for kind in ("server", "client"):
                found = observer.records(kind)
                counts = collections.Counter(map(outcome, found))
                counts.pop("CONFIG GET", None)  # which the benchmark asks for first
                self.assertEqual(counts, wanted, kind)
                for record in found:
                    self.assertEqual(record.get("db.system.name"), "redis")
                    self.assertEqual(record.get("db.namespace"), "0")
                    self.assertEqual(record.process, pathlib.Path(f"/proc/{server.pid}/exe").readlink().name if kind == "server"
                                     else "redis-benchmark")

    def test_each_kind_of_reply_belongs_to_its_command(self):
        wanted = ["SELECT", "SET", "LPUSH WRONGTYPE", "_OTHER ERR", "CONFIG GET", "MULTI", "INCR", "LPUSH", "EXEC", "MULTI",
                  "INCR ERR", "EXEC EXECABORT", "HELLO", "HGETALL", "EVALSHA NOSCRIPT", "SET", "GET", "PING"]
        with Server() as server, self.observe(server.port) as observer:
            with server.client() as client:
                client.ask("SELECT", 3)
                client.pipeline(["SET", "s", "v"], ["LPUSH", "s", "x"], ["nosuch", "thing"], ["config", "get", "maxmemory"])
                client.pipeline(["MULTI"], ["INCR", "n"], ["LPUSH", "s", "x"], ["EXEC"])
                client.pipeline(["MULTI"], ["INCR"], ["EXEC"])
                client.ask("HELLO", 3)
                client.ask("HGETALL", "none")
                client.ask("EVALSHA", "0" * 40, 0)
                client.ask("SET", "big", b"x" * 3_000_000)
                client.ask("GET", "big")
                client.send(b"PING\r\n")
                client.read()
            for found in self.seen(observer, len(wanted)):
                self.assertEqual(outcomes(found), wanted)
                self.assertEqual([record.get("db.namespace") for record in found], ["0"] + ["3"] * (len(wanted) - 1))
                self.assertGreater(found[15]["request.size"], 3_000_000)
                self.assertGreater(found[16]["response.size"], 3_000_000)

    def test_what_comes_unasked_is_no_reply(self):
        with Server() as server, self.observe(server.port) as observer:
            with server.client() as two, server.client() as three, server.client() as other:
                two.ask("SUBSCRIBE", "a", "b")
                two.read()
                three.ask("HELLO", 3)
                three.ask("SUBSCRIBE", "a")
                for i in range(10):
                    other.ask("PUBLISH", "a", f"message {i}")
                    self.assertEqual(two.read()[0], b"message")
                    self.assertEqual(three.read()[0], b"message")
                two.ask("PING")
                three.ask("GET", "a")
                other.send(encode("CLIENT", "REPLY", "SKIP") + encode("SET", "a", 1))
                other.ask("GET", "a")
            wanted = collections.Counter({"PUBLISH": 10, "SUBSCRIBE": 2, "GET": 2, "HELLO": 1, "PING": 1, "CLIENT REPLY": 1,
                                          "SET": 1})
            for found in self.seen(observer, wanted.total()):
                self.assertEqual(collections.Counter(outcomes(found)), wanted)

    def test_a_blocked_command_lasts_until_it_is_answered(self):
        with Server() as server, self.observe(server.port) as observer:
            with server.client() as blocked, server.client() as other:
                blocked.send(encode("BLPOP", "list", 0))
                while b"blocked_clients:1" not in other.ask("INFO", "clients"):
                    pass
                other.ask("LPUSH", "list", "x")
                blocked.read()
            for kind in ("server", "client"):
                until(lambda: "BLPOP" in map(operation, observer.records(kind)), "BLPOP is told")
            self.assertEqual(observer.stop(), 0)
            for kind in ("server", "client"):
                found = {operation(record): record for record in observer.records(kind)}
                self.assertEqual(outcome(found["BLPOP"]), "BLPOP")
                self.assertGreater(found["BLPOP"]["duration_ns"], found["LPUSH"]["duration_ns"])

    def test_over_a_unix_socket(self):
        with Server() as server, self.observe() as observer:
            with server.client(unix=True) as client:
                for _ in range(10):
                    client.pipeline(["SET", "a", 1], ["LPUSH", "a", 1])
            def found(kind):
                return [r for r in observer.records(kind) if server.pid in (r.pid, r.peer_pid)]
            for kind in ("server", "client"):
                until(lambda: len(found(kind)) >= 20, lambda: f"20 records {kind}: {found(kind)}")
            self.assertEqual(observer.stop(), 0)
            for kind in ("server", "client"):
                self.assertEqual(collections.Counter(outcomes(found(kind))), {"SET": 10, "LPUSH WRONGTYPE": 10}, kind)

    def test_joined_in_the_middle_nothing_is_made_up(self):
        with Server() as server, server.client() as plain, server.client() as pipelining, server.client() as subscriber:
            plain.ask("SELECT", 2)
            plain.ask("LPUSH", "list", "x")
            subscriber.ask("SUBSCRIBE", "a")
            with self.observe(server.port) as observer:
                for _ in range(50):
                    plain.ask("GET", "list")  # fails
                    plain.ask("LLEN", "list")
                pipelining.pipeline(*[["INCR", "n"]] * 10)
                pipelining.pipeline(*[["GET"], ["INCR", "n"]] * 5)
                plain.ask("PUBLISH", "a", "hello")
                subscriber.read()
                plain.ask("SELECT", 1)
                plain.ask("GET", "list")
                for found in self.seen(observer, 50 * 2 + 10 + 10 + 3):
                    counts = collections.Counter(outcomes(found))
                    self.assertEqual(counts["GET WRONGTYPE"] + counts["GET~"], 50)
                    self.assertLessEqual(counts["GET~"], 1)
                    self.assertEqual(counts["LLEN"], 50)
                    self.assertEqual(counts["INCR"] + counts["INCR~"], 15)
                    self.assertLessEqual(counts["INCR~"], 10)
                    self.assertEqual(counts["GET ERR"], 5)
                    self.assertEqual([r.get("db.namespace") for r in found if operation(r) != "SUBSCRIBE"][:1], [None])
                    self.assertEqual(found[-1].get("db.namespace"), "1")

    def test_replay_of_a_recording_has_the_live_records(self):
        with places.scratch() as directory, Server() as server, self.observe(server.port) as observer:
            path = pathlib.Path(directory) / "a.sfr"
            with Child([places.binary(), "record", "--config", alone(), "--rung", self.rung, path]) as recorder:
                recorder.wait_for_line("recording to")
                server.benchmark("-t", "get,lpush", "-n", 200, "-c", 5, "-P", 4)
                with server.client() as client:
                    client.ask("SET", "big", b"x" * 100_000)
                    client.pipeline(["GET", "big"], ["LPUSH", "big", 1])
                servers, clients = self.seen(observer, 2 * 200 + 2 + 3)  # its two questions first
                self.assertEqual(recorder.stop(signal.SIGINT), 0)
            again = [r for r in replay(path) if r.server_port == server.port]
            for live, kind in ((servers, "server"), (clients, "client")):
                def said(found):
                    return sorted((outcome(r), r["request.size"], r["response.size"]) for r in found)
                self.assertEqual(said(live), said([r for r in again if r.kind == kind]))


class RedisSecrets(Case):
    def test_no_argument_is_in_anything_that_is_said(self):
        secret = "hunter2-9f3a"
        with Server("--requirepass", secret) as server:
            with Agent() as agent, agent.observer(server.port) as observer:
                with server.client() as client:
                    client.ask("AUTH", secret)
                    client.ask("HELLO", 3, "AUTH", "default", secret)
                    client.ask(secret, secret)
                    client.send(f"{secret}\r\nAUTH {secret}\r\n".encode())
                    client.read()
                    client.read()
                    client.ask("SET", secret, secret)
                    client.ask("EVAL", f"return redis.error_reply('{secret} {secret}')", 0)
                    client.pipeline(["GET", secret], ["ACL", "GETUSER", secret], ["CONFIG", secret, secret])
                observer.wait(10, "server")
                observer.wait(10, "client")
                said = [observer.child.stdout.text(), agent.get("/metrics")[1], str(agent.status()), agent.child.output()]
                self.assertIn('operation="EVAL"', said[1])
            self.assertNotIn(secret, "".join(said))

    def test_keys_are_told_where_the_user_asks_for_them(self):
        with Server() as server, Agent(ports="auto\n  key_names: true") as agent, agent.observer(server.port) as observer:
            with server.client() as client:
                client.pipeline(["SET", "user:7", "private"], ["MGET", "a", "b"], ["ECHO", "private"])
            observer.wait(3, "server")
            found = observer.wait(3, "client")
            self.assertEqual([r.get("db.operation.parameter.key") for r in found], ["user:7", "a", None])
            self.assertEqual([r.get("db.redis.key_count") for r in found], [None, 2, None])
            self.assertNotIn("private", observer.child.stdout.text())
