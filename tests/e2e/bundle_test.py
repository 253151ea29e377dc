# SPDX-License-Identifier: Apache-2.0
"""`doctor --bundle`: everything a bug report needs, and nothing that was planted."""

import os
import pathlib
import signal
import tarfile

from e2e.case import Case
from support import places
from support.nginx import Nginx
from support.subfloor import Agent, run
from support.waiting import until
from support.wire import Wire

SECRET = "s3cr3t-planted"  # every planted value begins with it


def contents(path):
    """{file name: text} of an archive."""
    with tarfile.open(path) as archive:
        return {pathlib.PurePath(m.name).name: archive.extractfile(m).read().decode() for m in archive if m.isfile()}


class Bundle(Case):
    def setUp(self):
        scratch = places.scratch()
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name) / "bundle.tar.gz"

    def bundle(self, config):
        done = run("doctor", "--bundle", self.path, "--config", config, seconds=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(str(self.path), done.stdout)
        return contents(self.path)

    def test_it_has_what_a_report_needs_and_only_its_owner_can_read_it(self):
        with Agent() as agent:
            files = self.bundle(agent.config)
            self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
            self.assertIn(f'"pid": {agent.pid}', files["status.json"])
            self.assertIn("ready after", files["log.txt"])
            self.assertIn("This kernel can", files["doctor.txt"])
            self.assertIn(os.uname().release, files["versions.txt"])
            self.assertIn("/sys/kernel/btf/vmlinux", files["kernel.txt"])
            self.assertIn(f"/proc/{agent.pid}/cgroup", files["privileges.txt"])
            self.assertIn(f"listen: \"127.0.0.1:{agent.port}\"", files["config.txt"].split("in force")[1])

    def test_nothing_that_was_planted_is_in_it(self):
        planted = {**os.environ, "SUBFLOOR_TEST": f"{SECRET}-environment"}
        with Nginx() as nginx, Agent(env=planted) as agent, Wire(nginx.port) as wire, agent.observer() as observer:
            wire.send((f"POST /{SECRET}-path?token={SECRET}-query HTTP/1.1\r\nHost: {SECRET}-host\r\n"
                       f"Authorization: Bearer {SECRET}-header\r\nX-Own: {SECRET}-own\r\n"
                       f"Content-Length: {len(SECRET) + 5}\r\n\r\n{SECRET}-body").encode())
            wire.response()
            observer.wait(1, "server", path=f"/{SECRET}-path")
            # What a mistake in the file quotes gets into the log and into status.
            agent.configure(more=f"log:\n  level: \"password={SECRET}-mistake\"\n"
                                 f"prometheus2:\n  a: https://user:{SECRET}-url@host/\n")
            agent.reload()
            agent.configure(more=f"json:\n  spans: /nonexistent/token={SECRET}-file\n")
            agent.reload()
            files = self.bundle(agent.config)
        text = "\n".join(files.values())
        self.assertIn("[redacted]", text, "what was planted did reach the log")
        for line in text.splitlines():
            self.assertNotIn(SECRET, line)

    def test_it_is_made_without_an_agent_too_and_overwrites_nothing(self):
        config = self.path.with_name("subfloor.yaml")
        config.write_text(f"api:\n  socket: {self.path}.sock\n")
        files = self.bundle(config)
        self.assertIn("No such file", files["status.json"])
        before = self.path.read_bytes()
        self.assertEqual(run("doctor", "--bundle", self.path, "--config", config, seconds=60).returncode, 4)
        self.assertEqual(self.path.read_bytes(), before)
