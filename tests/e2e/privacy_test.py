# SPDX-License-Identifier: Apache-2.0
"""Secrets never leave the process; what is not HTTP is not reported as such."""

import contextlib
import os
import pathlib
import socket
import ssl
import subprocess
import threading

from e2e.case import Case, on_every_rung
from support import core, places
from support.nginx import Nginx
from support.subfloor import Agent
from support.waiting import until
from support.wire import Wire

SECRET = "s3cr3t-9f2c"
HEADERS = "".join(f"{name}: {SECRET}-{name}\r\n" for name in
                  ("aUTHORIZATION", "Cookie", "X-API-Key", "Proxy-Authorization"))
COOKIE = f'add_header Set-Cookie "sid={SECRET}" always;'


class Redaction(Case):
    def test_secrets_never_reach_the_output(self):
        body = f"password={SECRET}".encode()
        with Nginx(locations=f"location /login {{ {COOKIE} return 200; }}") as nginx, self.observe(nginx.port) as observer:
            with Wire(nginx.port) as wire:
                wire.ask(f"/login?a=1&token={SECRET}&PASSWORD={SECRET}&api_key={SECRET}&b=2", "POST", HEADERS, body)
            servers, clients = self.seen(observer, 1)
            for record in servers + clients:
                self.assert_call(record, "/login", method="POST")
                self.assertIn("a=1", record.query)
                self.assertIn("b=2", record.query)
                self.assertIn("token=", record.query)
                self.assertEqual(record.get("http.request.header.authorization"), ["[redacted]"])
                self.assertEqual(record.get("http.response.header.set-cookie"), ["[redacted]"])
                self.assertEqual(record.get("http.request.header.host"), ["test"])
            self.assertNotIn(SECRET, observer.child.stderr.text())
            self.assertNotIn(SECRET, observer.child.stdout.text())

    def test_secrets_never_reach_the_metrics_or_the_log(self):
        with Nginx() as nginx, Agent() as agent:
            with agent.observer(nginx.port) as observer:
                with Wire(nginx.port) as wire:
                    wire.ask(f"/x?token={SECRET}", headers=HEADERS)
                self.seen(observer, 1)
            self.assertNotIn(SECRET, agent.get("/metrics")[1])
            self.assertNotIn(SECRET, agent.child.output())


@on_every_rung
class Memory:
    def test_no_secret_outlives_its_request_in_the_agents_memory(self):
        with Nginx() as nginx, Agent(self.rung, ports=f"[{nginx.port}]") as agent:
            def ask(number):
                with Wire(nginx.port) as wire:
                    wire.ask(f"/x{number}?token={SECRET}&more=1", headers=HEADERS, body=f"card={SECRET}".encode())
                head = f"GET /cut{number}?api_key={SECRET} HTTP/1.1\r\nHost: test\r\n{HEADERS}\r\n".encode()
                with Wire(nginx.port) as wire:
                    wire.send_in_bits(head, 100)

            for observed in (False, True):
                with agent.observer(nginx.port) if observed else contextlib.nullcontext() as observer:
                    before = agent.calls()
                    for number in range(50):
                        ask(number)
                    until(lambda: agent.calls() >= before + 200, "every call has been told of")
                    if observed:
                        observer.wait(100, "server")
                self.assertEqual(core.find(agent.child.pid, SECRET.encode()), [], f"observed: {observed}")


class Echo:
    """A server in this process that answers every message with itself; `wrap` may put TLS around it."""

    def __init__(self, wrap=lambda connection: connection):
        self._wrap = wrap
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._wrap(connection) as wrapped:
                while data := wrapped.recv(65536):
                    wrapped.sendall(data)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@on_every_rung
class Foreign:
    def after_the_foreign_traffic(self, observer, nginx):
        """A request made last is the only record there is."""
        self.curl(nginx.url("/last"))
        observer.wait(1, "server", path="/last")
        observer.stop()

    def test_a_binary_protocol_yields_no_records(self):
        echo = Echo()
        with Nginx() as nginx, self.observe() as observer:
            with socket.create_connection(("127.0.0.1", echo.port)) as connection:
                for message in (b"\xfeunknown\r\n\x00", os.urandom(3000), b"\x16\x03\x01" + bytes(100)):
                    connection.sendall(message)
                    connection.recv(65536)
            self.after_the_foreign_traffic(observer, nginx)
            self.assertEqual([r for r in observer.records() if r.server_port == echo.port], [])
        echo.close()

    def test_a_protocol_that_looks_like_http_for_a_few_bytes_yields_no_records(self):
        echo = Echo()
        with Nginx() as nginx, self.observe() as observer:
            with socket.create_connection(("127.0.0.1", echo.port)) as connection:
                for message in (b"GET key\r\n", b"GET \x00\x01\x02\x03\r\n\r\n", b"POST", b"\x00\x01" * 100):
                    connection.sendall(message)
                    connection.recv(65536)
            self.after_the_foreign_traffic(observer, nginx)
            self.assertEqual([r for r in observer.records() if r.server_port == echo.port], [])
        echo.close()

    def test_tls_that_is_not_read_yields_no_records(self):
        with places.scratch() as directory:
            config = pathlib.Path(directory) / "no_tls.yaml"
            config.write_text('capture: {tls: false}\napi: {socket: ""}\n')
            key, certificate = pathlib.Path(directory) / "key", pathlib.Path(directory) / "cert"
            subprocess.run([places.program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=t",
                            "-keyout", key, "-out", certificate], check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            trusting = ssl.create_default_context(cafile=certificate)
            trusting.check_hostname = False
            echo = Echo(lambda connection: context.wrap_socket(connection, server_side=True))
            with Nginx() as nginx, self.observe(config=config) as observer:
                with trusting.wrap_socket(socket.create_connection(("127.0.0.1", echo.port))) as connection:
                    for _ in range(10):
                        connection.sendall(b"GET /secret HTTP/1.1\r\n\r\n")
                        connection.recv(65536)
                self.after_the_foreign_traffic(observer, nginx)
                self.assertEqual([r for r in observer.records() if r.server_port == echo.port], [])
            echo.close()

    def test_an_unknown_protocol_is_switched_off_in_the_kernel(self):
        echo = Echo()
        with Agent(rung=self.rung, ports=f"[{echo.port}]") as agent:
            with socket.create_connection(("127.0.0.1", echo.port)) as connection:
                def talk(times):
                    before = submitted(agent)
                    for _ in range(times):
                        connection.sendall(b"\x01\x02\x03\x04" * 8)
                        connection.recv(65536)
                    return submitted(agent) - before

                until(lambda: talk(200) == 0, "the connection is switched off")
                self.assertEqual(talk(2000), 0)
        echo.close()


def submitted(agent):
    """Transfers that the TCP sensor's programs have sent up so far."""
    return sum(value for name, labels, value in agent.metrics()
               if name == "subfloor_sensor_submitted_total" and labels["sensor"] in ("tcp_send", "tcp_receive"))
