# SPDX-License-Identifier: Apache-2.0
"""The agent as a service: what it tells its manager, reloading under load, and the last window."""

import contextlib
import json
import os
import pathlib
import re
import signal
import threading

from e2e.case import Case
from e2e.load_test import wrk
from support import places
from support.nginx import Nginx
from support.notify import NotifySocket
from support.subfloor import PATIENT_RING, Agent, completeness, lost
from support.waiting import until
from support.wire import Wire


def spans(path):
    """Spans of a JSON lines file."""
    return [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]


def calls(path, **wanted):
    """Calls that the spans of a file stand for, of those whose keys (with _ for .) have these values."""
    return sum(span["count"] for span in spans(path)
               if all(span.get(key.replace("_", ".")) == value for key, value in wanted.items()))


@contextlib.contextmanager
def constant_load(url, connections=64, threads=2):
    """wrk, one second after another, for as long as the block takes."""
    over = threading.Event()

    def work():
        while not over.is_set():
            wrk(url, 1, connections, threads)

    load = threading.Thread(target=work)
    load.start()
    try:
        yield
        if not load.is_alive():
            raise AssertionError("wrk failed")
    finally:
        over.set()
        load.join()


class Notifications(Case):
    def test_it_says_that_it_is_ready_once_only_and_when_it_observes(self):
        for name in (None, "path"):
            with places.scratch() as directory, NotifySocket(name and f"{directory}/notify") as manager:
                with Agent(env=manager.environment) as agent:
                    ready = manager.wait("READY")
                    self.assertRegex(ready["STATUS"], "^observing by [a-z]+; configuration 1$")
                    self.assertRegex(agent.child.wait_for_line("ready after"), r"ready after \d+ ms")
                    self.assertEqual(agent.get("/readyz")[0], 200)
                    self.assertEqual(agent.stop(), 0)
                manager.wait("STOPPING")
                self.assertEqual(len([m for m in manager.messages if "READY" in m]), 1)

    def test_a_reload_is_announced_and_its_end_too(self):
        with NotifySocket() as manager, Agent(env=manager.environment) as agent:
            manager.wait("READY")
            agent.configure(more="telemetry:\n  window: 1s\n")
            agent.reload()
            self.assertRegex(manager.wait("RELOADING")["MONOTONIC_USEC"], r"^\d+$")
            self.assertRegex(manager.wait("READY", 2)["STATUS"], "configuration 2$")
            agent.configure(more="telemetry:\n  windou: 1s\n")
            agent.reload()
            self.assertRegex(manager.wait("READY", 3)["STATUS"],
                             rf"configuration 2, last reload refused: {re.escape(str(agent.config))}:\d+:\d+: ")

    def test_it_keeps_the_watchdog_quiet(self):
        with NotifySocket() as manager:
            with Agent(env={**manager.environment, "WATCHDOG_USEC": "200000"}):
                manager.wait("WATCHDOG", 3)

    def test_a_second_signal_ends_it_at_once(self):
        with places.scratch() as directory:
            pipe = pathlib.Path(directory) / "spans"

            os.mkfifo(pipe)
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            with Nginx() as nginx, NotifySocket() as manager:
                more = f"telemetry:\n  aggregation: off\njson:\n  spans: {pipe}\n"
                with Agent(ports=f"[{nginx.port}]", env=manager.environment, more=more) as agent:
                    wrk(nginx.url(), 1, connections=8, threads=1)  # more spans than the pipe holds
                    agent.child.send_signal(signal.SIGTERM)
                    manager.wait("STOPPING")
                    self.assertEqual((agent.get("/readyz")[0], agent.get("/healthz")[0]), (503, 200), "alive, not ready")
                    self.assertIsNone(agent.child.returncode)
                    self.assertEqual(agent.stop(signal.SIGTERM), -signal.SIGTERM)
            os.close(reader)


