# SPDX-License-Identifier: Apache-2.0
"""Calls inside TLS, read at the library: who asked what of whom, from both ends, with counts that are exact."""

import contextlib
import http.client
import json
import os
import platform
import shutil
import subprocess
import unittest

from support import core, go, places, tls
from support.child import Child
from support.haproxy import Haproxy
from support.mariadb import MariaDb
from support.nginx import Nginx
from support.postgres import Postgres
from support.redis import Redis
from support.subfloor import Agent, run
from support.waiting import PATIENCE, until

from . import case


class Https(case.Case):
    """HTTP over TLS in pairs of servers and clients."""

    GO = f"{go.versions()[-1]}-exe-stripped"

    def setUp(self):
        self.certificate = self.enterContext(tls.Certificate())
        # Some that run: so their programs are attached to before clients of a moment run.
        self.enterContext(go.GoServer(self.GO))
        self.enterContext(tls.node_server(self.certificate))

    def assert_seen(self, observer, paths, version=None):
        """Each path once by each end, whole, as HTTPS."""
        for records in self.seen(observer, len(paths)):
            self.assertEqual(sorted(record.path for record in records), sorted(paths))
            for record in records:
                self.assertEqual(record["url.scheme"], "https", record)
                self.assertTrue(record["tls.established"], record)
                self.assert_call(record, record.path, status=404 if "404" in record.path else 200)
                self.assertGreater(record["duration_ns"], 0)
                if version:
                    self.assertEqual(record.version, version)

    def ask(self, server, port, http2=False):
        """Every client asks that server; the paths that were asked for."""
        paths = [f"/curl/{i}" for i in range(5)] + ["/status/404"]
        urls = [f"https://127.0.0.1:{port}{path}" for path in paths]
        self.curl("-k", "--http2" if http2 else "--http1.1", *urls)
        mine = [f"/node/{i}" for i in range(20)]
        tls.node_client(port, mine, http2)
        paths += mine
        go.talk(self.GO, "get", *(["-h2"] if http2 else []), "-n", 20, "-c", 4,
                f"https://127.0.0.1:{port}")
        paths += [f"/{i % 4}/{i}" for i in range(20)]
        if not http2:
            connection = http.client.HTTPSConnection("127.0.0.1", port, context=tls.trusting())
            for i in range(3):
                connection.request("GET", f"/python/{i}")
                connection.getresponse().read()
                paths.append(f"/python/{i}")
            connection.close()
            mine = [[f"/asyncio/{i}/{k}" for k in range(3)] for i in range(5)]
            tls.asyncio_client(port, *mine)
            paths += sum(mine, [])
        return paths

    def test_of_nginx(self):
        with Nginx(tls=self.certificate) as nginx, self.observe(nginx.port) as observer:
            self.assert_seen(observer, self.ask(nginx, nginx.port))

    def test_of_nginx_by_http2(self):
        with Nginx(tls=self.certificate) as nginx, self.observe(nginx.port) as observer:
            self.assert_seen(observer, self.ask(nginx, nginx.port, http2=True), "2")

    def test_of_node(self):
        with tls.node_server(self.certificate) as server, self.observe(server.port) as observer:
            self.assert_seen(observer, self.ask(server, server.port))

    def test_of_node_by_http2(self):
        with tls.node_server(self.certificate) as server, self.observe(server.port) as observer:
            self.assert_seen(observer, self.ask(server, server.port, http2=True), "2")

    @unittest.skipUnless(platform.machine() == "x86_64", "missing: Node.js 16 for this architecture")
    def test_of_openssl_1_1_within_a_program(self):
        with tls.node_server(self.certificate, tls.old_node()) as server, self.observe(server.port) as observer:
            paths = [f"/old/{i}" for i in range(20)]
            tls.node_client(server.port, paths, node=tls.old_node())
            self.assert_seen(observer, paths + self.ask(server, server.port))

    def test_of_go(self):
        with go.GoServer(self.GO, "-http1") as server, self.observe(server.port) as observer:
            self.assert_seen(observer, self.ask(server, server.port))

    def test_of_go_by_http2(self):
        with go.GoServer(self.GO) as server, self.observe(server.port) as observer:
            self.assert_seen(observer, self.ask(server, server.port, http2=True), "2")

    def test_of_a_threaded_python_server(self):
        with tls.threaded_server(self.certificate) as server, self.observe(server.port) as observer:
            self.assert_seen(observer, self.ask(server, server.port))

    def test_of_asyncio(self):
        with tls.asyncio_server(self.certificate) as server, self.observe(server.port) as observer:
            tls.asyncio_client(server.port, *[[f"/{i}/{k}" for k in range(4)] for i in range(8)])
            self.assert_seen(observer, [f"/{i}/{k}" for i in range(8) for k in range(4)])

    def test_sizes_are_of_the_plaintext(self):
        with Nginx(tls=self.certificate) as nginx, self.observe(nginx.port) as observer:
            nginx.file("large", 3_000_000)
            self.curl("-k", "--http1.1", f"https://127.0.0.1:{nginx.port}/file/large", "-o", os.devnull)
            for record in sum(self.seen(observer, 1), []):
                self.assert_call(record, "/file/large", response_bytes=3_000_000)

    def test_of_haproxy_that_ends_tls(self):
        with Nginx() as nginx, Haproxy(nginx.port, tls=self.certificate) as proxy, self.observe(proxy.port) as observer:
            # Not all clients: to those who connect and say nothing it answers 400.
            paths = [f"/curl/{i}" for i in range(20)]
            self.curl("-k", "--http1.1", *[f"https://127.0.0.1:{proxy.port}{path}" for path in paths])
            self.assert_seen(observer, paths)

    def test_of_gnutls(self):
        with tls.GnutlsServer(self.certificate) as server, self.observe(server.port) as observer:
            self.curl("-k", "--http1.1", f"https://127.0.0.1:{server.port}/by-curl")
            tls.gnutls_client(server.port, "GET /by-gnutls HTTP/1.0\r\n\r\n")
            servers, clients = self.seen(observer, 2)
            for records in (servers, clients):
                self.assertEqual([record.path for record in records], ["/by-curl", "/by-gnutls"])
            self.assertEqual(clients[1].process, "gnutls-cli")

    def test_of_boringssl(self):
        paths = [f"/boring/{i}" for i in range(5)]
        with Nginx(tls=self.certificate) as nginx, tls.BoringClient(nginx.port) as client, self.observe(nginx.port) as observer:
            for path in paths:
                client.ask(path)
            self.assert_seen(observer, paths)

    def test_of_who_is_at_the_other_end(self):
        with Nginx(tls=self.certificate) as nginx, self.observe(nginx.port) as observer:
            self.curl("-k", f"https://127.0.0.1:{nginx.port}/x")
            servers, clients = self.seen(observer, 1)
            self.assertEqual((servers[0].process, servers[0].peer_process), ("nginx", "curl"))
            self.assertEqual((clients[0].process, clients[0].peer_process), ("curl", "nginx"))

    def test_connections_older_than_the_agent_are_joined(self):
        with Nginx(tls=self.certificate) as nginx:
            connection = http.client.HTTPSConnection("127.0.0.1", nginx.port, context=tls.trusting())
            connection.request("GET", "/before")
            connection.getresponse().read()
            with self.observe(nginx.port) as observer:
                for i in range(5):
                    connection.request("GET", f"/late/{i}")
                    connection.getresponse().read()
                for records in self.seen(observer, 5):
                    self.assertEqual([record.path for record in records], [f"/late/{i}" for i in range(5)])
                    self.assertEqual({record.status for record in records}, {200})


