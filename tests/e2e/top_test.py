# SPDX-License-Identifier: Apache-2.0
"""`subfloor top`: sums of what was sent, for scripts and at a terminal."""

import json
import os
import pathlib
import signal

from e2e.case import Case
from support import places
from support.child import Child
from support.nginx import Nginx
from support.redis import Redis
from support.subfloor import Agent, alone, run
from support.terminal import Screen
from support.waiting import until
from support.wire import Wire

LOCATIONS = "location /users/ { return 200; } location /broken { return 503; }"


class Sums:
    """`subfloor top -o json` of an agent: its lines as they come."""

    def __init__(self, agent, *arguments):
        self._argv = [places.binary(), "top", "-o", "json", "--interval", "100ms", "--config", agent.config, *arguments]

    def __enter__(self):
        self.child = Child(self._argv, name="subfloor top")
        self.child.wait_for_line('"rows"', "stdout")  # it watches
        return self

    def __exit__(self, *_):
        if self.child.returncode is None:
            self.child.stop(signal.SIGINT)

    def lines(self):
        return [json.loads(line) for line in self.child.stdout.since(0) if line.strip()]

    def total(self, **wanted):
        """Calls since it began, of the rows that have these values."""
        return sum(row["total_calls"] for row in self.lines()[-1]["rows"]
                   if all(row.get(key) == value for key, value in wanted.items()))

    def wait(self, count, **wanted):
        until(lambda: self.total(**wanted) >= count, lambda: f"{count} calls {wanted}: {self.lines()[-1]}")


class TopForScripts(Case):
    def test_sums_equal_what_was_sent(self):
        with Nginx(locations=LOCATIONS) as nginx, Agent(ports=f"[{nginx.port}]") as agent:
            with Sums(agent) as top, Wire(nginx.port) as wire:
                for i in range(300):
                    wire.ask(f"/users/{i}")
                    if i % 3 == 0:
                        wire.ask("/status/404")
                    if i % 10 == 0:
                        wire.ask("/broken")
                top.wait(430, kind="server")
                top.wait(430, kind="client")
                self.assertEqual(top.total(kind="server", service="nginx", target="/users/{id}"), 300)
                self.assertEqual(top.total(kind="server", target="/broken"), 30)
                self.assertEqual(top.total(kind="server", operation="GET"), 430)
                lines = top.lines()
                self.assertEqual(sum(line["calls"] for line in lines), 860, "of all intervals together")
                self.assertEqual(sum(line["errors"] for line in lines), 60 + 100, "503s of both sides, 404s of the client")
                self.assertEqual(lines[-1]["total_calls"], 860)
                self.assertEqual((lines[-1]["lost"], lines[-1]["completeness"]), (0, 1))
                row = next(r for r in lines[-1]["rows"] if r["kind"] == "server" and r.get("target") == "/users/{id}")
                self.assertLessEqual(row["p50_ns"], row["p95_ns"])
                self.assertLessEqual(row["p95_ns"], row["p99_ns"])
                self.assertEqual(top.child.stop(signal.SIGINT), 0)

    def test_each_measure_tells_other_rows_apart(self):
        with Nginx(locations=LOCATIONS) as nginx, Agent(ports=f"[{nginx.port}]") as agent:
            with Sums(agent, "--by", "workload") as workload, Sums(agent, "--by", "peer") as peer, \
                    Sums(agent, "--by", "operation") as operation:
                self.curl(nginx.url("/users/1"), "-o", "/dev/null")
                self.curl(nginx.url("/users/2"), "-o", "/dev/null", "-X", "POST")
                for top in (workload, peer, operation):
                    top.wait(2, kind="server")
                    top.wait(2, kind="client")
                self.assertEqual(workload.total(kind="server", service="nginx"), 2)
                self.assertEqual(peer.total(kind="server", service="nginx", peer="curl"), 2)
                self.assertEqual(peer.total(kind="client", service="curl", peer="nginx"), 2)
                self.assertEqual(operation.total(kind="server", operation="POST"), 1)
                self.assertNotIn("operation", workload.lines()[-1]["rows"][0])

    def test_filters_leave_the_others_out(self):
        with Nginx(locations=LOCATIONS) as nginx, Agent(ports=f"[{nginx.port}]") as agent:
            with Sums(agent, "--status", "error", "--service", "nginx") as top, Sums(agent) as every, \
                    Wire(nginx.port) as wire:
                for path in ("/users/1", "/broken", "/status/404"):
                    wire.ask(path)
                every.wait(3, kind="server")
                top.wait(1)
                self.assertEqual([(r["service"], r["kind"], r["target"], r["total_calls"])
                                  for r in top.lines()[-1]["rows"]], [("nginx", "server", "/broken", 1)])

    def test_rows_are_bounded_and_the_rest_is_summed(self):
        paths = [f"/{a}{b}" for a in "abcd" for b in "efgh"]
        with Nginx() as nginx, Agent(ports=f"[{nginx.port}]") as agent:
            with Sums(agent, "--rows", "2") as top, Wire(nginx.port) as wire:
                for path in paths:
                    wire.ask(path)
                until(lambda: top.lines()[-1]["total_calls"] >= 32, lambda: top.lines()[-1])
                last = top.lines()[-1]
                self.assertEqual(len(last["rows"]), 2)
                self.assertEqual(last["other"]["rows"], 30)
                self.assertEqual(last["other"]["total_calls"] + sum(r["total_calls"] for r in last["rows"]), 32)

    def test_once_is_one_interval_of_an_agent_of_its_own(self):
        done = run("top", "--once", "-o", "json", "--interval", "200ms", "--config", alone())
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 1)
        self.assertEqual(json.loads(lines[0])["by"], "route")

    def test_a_table_without_a_terminal_has_no_escapes(self):
        with Agent() as agent:
            done = run("top", "-n", "2", "--interval", "100ms", "--config", agent.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("SERVICE"), 2)
        self.assertIn("completeness 1.0000", done.stdout)
        self.assertNotIn("\x1b", done.stdout)

    def test_flags_that_make_no_sense_are_refused(self):
        for flags in (("--by", "color"), ("--sort", "x"), ("--interval", "1ms"), ("--protocol", "gopher"), ("-n", "0")):
            done = run("top", *flags, "--config", alone())
            self.assertEqual(done.returncode, 2, flags)
        self.assertIn("http1", run("top", "--protocol", "gopher", "--config", alone()).stderr)


