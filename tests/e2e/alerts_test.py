# SPDX-License-Identifier: Apache-2.0
"""Rules of Falco's language in a running agent, and where their alerts go."""

import json
import os
import pathlib
import shutil
import socket
import subprocess

from e2e.case import Case
from support import places
from support.subfloor import Agent, run
from support.waiting import until

RULE = """\
- rule: {name}
  desc: a program of this test ran
  condition: evt.type in (execve, execveat) and proc.exepath = {program}
  output: "%proc.name ran as %proc.cmdline by %proc.pname in %proc.cwd (user=%user.uid ino=%proc.exe_ino)"
  priority: {priority}
  tags: [test]
"""


OPENED = """\
- rule: Opened
  desc: a file of this test was read
  condition: evt.type in (open, openat, openat2) and evt.is_open_read = true and fd.name startswith {folder}/secret
  output: "%fd.name %fd.nameraw %evt.arg.flags %evt.res"
  priority: WARNING
"""
CONNECTED = """\
- rule: Connected
  desc: a port of this test was asked for
  condition: evt.type = connect and fd.sport = {port}
  output: "%fd.typechar %fd.l4proto %fd.sip %fd.sport %evt.res"
  priority: NOTICE
"""


class Rules(Case):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(places.scratch()))
        self.program = self.folder / "probe"
        shutil.copy("/bin/true", self.program)
        self.rules = self.folder / "rules.yaml"
        self.out = self.folder / "alerts"
        self.write_rules(RULE.format(name="Probe", program=self.program, priority="WARNING"))

    def write_rules(self, text):
        self.rules.write_text(text)

    def agent(self):
        return self.enterContext(Agent(more=f"rules:\n  files: [{self.rules}]\nalerts:\n  file: {self.out}\n"))

    def alerts(self):
        return [json.loads(line) for line in self.out.read_text().splitlines()] if self.out.exists() else []

    def wait(self, count):
        until(lambda: len(self.alerts()) >= count, lambda: f"{count} alerts: {self.alerts()}")
        return self.alerts()

    def probe(self, *arguments):
        subprocess.run([self.program, *arguments], check=True, cwd="/")

    def test_an_alert_has_falcos_shape_and_says_who_did_it(self):
        agent = self.agent()
        self.probe("one", "two words")
        alert, = self.wait(1)
        self.assertEqual(set(alert), {"time", "rule", "priority", "source", "hostname", "output", "tags", "output_fields"})
        self.assertEqual((alert["rule"], alert["priority"], alert["source"], alert["tags"]),
                         ("Probe", "Warning", "syscall", ["test"]))
        parent = pathlib.Path("/proc/self/comm").read_text().strip()
        inode = self.program.stat().st_ino
        self.assertTrue(alert["output"].endswith(
            f"Warning probe ran as probe one two words by {parent} in / (user={os.geteuid()} ino={inode})"), alert["output"])
        self.assertEqual(alert["output_fields"]["proc.exe_ino"], inode)
        self.assertEqual(oct(self.out.stat().st_mode & 0o777), "0o600")
        self.assertEqual(agent.status()["rules"]["by_rule"], {"Probe": 1})

    def test_alerts_are_shown(self):
        agent = self.agent()
        done = run("alerts", "--config", agent.config)
        self.assertEqual(done.stdout, "No alert since the agent started; 1 rules in force.\n")
        self.probe()
        self.wait(1)
        done = run("alerts", "--config", agent.config)
        self.assertEqual((done.returncode, done.stdout.count("\n")), (0, 1))
        self.assertIn("probe ran as probe by", done.stdout)
        shown = run("alerts", "-o", "json", "--config", agent.config)
        self.assertEqual([json.loads(line) for line in shown.stdout.splitlines()], self.alerts())

    def test_every_one_of_many_is_told(self):
        self.agent()
        for i in range(300):
            self.probe(str(i))
        outputs = [alert["output"] for alert in self.wait(300)]
        for i in range(300):
            self.assertIn(f"ran as probe {i} by", outputs[i])

    def test_a_reload_takes_new_rules_and_leaves_out_what_is_broken(self):
        agent = self.agent()
        broken = RULE.format(name="Broken", program=self.program, priority="WARNING").replace("proc.exepath", "proc.exepth")
        self.write_rules(broken + RULE.format(name="New", program=self.program, priority="CRITICAL"))
        self.assertTrue(agent.reload()["last_reload"]["succeeded"])
        status = agent.status()
        self.assertEqual((status["rules"]["rules"], status["health"]), (1, "degraded"))
        self.assertRegex(status["rules"]["mistakes"][0], rf"{self.rules}:3:\d+: .*proc\.exepth")
        self.probe()
        self.assertEqual([alert["rule"] for alert in self.wait(1)], ["New"])

    def test_rules_that_cannot_be_read_are_an_error_at_the_start(self):
        config = self.folder / "agent.yaml"
        config.write_text(f"rules:\n  files: [{self.folder}/nothing.yaml]\napi:\n  socket: ''\n")
        done = run("agent", "--config", config)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nothing.yaml", done.stderr)

    def test_opens_are_told_by_the_files_real_name_and_others_stay_in_the_kernel(self):
        self.write_rules(OPENED.format(folder=self.folder))
        secret, plain = self.folder / "secret", self.folder / "plain"
        for path in (secret, plain):
            path.write_text("x")
        agent = self.agent()
        (self.folder / "link").symlink_to(secret)
        for path in (plain, secret, self.folder / "link", self.folder / "." / "secret"):
            for _ in range(20):
                path.read_text()
        alerts = self.wait(60)
        self.assertEqual({alert["output_fields"]["fd.name"] for alert in alerts}, {str(secret)})
        self.assertEqual({alert["output_fields"]["fd.nameraw"] for alert in alerts}, {str(secret), str(self.folder / "link")})
        self.assertEqual({alert["output_fields"]["evt.res"] for alert in alerts}, {"SUCCESS"})
        self.assertIn("O_RDONLY", alerts[0]["output_fields"]["evt.arg.flags"])
        # What was told of once, and found to be nothing, is told of no more.
        before = agent.status()["families"]["syscalls_open"]
        for _ in range(1000):
            plain.read_text()
        after = agent.status()["families"]["syscalls_open"]
        self.assertGreaterEqual(after["filtered"] - before["filtered"], 1000)
        # It gets a name that matters, without being opened in between.
        plain.rename(self.folder / "secret-too")
        (self.folder / "secret-too").read_text()
        self.assertEqual(self.wait(61)[-1]["output_fields"]["fd.name"], str(self.folder / "secret-too"))

    def test_connections_are_told_with_both_ends(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            self.write_rules(CONNECTED.format(port=port))
            self.agent()
            with socket.create_connection(("127.0.0.1", port)):
                pass
            alert, = self.wait(1)
            self.assertTrue(alert["output"].endswith(f"Notice 4 tcp 127.0.0.1 {port} SUCCESS"), alert)

    def test_a_reload_asks_the_kernel_for_other_calls(self):
        agent = self.agent()
        secret = self.folder / "secret"
        secret.write_text("x")
        secret.read_text()
        self.write_rules(OPENED.format(folder=self.folder))
        agent.reload()
        secret.read_text()
        self.assertEqual([alert["rule"] for alert in self.wait(1)], ["Opened"])
        self.write_rules(OPENED.format(folder=self.folder).replace("/secret", "/other"))
        agent.reload()
        secret.read_text()
        self.write_rules(OPENED.format(folder=self.folder))  # what was found to be nothing may be something now
        agent.reload()
        secret.read_text()
        self.assertEqual([alert["rule"] for alert in self.wait(2)], ["Opened", "Opened"])