class Databases(case.Case):
    def assert_operations(self, observer, wanted):
        """Each of these operations once by each end, within TLS."""
        def operations(kind):
            return sorted(r["operation"] for r in observer.all()
                          if r.kind == kind and r.server_port == observer.port and r.get("operation") in wanted)
        until(lambda: operations("server") == operations("client") == sorted(wanted),
              lambda: f"{wanted}; there are {operations('server')} and {operations('client')}", 20)
        self.assertEqual(observer.stop(), 0)
        for record in observer.records():
            self.assertTrue(record["tls.established"], record)
            self.assertFalse(record.partial, record)

    def test_postgres(self):
        with tls.Certificate("postgres") as certificate:
            with Postgres(tls=certificate) as server, self.observe(server.port) as observer:
                server.psql("CREATE TABLE t (a int)", "SELECT 1", PGSSLMODE="require")
                self.assert_operations(observer, ["CREATE TABLE", "SELECT"])

    def test_redis(self):
        with tls.Certificate() as certificate:
            with Redis(tls=certificate) as server, self.observe(server.port) as observer:
                for command in (["SET", "a", "1"], ["GET", "a"]):
                    subprocess.run([places.program("redis-cli"), "--tls", "--insecure", "-p", str(server.port), *command],
                                   check=True, capture_output=True, timeout=30 * PATIENCE)
                self.assert_operations(observer, ["GET", "SET"])

    def test_mariadb(self):
        user = "mysql" if tls.has_user("mysql") else "nobody"
        with tls.Certificate(user) as certificate:
            options = [f"--ssl-cert={certificate.certificate}", f"--ssl-key={certificate.key}"]
            with MariaDb(*options) as server, self.observe(server.port) as observer:
                server.client("SELECT name FROM items; DELETE FROM items WHERE id = 3;", "--ssl")
                self.assert_operations(observer, ["DELETE", "SELECT"])