class Reloading(Case):
    def test_under_load_no_request_is_lost_by_good_and_bad_reloads(self):
        with Nginx(workers=2) as nginx, places.scratch() as directory:
            files = [pathlib.Path(directory) / f"spans{i}" for i in range(2)]
            other_port = places.free_port()
            ports = f"[{nginx.port}]"
            with Agent(ports=ports, data_ring=PATIENT_RING, more=f"json:\n  spans: {files[0]}\n") as agent:
                before = nginx.requests()
                with constant_load(nginx.url("/load")):
                    self.reload_again_and_again(agent, files, ports, other_port)
                served = nginx.requests_of_others_since(before)
                status = agent.status()
                self.assertEqual(lost(status), 0, status)
                self.assertEqual(completeness(status), 1.0, status)
                self.assertEqual(agent.stop(), 0)
                self.assertEqual(sum(calls(path, kind="server", url_path="/load") for path in files), served)

    def reload_again_and_again(self, agent, files, ports, other_port):
        generation = 1
        for number in range(4):
            path = files[number % 2]
            for more, good in (
                (f"telemetry:\n  window: {100 + number}ms\njson:\n  spans: {path}\n", True),
                ("telemetry:\n  window: soon\n", False),
                (f"redaction:\n  headers: [X-{number}]\njson:\n  spans: {path}\n", True),
                ("json:\n  spans: /nonexistent/spans\n", False),
                (f"telemetry:\n  max_groups: {100 + number}\njson:\n  spans: {path}\n", True),
            ):
                agent.configure(more=more, ports=f"[{ports[1:-1]}, {other_port}]" if number % 2 else ports)
                state = agent.reload()
                self.assertEqual(state["last_reload"]["succeeded"], good, state)
                generation += good
                self.assertEqual(state["generation"], generation)
                self.assertEqual(agent.get("/readyz")[0], 200)

    def test_a_bad_file_changes_nothing_and_says_where(self):
        with Agent(more="telemetry:\n  window: 1s\n") as agent:
            agent.configure(more="log:\n  level: warn\ntelemetry:\n  window: 1y\n")
            state = agent.reload()
            self.assertEqual((state["generation"], state["last_reload"]["succeeded"]), (1, False))
            self.assertRegex(state["last_reload"]["message"], rf"^{re.escape(str(agent.config))}:\d+:\d+: ")
            agent.child.wait_for_line("not reloaded")
            agent.configure(more="")
            self.assertIn("telemetry.window", agent.reload()["last_reload"]["applied"], "it still was 1s")
            self.assertEqual(agent.get("/readyz")[0], 200)

    def test_a_key_that_needs_a_restart_is_named_and_stays_as_it_is(self):
        with Agent() as agent:
            agent.configure(rung="syscall", data_ring="32MiB", more="telemetry:\n  window: 2s\n")
            state = agent.reload()
            self.assertEqual(state["waiting_for_restart"], ["capture.rung", "capture.data_ring"])
            self.assertEqual(state["last_reload"]["applied"], ["telemetry.window"])
            agent.child.wait_for_line("need a restart")
            agent.configure(rung="", data_ring="16MiB")
            self.assertEqual(agent.reload()["waiting_for_restart"], [])

    def test_a_port_that_becomes_wanted_is_seen_on_connections_that_were_open_before(self):
        with Nginx() as first, Nginx() as second, Agent(ports=f"[{first.port}]") as agent:
            with Wire(first.port) as kept, Wire(second.port) as new:
                kept.ask("/before")
                new.ask("/unseen")
                agent.configure(ports=f"[{second.port}]")
                agent.reload()
                with agent.observer() as observer:
                    kept.ask("/unwanted")
                    new.ask("/wanted")
                    new.ask("/last")
                    observer.wait(1, "server", path="/last")
                    observer.stop()
                    seen = {r.path for r in observer.all() if r.server_port in (first.port, second.port)}
                    self.assertEqual(seen, {"/wanted", "/last"})
                    self.assertFalse(any(r.partial for r in observer.records(path="/last")))
                agent.configure(ports="auto")
                agent.reload()
                with agent.observer() as observer:
                    kept.ask("/again")
                    kept.ask("/end")
                    observer.wait(1, "server", path="/end")
            self.assertEqual(lost(agent.status()), 0, agent.status())

    def test_the_endpoint_moves_and_the_old_address_is_free_again(self):
        with Agent() as agent:
            old, agent.port = agent.port, places.free_port()
            agent.configure()
            agent.reload()
            self.assertEqual(agent.get("/readyz")[0], 200)
            until(lambda: not places.listens(old), "the old port is closed")
            with Agent() as other:
                agent.port, mine = other.port, agent.port
                agent.configure()
                state = agent.reload()
                self.assertFalse(state["last_reload"]["succeeded"])
                self.assertIn(str(other.port), state["last_reload"]["message"])
                agent.port = mine
                self.assertEqual(agent.get("/readyz")[0], 200)
                self.assertTrue(other.ready())


class Stopping(Case):
    def test_the_last_window_is_exported_with_every_request_up_to_the_signal(self):
        with Nginx(workers=2) as nginx, places.scratch() as directory:
            path = pathlib.Path(directory) / "spans"
            more = f"telemetry:\n  window: 1h\njson:\n  spans: {path}\n"
            with Agent(ports=f"[{nginx.port}]", data_ring=PATIENT_RING, more=more) as agent:
                before = nginx.requests()
                wrk(nginx.url("/last"), 1)
                served = nginx.requests_of_others_since(before)
                self.assertEqual(path.read_text(), "")
                self.assertEqual(agent.stop(), 0)
            self.assertEqual(calls(path, kind="server", url_path="/last"), served)
