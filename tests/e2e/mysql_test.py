# SPDX-License-Identifier: Apache-2.0
"""A real MariaDB server with its clients: exact counts, operations, outcomes; joined late; replayed; no secrets."""

import collections
import concurrent.futures
import json
import pathlib
import subprocess
import unittest

from e2e.case import Case, on_every_rung
from support import core, places, records
from support.mariadb import DATABASE, MariaDb, PASSWORD, USER
from support.network import Capture
from support.subfloor import Agent, Observer, run
from support.waiting import PATIENCE, until

SECRET = "s3cr3t-9f2c"
COMPARED = ("operation", "target", "error.type", "db.namespace", "db.query.summary", "db.response.returned_rows",
            "mysql.affected_rows", "mysql.sqlstate", "partial")


def told(record):
    """What is compared of a record."""
    return tuple(record.get(name) for name in COMPARED)


def brief(record):
    text = record["operation"] + (f" {record['target']}" if "target" in record else "")
    return text + (f" error={record['error.type']}" if "error.type" in record else "")


class OnMariaDb:
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(MariaDb())

    def calls(self, observer, count, kinds=("server", "client"), **wanted):
        """Records of each kind, exactly so many, once the observer has ended."""
        for kind in kinds:
            observer.wait(count, kind, 30, **wanted)
        self.assertEqual(observer.stop(), 0, observer.child.stderr.text())
        found = [observer.records(kind, **wanted) for kind in kinds]
        for of_kind in found:
            self.assertEqual(len(of_kind), count, collections.Counter(map(brief, of_kind)))
        return found


