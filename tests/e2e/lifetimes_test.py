# SPDX-License-Identifier: Apache-2.0
"""Connections older than the agent, agents that end in the middle, and what a killed one leaves."""

import os
import signal
import socket

from e2e.case import Case, on_every_rung
from support import bpf
from support.nginx import Nginx
from support.subfloor import Agent
from support.waiting import until
from support.wire import Wire, request

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"


class Pair:
    """Both ends of a TCP connection in this process, so that a test decides what happens between two bytes."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.client = Wire(self.port)
        self.server, _ = self.listener.accept()
        self.server.settimeout(30)
        return self

    def __exit__(self, *_):
        self.client.close()
        self.server.close()
        self.listener.close()

    def request(self, path):
        self.client.send(request(path))
        self.served = self.server.recv(65536)

    def respond(self):
        self.server.sendall(RESPONSE)
        return self.client.response()


@on_every_rung
class Lifetimes:
    def test_a_connection_older_than_the_agent_is_seen_from_its_next_request_on(self):
        with Nginx() as nginx, Wire(nginx.port) as wire:
            wire.ask("/before")
            with self.observe(nginx.port) as observer:
                for i in range(3):
                    wire.ask(f"/after/{i}")
                for records in self.seen(observer, 3):
                    self.assertEqual([(r.path, r.status) for r in records], [(f"/after/{i}", 200) for i in range(3)])
                    self.assertFalse(records[1].partial or records[2].partial, records)

    def test_a_response_whose_request_was_not_seen_makes_up_nothing(self):
        with Pair() as pair:
            pair.request("/unseen")
            with self.observe(pair.port) as observer:
                pair.respond()
                pair.request("/seen")
                pair.respond()
                observer.wait(1, "server", path="/seen")
                observer.wait(1, "client", path="/seen")
                observer.stop()
                for record in observer.records():
                    if record.path == "/seen":
                        self.assertEqual((record.method, record.status), ("GET", 200))
                    else:  # the orphan may be told of, as what it is
                        self.assertTrue(record.partial, record)
                        self.assertEqual((record.method, record.path), (None, None), record)

    def test_an_agent_restarted_in_the_middle_of_a_call_invents_no_status(self):
        with Pair() as pair:
            with self.observe(pair.port) as first:
                pair.request("/warm")
                pair.respond()
                first.wait(1, "server", path="/warm")
                pair.request("/cut")
                first.stop()
                for record in first.records(path="/cut"):
                    self.assertIsNone(record.status, record)
                    self.assertTrue(record.partial, record)
            with self.observe(pair.port) as second:
                pair.respond()
                pair.request("/next")
                pair.respond()
                second.wait(1, "server", path="/next")
                second.wait(1, "client", path="/next")
                second.stop()
                self.assertEqual(second.records(path="/cut"), [])
                self.assertEqual([r.status for r in second.records(path="/next")], [200, 200])

    def test_a_client_that_gives_up_leaves_a_request_without_status(self):
        with Pair() as pair, self.observe(pair.port) as observer:
            pair.request("/abandoned")
            pair.client.reset()
            with self.assertRaises(ConnectionError):
                pair.server.recv(1)
            pair.server.close()
            for record in sum(self.seen(observer, 1), []):
                self.assertEqual((record.path, record.status, record.partial), ("/abandoned", None, True))

    def test_a_request_without_answer_is_shown_when_observe_ends(self):
        with Pair() as pair, self.observe(pair.port) as observer:
            pair.request("/answered")
            pair.respond()
            observer.wait(1, "server", path="/answered")
            pair.request("/unanswered")
            self.assertEqual(observer.stop(), 0)
            for kind in ("server", "client"):
                record, = observer.records(kind, path="/unanswered")
                self.assertEqual((record.method, record.status, record.partial), ("GET", None, True))

    def test_a_response_cut_short_is_partial_and_keeps_its_status(self):
        with Pair() as pair, self.observe(pair.port) as observer:
            pair.request("/short")
            pair.server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            pair.server.close()
            with self.assertRaises(EOFError):
                pair.client.response()
            pair.client.close()
            for record in sum(self.seen(observer, 1), []):
                self.assertEqual((record.path, record.status, record.partial), ("/short", 200, True))
                self.assertEqual(record.response_bytes, 3)


@on_every_rung
class Closed:
    def assert_forgotten(self, nginx, agent):
        def connections():
            return sum(value for name, labels, value in agent.metrics()
                       if name == "tcp_connections_active" and labels.get("service") == "nginx")

        before = connections()
        for i in range(100):
            with Wire(nginx.port) as wire:
                wire.ask(f"/{i}")
        with Wire(nginx.port) as wire, agent.observer(nginx.port) as observer:
            wire.ask("/last")
            observer.wait(1, "server", path="/last")
            until(lambda: connections() <= before + 1, lambda: f"{before} connections before, now {connections()}")
            self.assertGreaterEqual(connections(), before + 1)

    def test_closed_connections_are_forgotten(self):
        with Nginx() as nginx, Agent(rung=self.rung) as agent:
            self.assert_forgotten(nginx, agent)

    def test_closed_connections_are_forgotten_where_ports_are_listed(self):
        with Nginx() as nginx, Agent(rung=self.rung, ports=f"[{nginx.port}]") as agent:
            self.assert_forgotten(nginx, agent)

    def test_an_unanswered_request_is_counted_where_ports_are_listed(self):
        with Pair() as pair, Agent(rung=self.rung, ports=f"[{pair.port}]") as agent:
            with agent.observer(pair.port) as observer:
                pair.request("/unanswered")
                pair.client.reset()
                pair.server.close()
                for record in sum(self.seen(observer, 1), []):
                    self.assertEqual((record.path, record.status, record.partial), ("/unanswered", None, True))


@on_every_rung
class Killed:
    def test_a_killed_agent_leaves_nothing_attached_and_the_next_one_starts(self):
        with Nginx() as nginx, Agent(rung=self.rung) as agent:
            programs = {p["id"] for p in bpf.programs(agent.pid)}
            links = {l["id"] for l in bpf.links(agent.pid)}
            self.assertTrue(programs)
            self.assertTrue(links)
            self.assertEqual(agent.stop(signal.SIGKILL), -signal.SIGKILL)
            until(lambda: not bpf.alive(programs) and not bpf.links_alive(links),
                  lambda: f"gone: {bpf.alive(programs)} {bpf.links_alive(links)}")
            agent.start()
            with agent.observer(nginx.port) as observer:
                self.curl(nginx.url("/again"))
                servers, _ = self.seen(observer, 1)
                self.assert_call(servers[0], "/again")


class Stopped(Case):
    def test_a_stopped_agent_leaves_nothing_loaded_and_removes_its_socket(self):
        with Agent() as agent:
            programs = {p["id"] for p in bpf.programs(agent.pid)}
            self.assertTrue(programs)
            self.assertEqual(agent.stop(), 0)
            until(lambda: not bpf.alive(programs), "the programs are gone")
            self.assertFalse(os.path.exists(agent.socket))
