# SPDX-License-Identifier: Apache-2.0
"""DNS with real servers and resolvers, and the names that it gives to peers."""

import pathlib
import signal
import subprocess

from e2e.case import Case
from e2e.replay_test import replay
from support import dns, places
from support.child import Child
from support.dns import Dnsmasq, Host, Silent, Unbound
from support.network import Capture, Neighbour
from support.nginx import Nginx
from support.subfloor import PATIENT_RING, Agent, Observer
from support.waiting import PATIENCE, until

ZONE = ("host-record=a.test,10.1.0.1", "host-record=six.test,fd00::6", "cname=alias.test,a.test",
        "srv-host=_s._tcp.test,a.test,443,1,2", "mx-host=mail.test,a.test,10", "ptr-record=1.0.1.10.in-addr.arpa,a.test",
        "txt-record=text.test,planted-secret", "dns-rr=web.test,65,000100000100030268320004000401020304",
        *(f"txt-record=long.test,{c * 250}" for c in "abcdef"))


def config(directory, *ports):
    path = pathlib.Path(directory) / "dns.yaml"
    path.write_text(f'capture:\n  data_ring: {PATIENT_RING}\n  dns_ports: [{", ".join(map(str, ports))}]\napi:\n  socket: ""\n')
    return path


def gist(record):
    return " ".join(str(record.get(key)) for key in ("operation", "target", "dns.response_code"))


class DnsCase(Case):
    def setUp(self):
        scratch = places.scratch()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def watch(self, *servers):
        ports = [s if isinstance(s, int) else s.port for s in servers]
        return Observer(None, ports[0], config=config(self.directory, *ports))

    def dig(self, port, *arguments, server="127.0.0.1"):
        done = subprocess.run([places.program("dig"), f"@{server}", "-p", str(port), "+noall", "+answer", *map(str, arguments)],
                              capture_output=True, text=True, timeout=60 * PATIENCE)
        return done.stdout


