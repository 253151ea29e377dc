# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own server with psql, pgbench and libpq: exactly the calls that were made, at both ends."""

import collections
import pathlib
import subprocess

from e2e.case import Case, on_every_rung
from e2e.replay_test import replay
from support import core, places
from support.child import Child
from support.network import Capture
from support.postgres import Postgres
from support.subfloor import Agent, Observer
from support.waiting import PATIENCE, until

SECRET = "hunter2-9f2c"
SCRIPT = """\
BEGIN;
UPDATE accounts SET balance = balance + 1 WHERE id = 1 + :client_id;
SELECT balance FROM accounts WHERE id = 1 + :client_id;
INSERT INTO history (id, note) VALUES (1, '{secret}');
END;
"""


def client(server, *arguments, stdin="", **more):
    """The libpq client: what it printed."""
    done = subprocess.run([places.helper("pg_client", "pq"), *map(str, arguments)], env=server.environment(**more),
                          input=str(stdin),
                          capture_output=True, text=True, timeout=120 * PATIENCE, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"pg_client: {done.stderr}")
    return done.stdout


def tables(server):
    server.psql("CREATE TABLE accounts (id int PRIMARY KEY, balance int)", "CREATE TABLE history (id int, note text)",
                "INSERT INTO accounts SELECT i, 0 FROM generate_series(1, 200) i")


def script(server, text):
    path = pathlib.Path(server.socket_directory) / "script.sql"
    path.write_text(text)
    return path


class OnPostgres:
    """Has a server that all its tests use."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Postgres())
        tables(cls.server)

    def calls(self, observer, count, **wanted):
        """Exactly so many records of TCP calls to the server at each end; the server's."""
        servers, clients = self.seen(observer, count, **wanted)
        self.assertEqual(sorted(map(what, servers)), sorted(map(what, clients)))
        for record in servers:
            self.assertEqual(record["protocol"], "postgres")
            self.assertEqual(record["db.system.name"], "postgresql")
        return servers


def what(record):
    """What a record says that both ends know, and any capture of the bytes tells."""
    return (record["operation"], record.get("target", ""), record.get("db.query.summary", ""), record.get("error.type", ""),
            record.get("db.response.returned_rows", -1), record.get("postgresql.affected_rows", -1),
            record.get("db.namespace", ""), tuple(record.get("partial_reasons", ())))


def brief(record):
    return what(record)[:2] + what(record)[3:6]