class TopAtATerminal(Case):
    def start(self, agent, screen, *arguments):
        argv = [places.binary(), "top", "--interval", "100ms", "--config", agent.config, *arguments]
        child = Child(argv, name="subfloor top", stdout=screen.slave, stdin=screen.slave,
                      env={**os.environ, "TERM": "xterm"})
        self.addCleanup(lambda: child.returncode is None and child.stop(signal.SIGKILL))
        screen.wait(lambda s: "by route" in s.text(), "the first sums")
        return child

    def test_rows_appear_and_keys_work(self):
        with Nginx(locations=LOCATIONS) as nginx, Agent(ports=f"[{nginx.port}]") as agent, Screen(160) as screen, \
                Wire(nginx.port) as wire:
            child = self.start(agent, screen)
            for i in range(20):
                wire.ask(f"/users/{i}")
                wire.ask("/broken")
            # What is on the screen may be half of a frame: every look at it is a wait.
            screen.wait(lambda s: "80 calls since the start" in s.text(), "all calls are summed")
            screen.wait(lambda s: sorted(line.split()[:5] for line in s.lines() if line.startswith("nginx")) ==
                        [["nginx", "server", "http", "GET", "/broken"], ["nginx", "server", "http", "GET", "/users/{id}"]],
                        "a row for each route")
            screen.wait(lambda s: "completeness 1.0000" in s.lines()[0], "nothing was lost")

            screen.press("/BROKEN\r")
            screen.wait(lambda s: "filter: BROKEN" in s.text() and "/users/" not in s.text(), "only what was asked for")
            screen.press("\x1b")
            screen.wait(lambda s: "/users/" in s.text(), "everything again")
            screen.wait(lambda s: "▼RATE/s" in s.text(), "sorted by rate")
            screen.press("s")
            screen.wait(lambda s: "▼ERR" in s.text() and "/broken" in s.lines()[3], "sorted by errors")
            screen.press("i")
            screen.wait(lambda s: "▲ERR" in s.text(), "the other way round")
            screen.press("?")
            screen.wait(lambda s: "space      pause" in s.text(), "help")
            screen.press("?")
            screen.press("w")
            screen.wait(lambda s: "by workload" in s.text(), "another measure")
            wire.ask("/users/7")
            screen.wait(lambda s: any(line.startswith("nginx") for line in s.lines()) and "/users/" not in s.text(),
                        "its rows, without routes")
            screen.press(" ")
            screen.wait(lambda s: "PAUSED" in s.text(), "paused")

            screen.resize(70, 10)
            child.send_signal(signal.SIGWINCH)
            screen.wait(lambda s: s.lines() and max(map(len, s.lines())) <= 70 and len(s.lines()) <= 10, "narrow")
            screen.press("q")
            self.assertEqual(child.wait(), 0)
            screen.wait(Screen.restored, "restored")

    def test_the_terminal_is_restored_however_it_ends(self):
        with Agent() as agent:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT):
                with Screen() as screen:
                    child = self.start(agent, screen)
                    self.assertFalse(screen.restored(), "it is taken while it runs")
                    child.send_signal(number)
                    code = child.wait()
                    self.assertEqual(code, -number if number in (signal.SIGSEGV, signal.SIGABRT) else 0)
                    screen.wait(Screen.restored, f"restored after {number.name}")

    def test_the_terminal_is_restored_when_the_agent_goes(self):
        with Screen() as screen:
            with Agent() as agent:
                child = self.start(agent, screen)
            self.assertEqual(child.wait(), 4)
            self.assertIn("the agent closed the connection", child.stderr.text())
            screen.wait(Screen.restored, "restored")

    def test_a_stopped_job_gives_the_terminal_back_and_takes_it_again(self):
        with Agent() as agent, Screen() as screen:
            child = self.start(agent, screen)
            child.send_signal(signal.SIGTSTP)
            screen.wait(Screen.restored, "given back")
            until(lambda: "State:\tT" in pathlib.Path(f"/proc/{child.pid}/status").read_text(), "it is stopped")
            child.send_signal(signal.SIGCONT)
            screen.wait(lambda s: s.raw().count("\x1b[?1049h") == 2, "taken again")
            screen.press("q")
            self.assertEqual(child.wait(), 0)
            screen.wait(Screen.restored, "restored")

    def test_it_runs_an_agent_of_its_own_where_there_is_none(self):
        with Nginx(locations=LOCATIONS) as nginx, Screen(160) as screen, Wire(nginx.port) as wire:
            argv = [places.binary(), "top", "--interval", "100ms", "--config", alone(), "--ports", nginx.port]
            child = Child(list(map(str, argv)), name="subfloor top", stdout=screen.slave, stdin=screen.slave,
                          env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"})
            screen.wait(lambda s: "completeness" in s.text(), "the first sums", 30)
            for i in range(10):
                wire.ask(f"/users/{i}")
            screen.wait(lambda s: "20 calls since the start" in s.text(), "all calls")
            self.assertNotIn("\x1b[31m", screen.raw())
            screen.press("\x03")  # no job control here: the line discipline has nobody to send it to
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(), 0)
            screen.wait(Screen.restored, "restored")


class TopOfOtherProtocols(Case):
    def test_other_protocols_are_summed_alike(self):
        with Redis() as redis, Agent(ports=f"[{redis.port}]") as agent, \
                Sums(agent, "--protocol", "redis", "--by", "operation") as top:
            with redis.client() as client:
                client.pipeline(*[("SET", "secret-key", "secret-value")] * 7, *[("LPUSH", "secret-key", "x")] * 3)
            for kind in ("server", "client"):
                top.wait(7, kind=kind, operation="SET")
                top.wait(3, kind=kind, operation="LPUSH")
            self.assertEqual(top.total(kind="server", operation="SET"), 7)
            self.assertEqual(top.total(kind="server", operation="LPUSH"), 3)
            self.assertEqual(sum(line["errors"] for line in top.lines()), 6)
            self.assertNotIn("secret", top.child.stdout.text())
