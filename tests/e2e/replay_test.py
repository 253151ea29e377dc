# SPDX-License-Identifier: Apache-2.0
"""`subfloor replay` of captures gives the records that live capture of the same traffic gave."""

import datetime
import gzip
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import sys

from e2e.case import Case
from support import places, records
from support.child import Child
from support.haproxy import Haproxy
from support.network import Capture, Neighbour
from support.nginx import Nginx
from support.servers import python_server
from support.subfloor import run
from support.waiting import until
from support.wire import Wire, request

COMPARED = ("method", "path", "query", "status", "request_bytes", "response_bytes", "version", "partial")
LAST = "/last-of-all"
CLOCK_SLACK = datetime.timedelta(milliseconds=5)  # between two programs' ideas of the wall clock


def replay(path, *arguments):
    """(records, what it said) of a capture that can be read whole."""
    done = run("replay", "-o", "json", path, *arguments, seconds=120)
    assert done.returncode == 0, done.stderr
    return records.parse(done.stdout.splitlines()), done.stderr


def headers(record):
    return {key: value for key, value in record.items() if ".header." in key}


def by_connection(found):
    """What is compared of each record, in order, by the client's address."""
    connections = {}
    for record in found:
        key = (record.local_address, record["network.local.port"], record.peer_address, record["network.peer.port"])
        connections.setdefault(key, []).append(({name: getattr(record, name) for name in COMPARED}, headers(record)))
    return connections


def start_of(record):
    """To the microsecond, below."""
    return datetime.datetime.fromisoformat(record["time"][:26] + "+00:00")


def end_of(record):
    return start_of(record) + datetime.timedelta(microseconds=record["duration_ns"] / 1000)