class Dns(DnsCase):
    def test_every_type_of_question(self):
        expected = {"A a.test": "10.1.0.1", "AAAA six.test": "fd00::6", "A alias.test": "a.test,10.1.0.1",
                    "SRV _s._tcp.test": "1 2 443 a.test", "MX mail.test": "10 a.test",
                    "PTR 1.0.1.10.in-addr.arpa": "a.test", "TXT text.test": None, "HTTPS web.test": "1 ."}
        with Dnsmasq(*ZONE) as server, self.watch(server) as observer:
            for question in expected:
                kind, name = question.split()
                self.dig(server.port, name, kind)
            servers, clients = self.seen(observer, len(expected))
            for records, process, peer in ((servers, "dnsmasq", "dig"), (clients, "dig", "dnsmasq")):
                self.assertEqual({f"{r['operation']} {r['target']}": r.get("dns.answers") for r in records}, expected)
                for record in records:
                    self.assertEqual((record["dns.response_code"], record["status_code"], record.get("error.type"), record.partial,
                                      record.process, record.peer_process, record["network.transport"]),
                                     ("NOERROR", 0, None, False, process, peer, "udp"))
                    self.assertGreater(record.duration, 0)
            self.assertNotIn(b"planted-secret", b"".join(observer.child.stdout.since(0)))

    def test_no_such_name_is_the_clients_error(self):
        with Dnsmasq() as server, self.watch(server) as observer:
            self.dig(server.port, "nobody.test")
            servers, clients = self.seen(observer, 1)
            self.assertEqual((gist(clients[0]), clients[0]["error.type"]), ("A nobody.test NXDOMAIN", "NXDOMAIN"))
            self.assertEqual((gist(servers[0]), servers[0].get("error.type")), ("A nobody.test NXDOMAIN", None))

    def test_exact_counts_of_queries_at_once(self):
        ways = {"connected": dns.ask_many, "unconnected": lambda *a: dns.ask_many(*a, connected=False),
                "ipv6": lambda *a: dns.ask_many(*a, host="::1"),
                "sockets": lambda port, names: dns.in_parallel(len(names), lambda i: dns.ask_many(port, [names[i]]))}
        for way, ask in ways.items():
            for count in (1, 10, 100):
                with self.subTest(way=way, count=count), Dnsmasq(*ZONE) as server, self.watch(server) as observer:
                    names = [f"n{i}.test" for i in range(count)]
                    ask(server.port, names)
                    for records in self.seen(observer, count):
                        self.assertEqual(sorted(gist(r) for r in records), sorted(f"A {name} NXDOMAIN" for name in names))
                        self.assertFalse(any(r.partial for r in records))
                        self.assertFalse(any("dns.retries" in r for r in records))

    def test_exact_counts_of_queries_on_one_tcp_connection(self):
        for count in (1, 10, 100):
            names = [f"n{i}.test" for i in range(count)]
            data = [f'local-data: "{name} A 10.2.0.{i}"' for i, name in enumerate(names)]
            with self.subTest(count=count), Unbound('local-zone: "test" static', *data) as server, \
                    self.watch(server) as observer:
                dns.ask_many_over_tcp(server.port, names)
                for records in self.seen(observer, count):
                    self.assertEqual({r["target"]: r["dns.answers"] for r in records},
                                     {name: f"10.2.0.{i}" for i, name in enumerate(names)})
                    self.assertEqual({(r["network.transport"], r.partial) for r in records}, {("tcp", False)})

    def test_a_truncated_response_and_the_same_over_tcp(self):
        with Dnsmasq(*ZONE) as server, self.watch(server) as observer:
            self.dig(server.port, "long.test", "TXT", "+noedns")
            for records in self.seen(observer, 2):
                self.assertEqual([(gist(r), r["network.transport"], r.get("dns.truncated")) for r in records],
                                 [("TXT long.test NOERROR", "udp", "true"), ("TXT long.test NOERROR", "tcp", None)])

    def test_a_server_that_says_nothing(self):
        with Silent() as server, self.watch(server) as observer:
            self.dig(server.port, "a.test", "+tries=2", "+timeout=1")
            observer.wait(1, "client", 20)
            with dns.contextlib.closing(dns.socket.socket(dns.socket.AF_INET, dns.socket.SOCK_DGRAM)) as s:
                s.connect(("127.0.0.1", server.port))
                s.send(dns.query(7, "b.test"))
                waiting = observer.wait(3, "client", 20)
            self.assertEqual(observer.stop(), 0)
            self.assertEqual({(gist(r), r["error.type"], *r["partial_reasons"]) for r in waiting},
                             {(f"A {n}.test None", "timeout", "no_response") for n in "ab"})
            last = [r for r in waiting if r["target"] == "b.test"]
            self.assertEqual([r["duration_ns"] for r in last], [5_000_000_000])

    def test_the_answer_that_comes_after_the_agent(self):
        with Silent() as server, dns.contextlib.closing(dns.socket.socket(dns.socket.AF_INET, dns.socket.SOCK_DGRAM)) as s:
            s.settimeout(20 * PATIENCE)
            s.connect(("127.0.0.1", server.port))
            s.send(dns.query(7, "a.test"))
            server.hear()  # else an agent that sees datagrams taken would see it
            with self.watch(server) as observer:
                server.answer(3)
                s.recv(4096)
                s.send(dns.query(8, "a.test"))
                server.answer(3)
                s.recv(4096)
                for records in self.seen(observer, 2):
                    self.assertEqual([gist(r) for r in records], ["A a.test NXDOMAIN"] * 2)
                    self.assertEqual([r.get("partial_reasons") for r in records], [["joined_late"], None])

    def test_a_forwarder_is_a_server_and_a_client(self):
        with Unbound('local-zone: "test" static', 'local-data: "a.test A 10.1.0.1"') as upstream, \
                Dnsmasq(f"server=/test/127.0.0.1#{upstream.port}") as forwarder, self.watch(forwarder, upstream) as observer:
            self.dig(forwarder.port, "a.test")
            observer.port = None
            observer.wait(2, "server", target="a.test")
            observer.wait(2, "client", target="a.test")
            self.assertEqual(observer.stop(), 0)
            hops = [(r.kind, r.process, r.peer_process, r["dns.answers"]) for r in observer.records(target="a.test")
                    if r.server_port in (forwarder.port, upstream.port)]
            self.assertEqual(sorted(hops), [("client", "dig", "dnsmasq", "10.1.0.1"), ("client", "dnsmasq", "unbound", "10.1.0.1"),
                                            ("server", "dnsmasq", "dig", "10.1.0.1"), ("server", "unbound", "dnsmasq", "10.1.0.1")])

    def test_a_recursor_that_asks_an_authority(self):
        with Dnsmasq(*ZONE) as authority, \
                Unbound('local-zone: "test" nodefault', more=f'stub-zone:\n  name: "test"\n  stub-addr: 127.0.0.1@{authority.port}\n') as recursor, \
                self.watch(recursor, authority) as observer:
            self.dig(recursor.port, "a.test")
            servers, clients = self.seen(observer, 1, target="a.test")
            self.assertEqual((servers[0].process, clients[0].process), ("unbound", "dig"))
            observer.port = authority.port
            asked = [r for r in observer.records("client", target="a.test")]
            self.assertEqual({(r.process, r["dns.answers"]) for r in asked}, {("unbound", "10.1.0.1")})

    def test_over_a_link_between_namespaces(self):
        with Neighbour() as far:
            server = Dnsmasq("host-record=a.test,10.1.0.1", address=f"{far.theirs},{far.theirs6}",
                             prefix=("ip", "netns", "exec", far.name))
            with server, self.watch(server) as observer:
                for address in (far.theirs, far.theirs6):
                    self.assertIn("10.1.0.1", self.dig(server.port, "a.test", server=address))
                for records, peers in zip(self.seen(observer, 2), ((far.ours, far.ours6), (far.theirs, far.theirs6))):
                    self.assertEqual(tuple(r.peer_address for r in records), peers)
                    self.assertEqual({r.peer_process for r in records}, {"dig" if records[0].kind == "server" else "dnsmasq"})

    def test_a_recording_and_a_capture_replay_to_the_same_records(self):
        with Dnsmasq(*ZONE) as server, self.watch(server) as observer, Capture("lo", "port", str(server.port)) as capture:
            path = self.directory / "a.sfr"
            recorder = Child([places.binary(), "record", "--config", config(self.directory, server.port), path], name="record")
            recorder.wait_for_line("recording to")
            dns.ask_many(server.port, [f"n{i}.test" for i in range(50)])
            for arguments in (("alias.test",), ("long.test", "TXT", "+noedns"), ("a.test", "+tcp"), ("six.test", "AAAA")):
                self.dig(server.port, *arguments)
            dns.ask_many(server.port, ["last.test"])
            live = self.seen(observer, 56)
            self.assertEqual(recorder.stop(signal.SIGINT), 0)
            capture.wait_for(b"\x04last\x04test")
            capture.stop()

            def all_of(records):
                return sorted((gist(r), str(r.get("dns.answers")), r["network.transport"], r["request.size"], r["response.size"])
                              for r in records if r.server_port == server.port)
            recorded = [r for r in replay(path)[0]]
            for kind, expected in zip(("server", "client"), live):
                self.assertEqual(all_of(r for r in recorded if r.kind == kind), all_of(expected))
            self.assertEqual(all_of(replay(capture.path)[0]), all_of(live[0]))