@on_every_rung
class MysqlCalls(OnMariaDb):
    def test_what_the_command_line_client_asks(self):
        with self.observe(self.server.port) as observer:
            self.server.client("SELECT 1; SELECT id FROM items; SELECT * FROM nope;", fails=True)
            for found in self.calls(observer, 3):
                self.assertEqual([brief(r) for r in found], ["SELECT", "SELECT items", "SELECT nope error=1146"])
                for record in found:
                    self.assertEqual(record["db.system.name"], "mariadb")
                    self.assertEqual(record["db.namespace"], DATABASE)
                    self.assertEqual(record["user.name"], USER)
                    self.assertIn("MariaDB", record["mysql.server_version"])
                    self.assertFalse(record.partial)
                    self.assertGreater(record.duration, 0)
                self.assertEqual(found[1]["db.response.returned_rows"], 3)
                self.assertEqual(found[2]["db.response.status_code"], "1146")
                self.assertEqual(found[2]["mysql.sqlstate"], "42S02")
            servers, clients = observer.records("server"), observer.records("client")
            self.assertEqual({r.pid for r in servers}, {self.server.pid})
            self.assertEqual({r.process for r in clients}, {"mariadb"})

    def every_command(self, observer, flags=(), unix=False):
        expected = []

        def ask(line, answer, *calls):
            self.assertEqual(talker.ask(line), answer, line)
            expected.extend(calls)

        with self.server.talker(*flags, unix=unix) as talker:
            self.assertEqual(talker.connected, "connected")
            ask("query CREATE TEMPORARY TABLE t (a VARCHAR(100))", "ok", "CREATE TABLE t")
            ask("prepare 1 INSERT INTO t VALUES (?)", "ok", "PREPARE t")
            ask("prepare 2 SELECT a FROM t WHERE a LIKE ?", "ok", "PREPARE t")
            for i in range(5):
                ask(f"execute 1 value-{i}", "ok", "INSERT t")
            ask("execute 2 value%", "rows 5", "SELECT t")
            ask("execute 2 value%", "rows 5", "SELECT t")  # its columns are as they were
            ask("reset 2", "ok", "STMT_RESET")
            ask("bulk 1 100 many", "ok", "INSERT t")
            ask("execute 2 many", "rows 100", "SELECT t")
            ask("close 1", "ok")
            ask("direct SELECT 1 FROM t", "rows 105", "PREPARE t", "SELECT t")
            ask("prepare 3 SELECT * FROM nope", "error 1146", "PREPARE nope error=1146")
            ask("query SELECT 1; SELECT a FROM t WHERE a = 'many'; DELETE FROM t WHERE a = 'many'; SELECT 2",
                "rows 102", "SELECT")
            ask("prepare 4 SELECT id FROM items", "ok", "PREPARE items")
            ask("cursor 4", "rows 3", "SELECT items", *["FETCH items"] * 4)
            ask("long 2 10", "ok")
            ask("ping", "ok", "PING")
            ask("statistics", "ok", "STATISTICS")
            ask("option", "ok", "SET_OPTION")
            ask("kill 999999", "error 1094", "KILL error=1094")
            ask("pipeline 10 SELECT 1", "ok", *["SELECT"] * 10)
            ask("use other", "ok", "INIT_DB")
            ask("query SELECT 3", "rows 1", "SELECT")
            ask(f"query USE {DATABASE}", "ok", "USE")
            ask("query SELECT 4", "rows 1", "SELECT")
            ask(f"user {USER} {PASSWORD} other", "ok", "CHANGE_USER")
            ask("fresh", "ok", "RESET_CONNECTION")
        for found in self.calls(observer, len(expected)):
            self.assertEqual([brief(r) for r in found], expected)
            self.assertFalse(any(r.partial for r in found), found)
            rows = {brief(r): r.get("db.response.returned_rows") for r in found}
            self.assertEqual(rows["SELECT t"], 105)
            schemas = [r.get("db.namespace") for r in found]
            self.assertEqual(schemas[-6:], [DATABASE, "other", "other", DATABASE, DATABASE, "other"])

    def test_every_command_of_a_c_client(self):
        with self.observe(self.server.port) as observer:
            self.every_command(observer)

    def test_every_command_compressed(self):
        with self.observe(self.server.port) as observer:
            self.every_command(observer, flags=("compress",))

    def test_a_unix_socket(self):
        with Observer(self.rung) as observer:
            pids = (self.server.pid,)
            with self.server.talker(unix=True) as talker:
                pids += (talker.pid,)
                for _ in range(10):
                    self.assertEqual(talker.ask("query SELECT id FROM items"), "rows 3")
                self.assertEqual(talker.ask("query SELECT nope"), "error 1054")

            def mine(kind):
                return [r for r in observer.records(kind) if r.pid in pids and r.get("network.transport") == "unix"]

            for kind in ("server", "client"):
                until(lambda: len(mine(kind)) >= 11, lambda: mine(kind))
            observer.stop()
            for kind in ("server", "client"):
                self.assertEqual([brief(r) for r in mine(kind)], ["SELECT items"] * 10 + ["SELECT error=1054"])

    def on_connections(self, count, each=20):
        def client(number):
            with self.server.talker() as talker:
                talker.ask("prepare 1 SELECT name FROM items WHERE id = ?")
                for i in range(each):
                    self.assertEqual(talker.ask(f"query SELECT id FROM items WHERE id = {i % 3 + 1}"), "rows 1")
                    self.assertEqual(talker.ask(f"execute 1 {i % 3 + 1}"), "rows 1")
                self.assertEqual(talker.ask(f"query SELECT * FROM nope{number % 2}"), "error 1146")

        with self.observe(self.server.port) as observer:
            with concurrent.futures.ThreadPoolExecutor(min(count, 20)) as pool:
                list(pool.map(client, range(count)))
            for found in self.calls(observer, count * (2 * each + 2)):
                counts = collections.Counter(map(brief, found))
                self.assertEqual(counts["SELECT items"], 2 * each * count)
                self.assertEqual(counts["PREPARE items"], count)
                self.assertEqual(sum(n for name, n in counts.items() if name.endswith("error=1146")), count)
                self.assertFalse(any(r.partial for r in found))
                self.assertEqual({r.get("db.response.returned_rows") for r in found if brief(r) == "SELECT items"}, {1})

    def test_one_connection(self):
        self.on_connections(1, 100)

    def test_ten_connections(self):
        self.on_connections(10)

    def test_a_hundred_connections(self):
        self.on_connections(100)

    def test_pipelines_of_1_10_and_100(self):
        for depth in (1, 10, 100):
            with self.observe(self.server.port) as observer, self.server.talker() as talker:
                self.assertEqual(talker.ask(f"pipeline {depth} SELECT id FROM items WHERE id = 1"), "ok")
                talker.close()
                right = ("SELECT", "items", None, DATABASE, "SELECT items", 1, None, None, False)
                # Of one read of more answers than are copied the rest has no outcome: it is marked, and not made up.
                marked = ("SELECT", "items", None, DATABASE, "SELECT items", None, None, None, True)
                servers, clients = self.calls(observer, depth)
                self.assertEqual({told(r) for r in servers}, {right})
                self.assertLessEqual({told(r) for r in clients}, {right, marked} if depth == 100 else {right})

    def test_stored_procedures_with_several_results(self):
        self.server.client("DELIMITER //\nCREATE OR REPLACE PROCEDURE two() BEGIN SELECT id FROM items; SELECT 1; "
                           "UPDATE items SET name = name; END//\n"
                           "CREATE OR REPLACE PROCEDURE bad() BEGIN SELECT id FROM items; "
                           "SIGNAL SQLSTATE '45000'; END//")
        with self.observe(self.server.port) as observer, self.server.talker() as talker:
            self.assertEqual(talker.ask("query CALL two()"), "rows 4")
            self.assertEqual(talker.ask("query CALL bad()"), "error 1644")
            self.assertEqual(talker.ask("prepare 1 CALL two()"), "ok")
            self.assertEqual(talker.ask("execute 1"), "rows 4")
            talker.close()
            for found in self.calls(observer, 4):
                self.assertEqual([r["operation"] for r in found], ["CALL", "CALL", "PREPARE", "CALL"])
                self.assertEqual([r.get("db.response.returned_rows") for r in found], [4, None, None, 4])
                self.assertEqual(found[1]["error.type"], "1644")

    def test_load_data_local(self):
        self.server.client("CREATE OR REPLACE TABLE loaded (a VARCHAR(100))")
        with places.scratch() as directory, self.observe(self.server.port) as observer:
            path = pathlib.Path(directory) / "data.txt"
            path.write_text("".join(f"{SECRET} {i}\n" for i in range(20000)))
            self.server.client(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE loaded; SELECT COUNT(*) FROM loaded",
                               "--local-infile=1")
            for found in self.calls(observer, 2):
                self.assertEqual([r["operation"] for r in found], ["LOAD DATA", "SELECT"])
                self.assertEqual(found[0]["mysql.affected_rows"], 20000)
                self.assertFalse(found[0].partial, found[0])
                self.assertNotIn(SECRET, json.dumps(found))

    def test_values_of_20_megabytes(self):
        for flags in ((), ("compress",)):
            with self.observe(self.server.port) as observer, self.server.talker(*flags) as talker:
                self.assertEqual(talker.ask("query CREATE TEMPORARY TABLE big (a LONGBLOB)"), "ok")
                self.assertEqual(talker.ask("prepare 1 INSERT INTO big VALUES (?)"), "ok")
                self.assertEqual(talker.ask("long 1 20000000"), "ok")
                self.assertEqual(talker.ask("execute 1"), "ok")
                self.assertEqual(talker.ask("query SELECT a FROM big"), "rows 1")
                self.assertEqual(talker.ask("query INSERT INTO big SELECT a FROM big"), "ok")
                self.assertEqual(talker.ask("query SELECT a FROM big"), "rows 2")
                self.assertEqual(talker.ask("query SELECT seq FROM seq_1_to_50000"), "rows 50000")
                talker.close()
                for found in self.calls(observer, 7):
                    self.assertEqual([brief(r) for r in found],
                                     ["CREATE TABLE big", "PREPARE big", "INSERT big", "SELECT big",
                                      "INSERT big", "SELECT big", "SELECT seq_1_to_50000"])
                    # Whether an error ended the many rows is not known, where that was not copied.
                    self.assertFalse(any(r.partial for r in found[:6]), found)
                    self.assertIn(found[6].get("partial_reasons"), (None, ["cut_short"]))
                    # Bytes of rows, unpacked.
                    self.assertGreater(found[5]["response.size"], 39_000_000)

    def test_an_agent_that_begins_in_the_middle(self):
        talkers = [self.enterContext(self.server.talker()) for _ in range(10)]
        for talker in talkers:
            self.assertEqual(talker.ask("prepare 1 SELECT name FROM items WHERE id = ?"), "ok")
            self.assertEqual(talker.ask("execute 1 1"), "rows 1")
            self.assertEqual(talker.ask("prepare 2 SELECT name FROM nope"), "error 1146")
        with self.observe(self.server.port) as observer:
            for talker in talkers:
                for line, answer in (("execute 1 1", "rows 1"), ("query SELECT id FROM items", "rows 3"),
                                     ("execute 1 2", "rows 1"), ("query SELECT * FROM nope", "error 1146"),
                                     ("prepare 3 DELETE FROM items WHERE id = ?", "ok"), ("execute 3 99", "ok"),
                                     ("ping", "ok")):
                    self.assertEqual(talker.ask(line), answer)
                talker.close()
            wanted = ["_unknown", "SELECT items", "_unknown", "SELECT nope error=1146", "PREPARE items", "DELETE items",
                      "PING"]
            observer.wait(60, "server", 20)
            observer.stop()
            for kind in ("server", "client"):
                by_connection = collections.defaultdict(list)
                for record in observer.records(kind):
                    port = record["network.peer.port" if kind == "server" else "network.local.port"]
                    by_connection[port].append(record)
                self.assertEqual(len(by_connection), 10)
                for found in by_connection.values():
                    names = [brief(r) for r in found]
                    # The first may pass before it is certain what is spoken there.
                    self.assertIn(names, [wanted, wanted[1:]])
                    for record in found:
                        unknown = record["operation"] == "_unknown"
                        self.assertEqual(record.get("partial_reasons"), ["context"] if unknown else None, record)
                        self.assertEqual(record.get("db.system.name"), "other_sql")
                        self.assertNotIn("db.namespace", record)