# Records like those of TLS, to and fro, by a program that has no library to be read: "go on" of them.
STRANGER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server = listener.accept()[0]
record = lambda kind, content: bytes([kind, 3, 3]) + len(content).to_bytes(2, "big") + content
client.sendall(record(22, b"\\x01" + bytes(200)))
server.recv(65536)
server.sendall(record(22, b"\\x02" + bytes(90)))
client.recv(65536)
for i in range(20):
    client.sendall(record(23, bytes(range(100))))
    server.recv(65536)
print("said", flush=True)
sys.stdin.read()
"""


class Libraries(case.Case):
    """Which files are attached to, when, and what is said of those that cannot be."""

    GO = f"{go.versions()[-1]}-exe-stripped"

    def setUp(self):
        self.certificate = self.enterContext(tls.Certificate())
        # One that runs: so its program is attached to before the client of a moment runs.
        self.enterContext(go.GoServer(self.GO))

    def ask(self, port, count, **more):
        """curl asks so many times."""
        for i in range(count):
            subprocess.run([places.program("curl"), "-sSk", "--noproxy", "*", "-o", os.devnull,
                            f"https://127.0.0.1:{port}/{i}"], check=True, timeout=30 * PATIENCE, **more)

    def copied_libraries(self):
        """A directory with a copy of libssl, which no path of the host names."""
        directory = self.enterContext(places.scratch())
        library = tls.library()
        shutil.copy(library, directory)
        return directory, os.path.join(directory, os.path.basename(library))

    def attached(self, agent):
        return {file["path"]: file for file in agent.status()["tls"]["files"] if "library" in file}

    def test_a_copy_that_a_process_maps_is_attached_to_and_let_go_of_again(self):
        with Nginx(tls=self.certificate) as nginx, Agent() as agent:
            directory, library = self.copied_libraries()
            self.assertNotIn(library, self.attached(agent))
            sleeper = Child([places.python(), "-c", "import ssl, sys; print('up', flush=True); sys.stdin.read()"],
                            env={**os.environ, "LD_LIBRARY_PATH": directory}, stdin=subprocess.PIPE, name="sleeper")
            with sleeper, agent.observer(nginx.port) as observer:
                sleeper.wait_for_line("up", "stdout")
                until(lambda: library in self.attached(agent), lambda: f"{self.attached(agent)}", 20)
                self.ask(nginx.port, 3, env={**os.environ, "LD_LIBRARY_PATH": directory})
                self.assertEqual(len(observer.wait(3, "client")), 3)
            os.remove(library)  # else it stays, for whoever runs next
            until(lambda: library not in self.attached(agent), lambda: f"{self.attached(agent)}", 90)

    def test_a_library_that_was_replaced_is_read_in_those_that_still_run_and_in_new_ones(self):
        directory, library = self.copied_libraries()
        env = {**os.environ, "LD_LIBRARY_PATH": directory}
        program = ("import ssl, sys, http.client\n"
                   "context = ssl._create_unverified_context()\n"
                   "print('up', flush=True)\n"
                   "for port in sys.stdin:\n"
                   "  c = http.client.HTTPSConnection('127.0.0.1', int(port), context=context)\n"
                   "  c.request('GET', '/old'); c.getresponse().read(); c.close()\n"
                   "  print('asked', flush=True)\n")
        with Nginx(tls=self.certificate) as nginx:
            old = subprocess.Popen([places.python(), "-c", program], env=env, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
            try:
                self.assertEqual(old.stdout.readline(), "up\n")
                shutil.copy(library, library + ".new")  # as a package manager does
                os.rename(library + ".new", library)
                new = subprocess.Popen([places.python(), "-c", program], env=env, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
                try:
                    self.assertEqual(new.stdout.readline(), "up\n")
                    with self.observe(nginx.port) as observer:
                        for client in (old, new):
                            client.stdin.write(f"{nginx.port}\n")
                            client.stdin.flush()
                            self.assertEqual(client.stdout.readline(), "asked\n")
                        clients = observer.wait(2, "client")
                        self.assertEqual({record.pid for record in clients}, {old.pid, new.pid})
                finally:
                    new.communicate(timeout=30)
            finally:
                old.communicate(timeout=30)

    def test_a_library_in_another_mount_namespace_is_found(self):
        directory, library = self.copied_libraries()
        hidden = ["unshare", "--mount", "--", "sh", "-c",
                  f"mount -t tmpfs none /mnt && cp {library} /mnt/ && LD_LIBRARY_PATH=/mnt exec \"$@\"", "sh"]
        with Nginx(tls=self.certificate) as nginx, Agent() as agent, agent.observer(nginx.port) as observer:
            sleeper = Child([*hidden, places.python(), "-c", "import ssl, sys; print('up', flush=True); sys.stdin.read()"],
                            stdin=subprocess.PIPE, name="sleeper")
            name = f"/mnt/{os.path.basename(library)}"
            with sleeper:
                sleeper.wait_for_line("up", "stdout")
                until(lambda: name in self.attached(agent), lambda: f"{self.attached(agent)}", 20)
                inside = f"/proc/{sleeper.pid}/ns/mnt"
                subprocess.run(["nsenter", f"--mount={inside}", "env", "LD_LIBRARY_PATH=/mnt", places.program("curl"), "-sSk",
                                "--noproxy", "*", "-o", os.devnull, f"https://127.0.0.1:{nginx.port}/inside"],
                               check=True, timeout=30 * PATIENCE)
                self.assertEqual(observer.wait(1, "client")[0].path, "/inside")

    def test_who_cannot_be_read_is_named_with_the_reason(self):
        with Agent() as agent:
            with Child([places.python(), "-c", STRANGER], stdin=subprocess.PIPE, name="stranger") as stranger:
                stranger.wait_for_line("said", "stdout")

                def named():
                    return [one for one in agent.status()["tls"]["opaque"] if one["pid"] == stranger.pid]
                until(named, lambda: agent.status()["tls"], 20)
                self.assertIn("no known TLS library", named()[0]["reason"])
                self.assertEqual(named()[0]["language"], "python")
                self.assertIn(f"(pid {stranger.pid})", run("status", "--config", agent.config).stdout)
            until(lambda: not named(), lambda: agent.status()["tls"], 20)

    def test_turned_off_it_attaches_to_nothing(self):
        with Nginx(tls=self.certificate) as nginx, Agent(more="") as agent:
            self.assertTrue(agent.status()["tls"]["watched"])
            agent.stop()
            agent.configure(tls="off")
            agent.start()
            self.assertFalse(agent.status()["tls"]["watched"])
            self.assertNotIn("tls", [sensor["name"] for sensor in agent.status()["sensors"]])
            with agent.observer(nginx.port) as observer:
                self.ask(nginx.port, 2)
                self.curl(f"http://127.0.0.1:{agent.port}/healthz")
                self.assertEqual(observer.records(), [])


class Privacy(case.Case):
    def test_what_is_secret_leaves_the_agent_nowhere(self):
        secrets = ("s3cret-authorization", "s3cret-cookie", "s3cret-api-key", "s3cret-token", "s3cret-set-cookie")
        location = 'location /login { add_header Set-Cookie "id=s3cret-set-cookie"; return 200 "x"; }'
        with tls.Certificate() as certificate, Nginx(tls=certificate, locations=location) as nginx, Agent() as agent, \
                agent.observer(nginx.port) as observer:
            # Not by curl's arguments, which the agent reads as those of a process.
            connection = http.client.HTTPSConnection("127.0.0.1", nginx.port, context=tls.trusting())
            with contextlib.closing(connection):
                connection.request("GET", "/login?token=s3cret-token&q=visible", headers={
                    "Authorization": "Bearer s3cret-authorization", "Cookie": "id=s3cret-cookie",
                    "X-API-Key": "s3cret-api-key"})
                connection.getresponse().read()
            for kind in ("server", "client"):
                self.assertIn("visible", observer.wait(1, kind)[0].query)
            outputs = [json.dumps(observer.all()), observer.child.output(), agent.get("/metrics")[1],
                       json.dumps(agent.status()), agent.child.output()]
            for secret in secrets:
                for output in outputs:
                    self.assertNotIn(secret, output)
                until(lambda: not core.find(agent.pid, secret.encode()),
                      lambda: f"{secret} is gone; it is in {core.find(agent.pid, secret.encode())}", 20)


if __name__ == "__main__":
    unittest.main()