def talk(wire, nginx):
    """A conversation with everything that HTTP/1.1 has."""
    for i in range(3):
        wire.ask(f"/keep/{i}?q={i}")
    wire.send(b"".join(request(f"/status/{(204, 404)[i % 2]}?p={i}") for i in range(10)))
    for _ in range(10):
        wire.response()
    wire.ask("/file/small", "HEAD")
    wire.ask("/file/small")
    wire.ask("/file/large")
    wire.send_in_bits(request("/bits?a=b", headers="X-Filler: abc\r\n"), 7)
    wire.response()
    wire.send(b"POST /upload HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
    if wire.response()[0] == 100:
        wire.send(b"x" * 5000)
        wire.response()
    wire.ask("/upload", "POST", body=b"y" * 300_000)
    wire.send(b"POST /upload HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    wire.send(b"6;name=value\r\n world\r\n0\r\n\r\n")
    wire.response()


def with_tags(capture, tags, twice=False):
    """A pcap file of Ethernet with VLAN tags in every frame; `twice`: each frame with them and without."""
    out, at = [capture[:24]], 24
    tag = b"".join(struct.pack("!HH", kind, 5) for kind in tags)
    while at < len(capture):
        seconds, fraction, captured, length = struct.unpack_from("<IIII", capture, at)
        frame = capture[at + 16:at + 16 + captured]
        out.append(struct.pack("<IIII", seconds, fraction, captured + len(tag), length + len(tag)))
        out.append(frame[:12] + tag + frame[12:])
        if twice:
            out.append(capture[at:at + 16 + captured])
        at += 16 + captured
    return b"".join(out)


class Replay(Case):
    def compare(self, capture, observer, ports):
        """Both have the same calls of these servers; returns them in pairs (live, replayed)."""
        replayed, said = replay(capture)
        self.assertNotIn("calls may be missing", said)
        replayed = [r for r in replayed if r.server_port in ports]
        live = [r for r in observer.records("server") if r.server_port in ports]
        self.assertEqual(by_connection(live), by_connection(replayed))
        for record in replayed:
            self.assertEqual(record.kind, "server")
            self.assertEqual([key for key in record if key.startswith(("process.", "peer.", "service.", "container."))], [])
        self.assert_within_the_clients_view(observer, replayed, ports)
        return replayed

    def assert_within_the_clients_view(self, observer, replayed, ports):
        """On the wire a call begins after its client began it, and ends before its client had the end of it."""
        clients = {}
        for record in observer.records("client"):
            if record.server_port in ports:
                clients.setdefault(record["network.local.port"], []).append(record)
        for record in replayed:
            client = clients[record["network.peer.port"]].pop(0)
            self.assertEqual(client.path, record.path)
            self.assertLessEqual(start_of(client) - CLOCK_SLACK, start_of(record))
            self.assertLessEqual(end_of(record), end_of(client) + CLOCK_SLACK)

    def finish(self, observer, capture, wire, count, ports):
        wire.ask(LAST)
        capture.wait_for(LAST.encode())
        until(lambda: len([r for r in observer.records("server") if r.server_port in ports]) >= count,
              lambda: f"{count} records: {observer.records('server')}")
        until(lambda: len([r for r in observer.records("client") if r.server_port in ports]) >= count, "client records")

    def on_loopback(self, interface, flags=()):
        with Nginx() as nginx, Haproxy(nginx.port) as haproxy, self.observe() as observer:
            ports = (nginx.port, haproxy.port)
            nginx.file("small", 1000)
            nginx.file("large", 3_000_000)
            wanted = f"tcp port {nginx.port} or tcp port {haproxy.port}"
            with Capture(interface, wanted, flags=flags) as capture:
                with Wire(nginx.port) as wire:
                    talk(wire, nginx)
                with Wire(nginx.port, "::1") as wire:
                    talk(wire, nginx)
                with Wire(haproxy.port) as wire:
                    talk(wire, nginx)
                self.assertEqual(self.curl(nginx.url("/curl")), "hello from nginx\n")
                with Wire(nginx.port) as wire:
                    self.finish(observer, capture, wire, 80, ports)
                capture.stop()
                yield capture.path, observer, ports

    def test_a_capture_on_loopback_has_the_live_records(self):
        for path, observer, ports in self.on_loopback("lo"):
            self.compare(path, observer, ports)

    def test_a_capture_of_all_interfaces_has_the_live_records(self):
        for path, observer, ports in self.on_loopback("any"):
            self.compare(path, observer, ports)

    def test_nanosecond_stamps_and_gzip_are_read(self):
        for path, observer, ports in self.on_loopback("lo", ("--time-stamp-precision=nano",)):
            self.compare(path, observer, ports)
            packed = pathlib.Path(f"{path}.gz")
            packed.write_bytes(gzip.compress(path.read_bytes(), 1))
            self.compare(packed, observer, ports)

    def test_short_snapshots_lose_bodies_and_keep_calls(self):
        for path, observer, ports in self.on_loopback("lo", ("-s", "600")):
            self.compare(path, observer, ports)

    def next_door(self):
        port = places.free_port()
        with Nginx(locations=f"listen 0.0.0.0:{port}; listen [::]:{port};") as nginx, Neighbour() as neighbour:
            nginx.file("small", 1000)
            nginx.file("large", 3_000_000)
            with self.observe() as observer, Capture(neighbour.link) as capture:
                for host in (neighbour.ours, neighbour.ours6):
                    with neighbour.entered():
                        wire = Wire(port, host)
                    with wire:
                        talk(wire, nginx)
                with neighbour.entered():
                    wire = Wire(port, neighbour.ours)
                with wire:
                    self.finish(observer, capture, wire, 41, (port,))
                capture.stop()
                yield capture.path, observer, (port,)

    def test_a_capture_on_a_veth_pair_has_the_live_records(self):
        for path, observer, ports in self.next_door():
            self.compare(path, observer, ports)

    def test_vlan_tags_and_packets_captured_twice_make_no_difference(self):
        # Kernels without VLAN devices exist: the tags are put in afterwards. Twice is how an interface that carries a
        # VLAN, and the VLAN's own, are captured together.
        for path, observer, ports in self.next_door():
            original = path.read_bytes()
            for tags in ((0x8100,), (0x88a8, 0x8100)):
                path.write_bytes(with_tags(original, tags))
                self.compare(path, observer, ports)
            path.write_bytes(with_tags(original, (0x8100,), twice=True))
            self.compare(path, observer, ports)

    def test_chunked_and_endless_responses_have_the_live_records(self):
        with python_server() as server, self.observe(server.port) as observer, Capture("lo", "tcp port", server.port) as capture:
            with Wire(server.port) as wire:
                wire.ask("/chunked/a")
                wire.ask("/status/304")
                wire.ask("/chunked/b", "POST", body=b"z" * 70_000)
            self.assertEqual(len(self.curl(server.url("/close"))), 10_000)
            with Wire(server.port) as wire:
                self.finish(observer, capture, wire, 5, (server.port,))
            capture.stop()
            self.compare(capture.path, observer, (server.port,))

    def test_calls_that_were_broken_off_are_partial_in_both(self):
        with Nginx() as nginx, self.observe(nginx.port) as observer, Capture("lo", "tcp port", nginx.port) as capture:
            nginx.file("large", 30_000_000)
            with Wire(nginx.port) as wire:
                wire.send(request("/file/large"))
                wire.socket.recv(10_000)
                wire.reset()
            with Wire(nginx.port) as wire:
                wire.send(b"POST /upload HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\nonly this")
            with Wire(nginx.port) as wire:
                self.finish(observer, capture, wire, 3, (nginx.port,))
            capture.stop()
            replayed = [r for r in replay(capture.path)[0] if r.server_port == nginx.port]
            live = observer.records("server")
            told = [(r.method, r.path, r.partial) for r in live]
            self.assertEqual(sorted(told), sorted((r.method, r.path, r.partial) for r in replayed))
            self.assertIn(("GET", "/file/large", True), told)
            self.assertIn(("POST", "/upload", True), told)

    def test_a_capture_that_begins_within_a_connection_goes_on_from_the_next_request(self):
        with Nginx() as nginx, Wire(nginx.port) as wire:
            wire.ask("/before")
            with Capture("lo", "tcp port", nginx.port) as capture:
                wire.ask("/within")
                wire.ask(LAST)
                capture.wait_for(LAST.encode())
                with Wire(nginx.port) as other:
                    other.ask("/marker")
                capture.wait_for(b"/marker")
                capture.stop()
                told = [(r.path, r.status, r.server_port) for r in replay(capture.path)[0] if r.server_port == nginx.port]
                self.assertEqual(told[:2], [("/within", 200, nginx.port), (LAST, 200, nginx.port)])


class ReplayCommand(Case):
    @classmethod
    def setUpClass(cls):
        cls.scratch = places.scratch()
        cls.path = pathlib.Path(cls.scratch.name) / "some.pcap"
        with Nginx() as nginx, Capture("lo", "tcp port", nginx.port) as capture:
            with Wire(nginx.port) as wire:
                for i in range(200):
                    wire.ask(f"/status/{(204, 404)[i % 2]}?{i}", headers="Authorization: Bearer secret\r\n")
                wire.ask(LAST)
            capture.wait_for(LAST.encode())
            with Wire(nginx.port) as wire:
                wire.ask("/marker")
            capture.wait_for(b"/marker")
            capture.stop()
            cls.path.write_bytes(capture.path.read_bytes())

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_filters_and_limit_choose_what_is_shown(self):
        self.assertEqual({r.status for r in replay(self.path, "--status", "404")[0]}, {404})
        self.assertEqual(len(replay(self.path, "--limit", 7)[0]), 7)
        self.assertEqual(replay(self.path, "--trace", "1" * 32)[0], [])

    def test_secrets_are_redacted(self):
        done = run("replay", "-o", "json", self.path)
        self.assertNotIn("Bearer", done.stdout)
        self.assertIn("authorization", done.stdout)

    def test_the_table_names_the_addresses(self):
        done = run("replay", self.path)
        line = next(line for line in done.stdout.splitlines() if LAST in line)
        self.assertRegex(line, r"127\.0\.0\.1:\d+ +→ 127\.0\.0\.1:\d+ .*GET +/last-of-all +200")
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_standard_input_is_read(self):
        with open(self.path, "rb") as file:
            done = subprocess.run([places.binary(), "replay", "-o", "json", "-"], stdin=file, capture_output=True,
                                  text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), len(replay(self.path)[0]))

    def test_a_file_that_breaks_off_gives_what_it_has_and_exit_code_4(self):
        cut = pathlib.Path(self.scratch.name) / "cut.pcap"
        content = self.path.read_bytes()
        cut.write_bytes(content[:len(content) // 2])
        done = run("replay", "-o", "json", cut)
        self.assertEqual(done.returncode, 4)
        self.assertRegex(done.stderr, rf"subfloor: {cut}: offset \d+: truncated dump file")
        self.assertGreater(len(done.stdout.splitlines()), 50)

    def test_what_is_no_capture_is_exit_code_2(self):
        for path, why in (("/etc/hostname", "neither pcap nor pcapng"), ("/nonexistent", "No such file"),
                          ("/tmp", "directory")):
            done = run("replay", path)
            self.assertEqual(done.returncode, 2)
            self.assertIn(why, done.stderr)
        done = run("replay", "--pid", 1, self.path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--pid", done.stderr)

    def test_interrupted_it_stops_and_says_where(self):
        reader, writer = os.pipe()
        child = subprocess.Popen([places.binary(), "replay", "-o", "json", "-"], stdin=reader, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        os.close(reader)
        os.write(writer, self.path.read_bytes()[:50_000])
        until(lambda: "pipe" in pathlib.Path(f"/proc/{child.pid}/wchan").read_text(), "it waits for the pipe")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(10), 0)
        self.assertIn("stopped after", child.stderr.read())
        child.stderr.close()
        os.close(writer)

    def test_a_reader_that_goes_away_ends_it(self):
        child = subprocess.Popen([places.binary(), "replay", "-o", "json", self.path], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        child.stdout.close()
        self.assertEqual(child.wait(10), 0)
        self.assertEqual(child.stderr.read(), b"")
        child.stderr.close()

    def test_privileges_are_not_needed(self):
        os.chmod(self.path, 0o644)
        os.chmod(self.scratch.name, 0o755)
        done = run("replay", "-o", "json", self.path,
                   prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), len(replay(self.path)[0]))

    def test_progress_is_for_terminals_only(self):
        self.assertNotIn("\r", run("replay", self.path).stderr)
        content = self.path.read_bytes()
        terminal, other = pty.openpty()
        child = subprocess.Popen([places.binary(), "replay", "-o", "json", "-"], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, stderr=other)
        os.close(other)
        child.stdin.write(content)
        while not select.select([terminal], [], [], 0)[0]:  # until it has read for long enough to say so
            child.stdin.write(content[24:])
        self.assertRegex(os.read(terminal, 4096).decode(), r"^\r\x1b\[K\S+ · \d+ calls")
        child.stdin.close()
        self.assertEqual(child.wait(20), 0)
        os.close(terminal)