class Resolvers(DnsCase):
    """Through /etc/resolv.conf, on a host of its own."""

    def test_getaddrinfo_asks_for_both_families(self):
        with Host("nameserver 127.0.0.1\n", "host-record=both.test,10.1.0.9,fd00::9") as host, self.watch(53) as observer:
            self.assertEqual(host.run("getent", "ahosts", "both.test").returncode, 0)
            for records in self.seen(observer, 2, target="both.test"):
                self.assertEqual({r["operation"]: r["dns.answers"] for r in records}, {"A": "10.1.0.9", "AAAA": "fd00::9"})
            self.assertEqual({r.process for r in observer.records("client", target="both.test")}, {"getent"})

    def test_metrics_tell_how_long_names_take(self):
        with Host("nameserver 127.0.0.1\n", "host-record=measured.test,10.1.0.9,fd00::9") as host, Agent() as agent:
            self.assertEqual(host.run("getent", "ahosts", "measured.test").returncode, 0)

            def counts(name):
                return {(labels["service"], labels["operation"]): value for found, labels, value in agent.metrics()
                        if found == f"{name}_milliseconds_count" and labels.get("target") == "measured.test"}
            both = {("getent", "A"): 1, ("getent", "AAAA"): 1}
            until(lambda: counts("dns_resolution_duration") == both, lambda: agent.get("/metrics")[1])
            self.assertEqual(counts("dns_server_request_duration"), {("dnsmasq", kind): 1 for kind in ("A", "AAAA")})
            bounds = {labels["le"] for name, labels, _ in agent.metrics() if name == "dns_resolution_duration_milliseconds_bucket"}
            self.assertEqual(bounds, {"1", "5", "10", "50", "100", "500", "+Inf"})

    def test_each_search_domain_is_a_query(self):
        resolv = "nameserver 127.0.0.1\nsearch first.test second.test\n"
        with Host(resolv, "host-record=searched.second.test,10.1.0.9") as host, self.watch(53) as observer:
            self.assertEqual(host.run("getent", "ahosts", "searched").returncode, 0)
            wanted = [f"{kind} searched.{where}" for where in ("first.test NXDOMAIN", "second.test NOERROR") for kind in ("A", "AAAA")]
            observer.wait(2, "client", target="searched.second.test")
            self.assertEqual(observer.stop(), 0)
            for kind in ("client", "server"):
                found = [r for r in observer.records(kind) if (r.target or "").startswith("searched.")]
                self.assertEqual(sorted(gist(r) for r in found), sorted(wanted))


