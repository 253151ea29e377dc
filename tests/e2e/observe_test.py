# SPDX-License-Identifier: Apache-2.0
"""What the flags of `subfloor observe` do, and what a person sees."""

import os
import signal

from e2e.case import Case
from support import places
from support.child import Child
from support.nginx import Nginx
from support.subfloor import Agent, alone, run
from support.terminal import Terminal
from support.wire import Wire


class Observe(Case):
    def test_the_table_has_a_line_per_call(self):
        path = f"/table/{os.getpid()}"
        with Nginx() as nginx, Child([places.binary(), "observe", "--config", alone()], name="subfloor observe") as child:
            child.wait_for_line("Ctrl-C to stop")
            self.curl(nginx.url(path))
            line = child.wait_for_line(path, "stdout")
            for text in ("GET", "200", "nginx", "curl"):
                self.assertIn(text, line)
            self.assertNotIn("\x1b", child.stdout.text(), "no colours where there is no terminal")
            self.assertEqual(child.stop(signal.SIGINT), 0)

    def test_the_table_follows_the_width_of_the_terminal(self):
        with Terminal(100) as terminal, Nginx() as nginx:
            argv = [places.binary(), "observe", "--config", alone(), "--pid", nginx.workers()[0]]
            with Child(argv, name="subfloor observe", stdout=terminal.slave, env={**os.environ, "NO_COLOR": "1"}) as child:
                child.wait_for_line("Ctrl-C to stop")
                self.assertNotIn("PARTIAL", terminal.wait_for_line("METHOD"))
                terminal.resize(160)
                child.send_signal(signal.SIGWINCH)
                wide = terminal.wait_for_line("PARTIAL")
                self.assertGreater(len(wide), 120)
                path = f"/wide/{'x' * 30}/{os.getpid()}"
                self.curl(nginx.url(path))
                self.assertIn(path, terminal.wait_for_line("/wide/"))  # a narrow table would have cut it
                self.assertEqual(child.stop(signal.SIGINT), 0)

    def test_limit_ends_it(self):
        with Nginx() as nginx, self.observe(nginx.port, arguments=("--limit", 3)) as observer, Wire(nginx.port) as wire:
            for i in range(10):
                wire.ask(f"/{i}")
            self.assertEqual(observer.child.wait(), 0)
            self.assertEqual(len(observer.all()), 3)

    def test_for_ends_it(self):
        self.assertEqual(run("observe", "--config", alone(), "-o", "json", "--for", "500ms", seconds=15).returncode, 0)

    def test_filters_leave_the_others_out(self):
        with Nginx() as nginx:
            worker = nginx.workers()[0]
            for flags, expected in ((("--status", "4xx", "--pid", worker), [("server", 404)]),
                                    (("--status", "204", "--pid", worker), [("server", 204)]),
                                    (("--pid", os.getpid()), [("client", 204), ("client", 404)])):
                with self.observe(nginx.port, arguments=flags) as observer, Wire(nginx.port) as wire:
                    wire.ask("/status/204")
                    wire.ask("/status/404")
                    observer.wait(len(expected))
                    observer.stop()
                    self.assertEqual([(r.kind, r.status) for r in observer.records()], expected)

    def test_it_reads_a_running_agent(self):
        with Nginx() as nginx, Agent() as agent:
            with agent.observer(nginx.port) as first, agent.observer(nginx.port) as second:
                self.curl(nginx.url("/shared"))
                for observer in (first, second):
                    servers, clients = self.seen(observer, 1)
                    self.assert_call(servers[0], "/shared", process="nginx")
                    self.assert_call(clients[0], "/shared", process="curl")
            self.assertTrue(agent.ready())
