# SPDX-License-Identifier: Apache-2.0
"""Exit codes and messages, as scripts rely on them."""

import json
import pathlib
import re
import socket

from e2e.case import Case
from support import places
from support.subfloor import Agent, alone, run

USAGE, CANNOT, FAILED = 2, 3, 4


class Commands(Case):
    def assert_fails(self, done, code, says=""):
        self.assertEqual(done.returncode, code, done)
        if says:
            self.assertRegex(done.stderr, says)
        self.assertTrue(done.stderr.strip(), "a failure says why")
        self.assertNotIn("terminate called", done.stderr)

    def config(self, text):
        directory = places.scratch()
        self.addCleanup(directory.cleanup)
        path = pathlib.Path(directory.name) / "bad.yaml"
        path.write_text(text)
        return path

    def test_an_unknown_flag_is_a_usage_error(self):
        self.assert_fails(run("observe", "--no-such-flag"), USAGE, "no-such-flag")
        self.assert_fails(run("no-such-command"), USAGE)
        self.assert_fails(run("observe", "-o", "xml"), USAGE, "xml")

    def test_help_and_version_succeed(self):
        for arguments in (["--help"], ["observe", "--help"], ["agent", "--help"], ["--version"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 0, done)
            self.assertTrue(done.stdout.strip())

    def test_an_unknown_rung_is_refused(self):
        self.assertIn(run("observe", "--rung", "magic").returncode, (USAGE, CANNOT))

    def test_a_bad_configuration_is_told_with_file_line_and_column(self):
        for text, line in (("capture:\n  no_such_key: 1\n", 2), ("capture:\n  ports: [80, 99999]\n", 2),
                           ("api: {socket: [}\n", 1), ("prometheus:\n  listen: 127.0.0.1:9464\n  enabled: perhaps\n", 3)):
            path = self.config(text)
            for arguments in (("agent", "--config", path), ("config", "check", path)):
                done = run(*arguments)
                self.assertIn(done.returncode, (1, USAGE) if arguments[0] == "config" else (USAGE,), done)
                self.assertRegex(done.stderr + done.stdout, re.escape(str(path)) + rf":{line}:\d+: ")

    def test_a_missing_configuration_is_told(self):
        self.assert_fails(run("agent", "--config", "/nonexistent/subfloor.yaml"), USAGE, "/nonexistent/subfloor.yaml")

    def test_the_configuration_that_is_dumped_can_be_checked(self):
        dump = run("config", "dump")
        self.assertEqual(dump.returncode, 0, dump)
        self.assertEqual(run("config", "check", self.config(dump.stdout)).returncode, 0)
        explained = run("config", "explain")
        self.assertEqual(explained.returncode, 0)
        self.assertIn("data_ring", explained.stdout)

    def test_without_privileges_it_says_so(self):
        nobody = (places.program("setpriv"), "--reuid", "65534", "--regid", "65534", "--clear-groups")
        with places.scratch() as directory:
            path = pathlib.Path(directory) / "subfloor.yaml"
            path.write_text(f"api:\n  socket: {directory}/none.sock\nprometheus:\n  enabled: false\n")
            for arguments in (("observe", "--config", alone()), ("agent", "--config", path)):
                self.assert_fails(run(*arguments, prefix=nobody), CANNOT, "(?i)permission|permitted|privilege|CAP_|root")
            done = run("doctor", prefix=nobody)
            self.assertIn(done.returncode, (0, CANNOT), done)
            self.assertTrue(done.stdout.strip())

    def test_status_without_an_agent_fails(self):
        path = self.config("api:\n  socket: /nonexistent/api.sock\n")
        self.assert_fails(run("status", "--config", path), FAILED, "/nonexistent/api.sock")

    def test_status_finds_the_agent_though_its_file_has_a_mistake_and_tells_the_mistake(self):
        with Agent() as agent:
            agent.configure(more="log:\n  level: loud\n")
            done = run("status", "--config", agent.config)
            self.assertEqual(done.returncode, 0, done)
            self.assertRegex(done.stderr, re.escape(str(agent.config)) + r":\d+:\d+: ")

    def test_a_port_in_use_is_told(self):
        with Agent() as agent:
            with places.scratch() as directory:
                path = pathlib.Path(directory) / "second.yaml"
                path.write_text(f"api:\n  socket: {directory}/api.sock\n"
                                f"prometheus:\n  listen: 127.0.0.1:{agent.port}\n")
                self.assert_fails(run("agent", "--config", path), FAILED, f"127.0.0.1:{agent.port}")
            self.assertTrue(agent.ready())

    def test_a_second_agent_does_not_take_the_first_ones_socket(self):
        with Agent() as agent:
            with places.scratch() as directory:
                path = pathlib.Path(directory) / "second.yaml"
                path.write_text(f"api:\n  socket: {agent.socket}\nprometheus:\n  enabled: false\n")
                self.assert_fails(run("agent", "--config", path), FAILED, re.escape(agent.socket))
            self.assertTrue(agent.status())

    def test_doctor_tells_each_sensors_rung_and_why_not_a_better_one(self):
        done = run("doctor", "-o", "json")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("tracepoint", done.stdout)
        for line in done.stdout.splitlines():
            json.loads(line)
        self.assertIn("tcp", run("doctor").stdout)

    def test_only_root_may_ask_the_api(self):
        with Agent() as agent:
            self.assertEqual(pathlib.Path(agent.socket).stat().st_mode & 0o007, 0)
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(agent.socket)