class PeerNames(DnsCase):
    def test_a_client_says_whom_it_asked_for(self):
        zone = ("host-record=www.test,127.0.0.1", "cname=alias.test,www.test")
        with Host("nameserver 127.0.0.1\n", *zone) as host, self.watch(53) as observer:
            port = places.free_port()
            server = Child(host.command(places.python(), "-u", "-m", "http.server", port, "--bind", "127.0.0.1"), name="http.server")
            try:
                server.wait_for_line("Serving HTTP", "stdout")
                # Host says something else, so that it cannot be where the name comes from.
                for name in ("alias.test", "127.0.0.1"):
                    done = host.run("curl", "-sS", "--noproxy", "*", "-H", "Host: other.example", "-o", "/dev/null",
                                    f"http://{name}:{port}/{name}")
                    self.assertEqual(done.returncode, 0, done.stderr)
                observer.port = port
                named = observer.wait(1, "client", path="/alias.test")[0]
                self.assertEqual(named["server.address"], "alias.test")
                # Asked for by nobody of this process, but there is no other name for it.
                self.assertEqual(observer.wait(1, "client", path="/127.0.0.1")[0]["server.address"], "alias.test")
                self.assertEqual(observer.wait(2, "server")[0].get("server.address"), None)
            finally:
                server.stop()

    def test_two_names_for_one_address_are_told_by_who_asked_or_not_at_all(self):
        zone = ("host-record=one.test,127.0.0.1", "host-record=two.test,127.0.0.1")
        with Host("nameserver 127.0.0.1\n", *zone) as host, self.watch(53) as observer:
            port = places.free_port()
            server = Child(host.command(places.python(), "-u", "-m", "http.server", port, "--bind", "127.0.0.1"), name="http.server")
            try:
                server.wait_for_line("Serving HTTP", "stdout")
                for name in ("one.test", "two.test", "127.0.0.1"):
                    done = host.run("curl", "-sS", "--noproxy", "*", "-o", "/dev/null", f"http://{name}:{port}/{name}")
                    self.assertEqual(done.returncode, 0, done.stderr)
                observer.port = port
                for name, expected in (("one.test", "one.test"), ("two.test", "two.test"), ("127.0.0.1", None)):
                    record = observer.wait(1, "client", path=f"/{name}")[0]
                    self.assertEqual(record.get("server.address"), expected)
            finally:
                server.stop()