@on_every_rung
class PostgresCalls(OnPostgres):
    def test_statements_of_psql(self):
        with self.observe(self.server.port) as observer:
            self.server.psql("CREATE TABLE t (i int)", "INSERT INTO t SELECT generate_series(1, 5)", "SELECT * FROM t",
                             "UPDATE t SET i = 0 WHERE i < 3", "BEGIN; DELETE FROM t; COMMIT", "DROP TABLE t")
            self.server.psql("SELECT * FROM nothing", check=False)
            self.server.psql("SELECT 1/0", check=False)
            servers = self.calls(observer, 8)
        self.assertEqual([brief(r) for r in servers], [
            ("CREATE TABLE", "t", "", -1, -1), ("INSERT", "t", "", -1, 5), ("SELECT", "t", "", 5, -1),
            ("UPDATE", "t", "", -1, 2), ("BEGIN", "", "", -1, 5), ("DROP TABLE", "t", "", -1, -1),
            ("SELECT", "nothing", "42P01", -1, -1), ("SELECT", "", "22012", -1, -1)])
        self.assertEqual(servers[4]["db.query.summary"], "BEGIN; DELETE t; COMMIT")
        for record in servers:
            self.assertFalse(record.partial, record)
            self.assertEqual(record["db.namespace"], "postgres")
            self.assertEqual(record["user.name"], "postgres")
            self.assertEqual(record["postgresql.application_name"], "psql")

    def test_calls_over_the_unix_socket(self):
        with self.observe() as observer:
            self.server.psql("SELECT id FROM accounts LIMIT 3", unix=True)
            mine = {"peer_process": "psql"}
            until(lambda: [r for r in observer.records("server", **mine) if r.get("target") == "accounts"], "a server record")
            observer.wait(1, "client", process="psql")
            observer.stop()
        servers = [r for r in observer.records("server", **mine) if r.get("target") == "accounts"]
        clients = [r for r in observer.records("client", process="psql") if r.get("target") == "accounts"]
        self.assertEqual([brief(r) for r in servers + clients], [("SELECT", "accounts", "", 3, -1)] * 2)
        self.assertEqual(servers[0]["network.transport"], "unix")

    def pgbench(self, mode, clients, transactions, secret=""):
        path = script(self.server, SCRIPT.format(secret=secret))
        with self.observe(self.server.port) as observer:
            self.server.pgbench("-n", "-M", mode, "-c", clients, "-j", 2, "-t", transactions, "-f", path)
            total = clients * transactions
            servers = self.calls(observer, 5 * total)
        self.assertEqual(collections.Counter(brief(r) for r in servers), {
            ("BEGIN", "", "", -1, -1): total, ("UPDATE", "accounts", "", -1, 1): total,
            ("SELECT", "accounts", "", 1, -1): total, ("INSERT", "history", "", -1, 1): total,
            ("END", "", "", -1, -1): total})
        self.assertEqual({bool(r.partial) for r in servers}, {False})

    def test_pgbench_with_one_client(self):
        for mode in ("simple", "extended", "prepared"):
            with self.subTest(mode):
                self.pgbench(mode, 1, 50)

    def test_pgbench_with_ten_clients(self):
        for mode in ("simple", "extended", "prepared"):
            with self.subTest(mode):
                self.pgbench(mode, 10, 20)

    def test_pgbench_with_a_hundred_clients(self):
        for mode in ("simple", "prepared"):
            with self.subTest(mode):
                self.pgbench(mode, 100, 5)

    def test_pipelines(self):
        for depth, rounds, syncs in ((1, 20, "each"), (10, 10, "each"), (10, 10, "one"), (100, 3, "each"), (100, 3, "one")):
            with self.subTest(f"{depth} at once, Sync behind {syncs}"):
                with self.observe(self.server.port) as observer:
                    client(self.server, "pipeline", depth, rounds, syncs, "UPDATE accounts SET balance = 1 WHERE id = 1")
                    servers = self.calls(observer, depth * rounds)
                self.assertEqual({what(r) for r in servers},
                                 {("UPDATE", "accounts", "UPDATE accounts", "", -1, 1, "postgres", ())})

    def test_what_follows_an_error_in_a_pipeline(self):
        with self.observe(self.server.port) as observer:
            client(self.server, "pipeline", 5, 4, "one", "UPDATE accounts SET balance = 1 WHERE id = 1",
                   "INSERT INTO accounts VALUES (1, 1)")
            servers = self.calls(observer, 20)
        self.assertEqual(collections.Counter(brief(r) for r in servers), {
            ("INSERT", "accounts", "23505", -1, -1): 4, ("UPDATE", "accounts", "pipeline_aborted", -1, -1): 16})

    def test_a_query_that_is_cancelled(self):
        def sleeps():
            return self.server.psql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'", unix=True)
        with self.observe(self.server.port) as observer, \
                subprocess.Popen([places.helper("pg_client", "pq"), "cancel", "SELECT pg_sleep(60)"], text=True,
                                 env=self.server.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asker:
            until(sleeps, "the query runs")
            asker.communicate("\n", timeout=30 * PATIENCE)
            self.assertEqual(asker.returncode, 0)
            self.assertEqual([brief(r) for r in self.calls(observer, 1)], [("SELECT", "", "57014", -1, -1)])

    def test_copy_of_much_data(self):
        data = "".join(f"{i}\t{SECRET}-{i}\n" for i in range(200_000))
        with self.observe(self.server.port) as observer:
            self.server.psql("TRUNCATE history", "COPY history FROM STDIN", stdin=data)
            self.server.psql("COPY history TO STDOUT")
            servers = self.calls(observer, 3)
        self.assertEqual([brief(r)[:3] for r in servers],
                         [("TRUNCATE", "history", ""), ("COPY", "history", ""), ("COPY", "history", "")])
        self.assertNotIn(SECRET, observer.child.stdout.text() + observer.child.stderr.text())

    def test_pipelines_of_more_than_one_record_of_the_kernels(self):
        statement = "SELECT id, balance, 'some longer text to fill the answer' FROM accounts WHERE id = 1"
        for depth, rounds, syncs in ((100, 5, "each"), (100, 5, "one"), (1000, 2, "one")):
            with self.subTest(f"{depth} at once, Sync behind {syncs}"):
                with self.observe(self.server.port) as observer:
                    client(self.server, "pipeline", depth, rounds, syncs, statement)
                    servers = self.calls(observer, depth * rounds)
                self.assertEqual({brief(r) + (r.partial,) for r in servers}, {("SELECT", "accounts", "", 1, -1, False)})

    def test_big_results(self):
        with self.observe(self.server.port) as observer:
            for count in (10, 1_000, 20_000):
                self.assertEqual(client(self.server, "rows", "SELECT i FROM generate_series(1, $1::int) i", stdin=count), f"{count}\n")
            self.server.psql("SELECT 1")
            servers, clients = self.seen(observer, 4)
        for found in (servers, clients):
            self.assertEqual([r["operation"] for r in found], ["SELECT"] * 4)
            self.assertEqual([r.get("db.response.returned_rows") for r in found], [10, 1_000, 20_000, 1])
            self.assertEqual({r.partial for r in found}, {False})

    def test_a_function_call_and_a_refused_encryption(self):
        with self.observe(self.server.port) as observer:
            client(self.server, "function", PGSSLMODE="prefer")
            self.assertEqual([brief(r) for r in self.calls(observer, 1)], [("FUNCTION CALL", "", "", -1, -1)])

    def test_an_agent_that_comes_later_tells_what_is_certain(self):
        statement = "SELECT balance FROM accounts WHERE id = 1"
        env = self.server.environment()
        with subprocess.Popen([places.helper("pg_client", "pq"), "hold", statement], env=env, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            holder.stdout.readline()
            with self.observe(self.server.port) as observer:
                holder.stdin.write("\n")
                holder.stdin.flush()
                holder.stdout.readline()
                servers, clients = self.seen(observer, 10)
            holder.stdin.close()
        for found in (servers, clients):
            self.assertEqual([r["operation"] for r in found], ["SELECT"] * 10)
            self.assertEqual([r.get("target") for r in found], [None] * 5 + ["accounts"] * 5)
            self.assertEqual([tuple(r.get("partial_reasons", ())) for r in found], [("context",)] * 5 + [()] * 5)
            self.assertEqual({r.get("db.response.returned_rows") for r in found}, {1})
            self.assertEqual({r.get("db.namespace") for r in found}, {None})


class PostgresSecrets(OnPostgres, Case):
    def traffic(self):
        """With secrets everywhere but in the arguments of programs, which the agent may read."""
        self.server.psql(stdin=f"""\
CREATE USER guarded PASSWORD '{SECRET}-password';
GRANT ALL ON ALL TABLES IN SCHEMA public TO guarded;
INSERT INTO history VALUES (1, /* {SECRET}-comment */ '{SECRET}-literal');
SELECT note, $x${SECRET}-dollar$x$ FROM history;
SET my.secret TO '{SECRET}-setting';
SELECT '{SECRET}-quoted'::int;
PREPARE p AS SELECT $1 || '{SECRET}-prepared';
EXECUTE p ('{SECRET}-executed');
COPY history FROM STDIN;
""" + f"1\t{SECRET}-copied\n" * 1000 + "\\.\n")
        self.server.psql("SELECT * FROM history", user="guarded", PGPASSWORD=f"{SECRET}-password")
        client(self.server, "rows", "SELECT note FROM history WHERE note <> $1", stdin=f"{SECRET}-parameter")
        self.server.psql("SELECT 'the last'")

    def test_no_literal_password_parameter_row_or_copied_byte_is_told_or_kept(self):
        more = "telemetry:\n  aggregation: off\n"
        with Agent(more=more) as agent:
            agent.config.write_text(agent.config.read_text().replace("capture:\n", "capture:\n  query_text: true\n"))
            agent.reload()
            with agent.observer(self.server.port) as observer:
                self.traffic()
                until(lambda: observer.records("server") and
                      observer.records("server")[-1].get("db.query.text") == "SELECT ?", "the last call", 20)
                texts = {r.get("db.query.text") for r in observer.records()}
                self.assertIn("INSERT INTO history VALUES (?, ?);", texts)
                self.assertIn("CREATE USER guarded PASSWORD ?;", texts)
                self.assertIn("SELECT note FROM history WHERE note <> $1", texts)
                for output in (observer.child.stdout.text(), observer.child.stderr.text(), agent.child.output(),
                               agent.get("/metrics")[1]):
                    self.assertNotIn(SECRET, output)
                self.assertEqual(core.find(agent.pid, SECRET.encode()), [])

    def test_a_recording_of_packets_gives_the_live_records(self):
        with Capture("lo", f"tcp port {self.server.port}", flags=("-s", "0")) as capture, \
                Observer(port=self.server.port) as observer:
            self.server.psql("SELECT * FROM accounts WHERE id = 3", "SELECT * FROM nothing", check=False)
            client(self.server, "pipeline", 10, 3, "each", "UPDATE accounts SET balance = 1 WHERE id = 1")
            self.server.pgbench("-n", "-M", "prepared", "-c", 5, "-t", 20, "-f",
                                script(self.server, SCRIPT.format(secret="x")))
            self.server.psql("SELECT 'the last of all'")
            live = self.seen(observer, 3 + 30 + 500)[0]
            capture.wait_for(b"the last of all")
            capture.stop()
            replayed = [r for r in replay(capture.path)[0] if r["network.local.port"] == self.server.port]
        self.assertEqual(sorted(map(what, replayed)), sorted(map(what, live)))