class Mysql(OnMariaDb, Case):
    def test_refused_logins(self):
        with self.observe(self.server.port) as observer:
            with self.server.talker(password="wrong") as talker:
                self.assertEqual(talker.connected, "error 1045")
            for (record,) in self.calls(observer, 1):
                self.assertEqual(brief(record), "CONNECT error=1045")
                self.assertEqual(record["mysql.sqlstate"], "28000")

    def test_mariadb_slap(self):
        with self.observe(self.server.port) as observer:
            done = subprocess.run([places.program("mariadb-slap"), *self.server.arguments(database=None),
                                   "--concurrency=10", "--number-of-queries=500", "--create-schema=orders", "--no-drop",
                                   "--query=SELECT id FROM items WHERE id = 2"],
                                  capture_output=True, text=True, timeout=120 * PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            for found in self.calls(observer, 500):
                self.assertEqual({r["operation"] for r in found}, {"SELECT"})
                self.assertFalse(any(r.partial for r in found))

    def test_a_capture_replayed_gives_what_was_seen_live(self):
        for flags in ((), ("compress",)):
            with self.observe(self.server.port) as observer:
                with Capture("lo", f"tcp port {self.server.port}") as capture:
                    with self.server.talker(*flags) as talker:
                        talker.ask("prepare 1 SELECT name FROM items WHERE id = ?")
                        for i in range(20):
                            talker.ask(f"execute 1 {i}")
                        talker.ask("query SELECT nope")
                        talker.ask("query SELECT seq FROM seq_1_to_3000")
                        talker.ask("query SELECT 1; SELECT 2")
                        talker.ask("query SELECT 'last-of-all'")
                    capture.wait_for(b"last-of-all")
                    path = pathlib.Path(str(capture.path))
                    (servers,) = self.calls(observer, 25, kinds=("server",))
                    done = run("replay", "-o", "json", path, seconds=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                replayed = [r for r in records.parse(done.stdout.splitlines()) if r.server_port == self.server.port]
                self.assertEqual(len(replayed), 25)
                for live, again in zip(servers, replayed):
                    if live["db.query.summary"] == "SELECT seq_1_to_3000":
                        # A capture has all bytes of an answer; of a live transfer 4096 are copied.
                        self.assertIn(live.get("db.response.returned_rows"), (None, 3000))
                        self.assertIn(live.get("partial_reasons"), (None, ["cut_short"]))
                        self.assertEqual(told(again)[-4:], (3000, None, None, False))
                    else:
                        self.assertEqual(told(live), told(again))

    def test_secrets_are_nowhere(self):
        more = "metrics:\n  convention: otel\n"
        with places.scratch() as directory, Agent(ports=f"[{self.server.port}]", more=more) as agent:
            with agent.observer(self.server.port) as observer:
                path = pathlib.Path(directory) / "data.txt"
                path.write_text(f"{SECRET}-file\n")
                with self.server.talker() as talker, self.server.talker("compress") as packed:
                    for each in (talker, packed):
                        each.ask(f"query SELECT '{SECRET}-literal', \"{SECRET}-quoted\", 0x{SECRET.encode().hex()}")
                        each.ask(f"prepare 1 SELECT ?, '{SECRET}-prepared'")
                        each.ask(f"execute 1 {SECRET}-value")
                        each.ask(f"query SELECT * FROM items WHERE name = '{SECRET}-where' /* {SECRET}-comment */")
                        each.ask(f"query SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{SECRET}-message'")
                        each.ask(f"query SELECT REPEAT('{SECRET}-row', 5000)")
                        each.ask(f"user {USER} {PASSWORD} orders")
                        each.ask(f"query ALTER USER nobody IDENTIFIED BY '{SECRET}-password'")
                    observer.wait(16, "server", 20)
                    observer.wait(16, "client", 20)
                    for secret in (SECRET, PASSWORD):  # of connections that are still open
                        self.assertEqual(core.find(agent.pid, secret.encode()), [])
                observer.stop()
                self.assertEqual(len(observer.records("server")), 16)
                outputs = [observer.child.stdout.text(), observer.child.stderr.text(), agent.get("/metrics")[1],
                           json.dumps(agent.status()), agent.child.output()]
            for output in outputs:
                self.assertNotIn(SECRET, output)
                self.assertNotIn(PASSWORD, output)
            self.assertIn("db_client_operation_duration_seconds", outputs[2])


if __name__ == "__main__":
    unittest.main()
