# SPDX-License-Identifier: Apache-2.0
"""Under load every request is counted, and every loss."""

import contextlib
import os
import pathlib
import subprocess
import threading

from e2e.case import on_every_rung
from support import places
from support.nginx import Nginx
from support.records import parse
from support.subfloor import PATIENT_RING, Agent, completeness, lost
from support.waiting import Timeout, until
from support.wire import Wire


def wrk(url, seconds, connections=64, threads=2):
    done = subprocess.run([places.program("wrk"), f"-t{threads}", f"-c{connections}", f"-d{seconds}s", url],
                          capture_output=True, text=True, timeout=seconds + 30)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def counted(agent, kind):
    """Calls of that kind in the agent's duration histogram."""
    return sum(value for name, _, value in agent.metrics()
               if name.startswith(f"http_{kind}_request_duration") and name.endswith("_count"))


@on_every_rung
class Load:
    def test_the_records_of_a_full_load_equal_the_servers_own_count(self):
        with Nginx(workers=2) as nginx:
            # Only the port of this nginx: nothing else on this host can then be in the count.
            with Agent(rung=self.rung, ports=f"[{nginx.port}]", data_ring=PATIENT_RING) as agent:
                before = nginx.requests()
                wrk(nginx.url("/load"), 4)
                served = nginx.requests() - before - 1
                self.assertGreater(served, 1000)
                nginx.requests()
                # The three questions to stub_status are requests as well. Once the last is counted, all is.
                until(lambda: counted(agent, "server") >= served + 3,
                      lambda: f"{served} + 3 records; there are {counted(agent, 'server')}; {agent.status()}")
                self.assertEqual(counted(agent, "server"), served + 3)
                status = agent.status()
                self.assertEqual(lost(status), 0, status)
                self.assertEqual(completeness(status), 1.0, status)

    def test_every_record_of_a_load_is_printed_once(self):
        with Nginx(workers=2) as nginx, places.scratch() as directory:
            printed = Printed(pathlib.Path(directory) / "records", b'"/file/printed"')
            with self.observe(out=printed.path) as observer:
                nginx.file("printed", 256 * 1024)  # so large that not more calls come than can be printed
                before = nginx.requests()
                wrk(nginx.url("/file/printed"), 1, connections=8, threads=1)
                served = nginx.requests() - before - 1
                until(lambda: printed.count(b'"server"') >= served and printed.count(b'"client"') >= served,
                      lambda: f"{served} lines; {printed.counts}; {observer.child.stderr.text()}", 20)
                self.assertEqual(observer.stop(), 0)
            found = [r for r in parse(printed.lines()) if r.kind == "server" and r.server_port == nginx.port]
            self.assertEqual(len(found), served)
            self.assertEqual(len({r["span_id"] for r in found}), served)
            for record in found:
                self.assertIn((record.method, record.status), (("GET", 200), ("GET", None)), record)
                self.assertTrue(record.status or record.partial, record)

    def test_connections_opened_during_a_load_have_their_addresses(self):
        with Nginx(workers=2) as nginx, self.observe(nginx.port, arguments=("--pid", os.getpid())) as observer:
            load = threading.Thread(target=wrk, args=(nginx.url("/load"), 2))
            load.start()
            asked = 0
            while load.is_alive():
                with Wire(nginx.port) as wire:
                    wire.ask(f"/new/{asked}")
                asked += 1
            load.join()
            with contextlib.suppress(Timeout):
                until(lambda: len(observer.all()) >= asked, "all are there", 10)
            observer.stop()
            self.assertEqual(len(observer.all()), asked, observer.child.stderr.text())  # which ends with the losses
            for record in observer.all():
                self.assertEqual(record.server_port, nginx.port, record)
                self.assertEqual(record.peer_process, "nginx", record)


class Printed:
    """A growing file of records: its lines that contain `marker`, counted as they come."""

    def __init__(self, path, marker):
        self.path, self.marker, self.counts = path, marker, {}
        self._offset, self._kept = 0, []

    def _read(self):
        with open(self.path, "rb") as file:
            file.seek(self._offset)
            while (line := file.readline()).endswith(b"\n"):
                self._offset += len(line)
                if self.marker in line:
                    self._kept.append(line)

    def lines(self):
        self._read()
        return self._kept

    def count(self, text):
        counted, number = self.counts.get(text, (0, 0))
        lines = self.lines()
        number += sum(text in line for line in lines[counted:])
        self.counts[text] = (len(lines), number)
        return number


@on_every_rung
class Overload:
    def test_with_a_tiny_ring_losses_are_counted_and_capture_recovers_within_one_request(self):
        with Nginx(workers=2) as nginx, places.scratch() as directory, contextlib.ExitStack() as stack:
            everything = Printed(pathlib.Path(directory) / "records", b"{")
            agent = stack.enter_context(Agent(rung=self.rung, ports=f"[{nginx.port}]", data_ring="64KiB"))
            observer = stack.enter_context(agent.observer(out=everything.path))
            wires = [stack.enter_context(Wire(nginx.port)) for _ in range(16)]
            self.load(nginx, wires)
            status = agent.status()
            self.assertGreater(lost(status), 0, status)
            self.assertLess(completeness(status), 1.0, status)
            self.wait_for_silence(nginx, everything)
            for number in range(4):  # so few requests at a time that not even this ring can overflow
                for wire, owner in enumerate(wires):
                    owner.ask(f"/after/{number}/{wire}")
                if number == 0:
                    self.wait_for_silence(nginx, everything)
                    continue
                wanted = {(f"/after/{number}/{wire}", kind) for wire in range(16) for kind in ("server", "client")}
                until(lambda: wanted <= self.whole_calls(everything.lines()),
                      lambda: f"records of {wanted - self.whole_calls(everything.lines())}")
            observer.stop()
            self.check_nothing_was_invented(everything.lines())

    def load(self, nginx, wires):
        """wrk, and at the same time these connections, each from a thread of its own."""
        over = threading.Event()

        def ask(wire):
            while not over.is_set():
                wire.ask("/during")

        threads = [threading.Thread(target=ask, args=(wire,)) for wire in wires]
        for thread in threads:
            thread.start()
        wrk(nginx.url("/during"), 1)
        over.set()
        for thread in threads:
            thread.join()

    def wait_for_silence(self, nginx, everything):
        """The ring is empty when a request on a new connection, made last, has come out of it."""
        self.marks = getattr(self, "marks", 0) + 1
        path = f"/after/mark/{self.marks}"
        self.curl(nginx.url(path))
        until(lambda: (path, "server") in self.whole_calls(everything.lines()), f"a record of {path}")

    def whole_calls(self, lines):
        return {(r.path, r.kind) for r in parse(line for line in lines if b"/after/" in line)
                if r.status == 200 and not r.partial}

    def check_nothing_was_invented(self, lines):
        for record in parse(lines):
            if record["network.transport"] == "unix":  # of others on this host: `ports` does not concern them
                continue
            self.assertIn(record.status, (200, None), record)
            self.assertIn(record.method, ("GET", None), record)
            self.assertTrue(record.path in (None, "/during") or record.path.startswith("/after/"), record)
            self.assertTrue(record.partial or (record.method and record.status), record)
