# SPDX-License-Identifier: Apache-2.0
"""Calls inside TLS, read at the library: who asked what of whom, from both ends, with counts that are exact."""

import collections
import http.client
import os
import shutil
import signal
import subprocess
import unittest

from support import places, tls
from support.child import Child
from support.mariadb import MariaDb
from support.nginx import Nginx
from support.postgres import Postgres
from support.redis import Redis
from support.subfloor import Agent
from support.waiting import PATIENCE, until

from . import case


class Https(case.Case):
    """HTTP over TLS in pairs of servers and clients."""

    def setUp(self):
        self.certificate = self.enterContext(tls.Certificate())

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

    def test_of_gnutls(self):
        with tls.GnutlsServer(self.certificate) as server, self.observe(server.port) as observer:
            self.curl("-k", "--http1.1", f"https://127.0.0.1:{server.port}/by-curl")
            tls.gnutls_client(server.port, "GET /by-gnutls HTTP/1.0\r\n\r\n")
            servers, clients = self.seen(observer, 2)
            for records in (servers, clients):
                self.assertEqual([record.path for record in records], ["/by-curl", "/by-gnutls"])
            self.assertEqual(clients[1].process, "gnutls-cli")

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
            settings = f"ssl = on\nssl_cert_file = '{certificate.certificate}'\nssl_key_file = '{certificate.key}'\n"
            with Postgres(settings) as server, self.observe(server.port) as observer:
                server.psql("CREATE TABLE t (a int)", "SELECT 1", PGSSLMODE="require")
                self.assert_operations(observer, ["CREATE TABLE", "SELECT"])

    def test_redis(self):
        with tls.Certificate() as certificate:
            port = places.free_port()
            options = ["--tls-port", str(port), "--tls-cert-file", certificate.certificate, "--tls-key-file",
                       certificate.key, "--tls-auth-clients", "no"]
            with Redis(*options), self.observe(port) as observer:
                for command in (["SET", "a", "1"], ["GET", "a"]):
                    subprocess.run([places.program("redis-cli"), "--tls", "--insecure", "-p", str(port), *command],
                                   check=True, capture_output=True, timeout=30 * PATIENCE)
                self.assert_operations(observer, ["GET", "SET"])

    def test_mariadb(self):
        user = "mysql" if tls.has_user("mysql") else "nobody"
        with tls.Certificate(user) as certificate:
            options = [f"--ssl-cert={certificate.certificate}", f"--ssl-key={certificate.key}"]
            with MariaDb(*options) as server, self.observe(server.port) as observer:
                server.client("SELECT name FROM items; DELETE FROM items WHERE id = 3;", "--ssl")
                self.assert_operations(observer, ["DELETE", "SELECT"])


if __name__ == "__main__":
    unittest.main()
