# SPDX-License-Identifier: Apache-2.0
"""The .deb and its unit under systemd. For a machine that forgets: `./dev test systemd` runs it in a virtual one.

SUBFLOOR_DEB names the package. Written for emulation, so that nothing here depends on how long things take.
"""

import json
import os
import pathlib
import re
import subprocess
import unittest

from e2e.privileges_test import KEPT, capabilities
from e2e.service_test import constant_load
from support.nginx import Nginx
from support.waiting import until

CONFIG = pathlib.Path("/etc/subfloor/subfloor.yaml")
SPANS = pathlib.Path("/var/log/subfloor/spans.jsonl")


def call(*command, check=True):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}\n{journal()}")
    return done


def journal():
    return subprocess.run(["journalctl", "--no-pager", "-u", "subfloor", "-n", "60"], capture_output=True, text=True).stdout


def show(*properties):
    """Properties of the unit, by name."""
    shown = call("systemctl", "show", "subfloor", "--property", ",".join(properties)).stdout
    return dict(line.split("=", 1) for line in shown.splitlines())


def configure(text):
    CONFIG.write_text("capture:\n  data_ring: 64MiB\n" + text)


def status():
    return json.loads(call("subfloor", "status", "-o", "json").stdout)


def setUpModule():
    pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
    patience = pathlib.Path("/etc/systemd/system/subfloor.service.d/emulated.conf")
    patience.parent.mkdir(parents=True)
    patience.write_text("[Service]\nTimeoutStartSec=900\nTimeoutStopSec=300\nWatchdogSec=600\n")
    done = call("dpkg", "--no-triggers", "--force-unsafe-io", "-i", os.environ["SUBFLOOR_DEB"])
    print(done.stdout, done.stderr, flush=True)


class Unit(unittest.TestCase):
    def setUp(self):
        configure("")
        call("systemctl", "reset-failed", "subfloor", check=False)
        call("systemctl", "restart", "subfloor")

    def reload(self, text):
        configure(text)
        before = status()["config"].get("last_reload", {}).get("time")
        call("systemctl", "reload", "subfloor")
        until(lambda: status()["config"].get("last_reload", {}).get("time") != before, "reloaded", 60)
        return status()["config"]

    def test_the_package_has_enabled_the_unit_and_it_is_ready_when_systemd_says_so(self):
        self.assertEqual(call("systemctl", "is-enabled", "subfloor").stdout.strip(), "enabled")
        self.assertEqual(call("curl", "-s", "--noproxy", "*", "http://127.0.0.1:9464/readyz").stdout, "ready\n")
        unit = show("ActiveState", "StatusText", "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic", "NRestarts")
        self.assertEqual((unit["ActiveState"], unit["NRestarts"]), ("active", "0"))
        self.assertRegex(unit["StatusText"], "^observing by [a-z]+; configuration 1$")
        took = int(unit["ActiveEnterTimestampMonotonic"]) - int(unit["ExecMainStartTimestampMonotonic"])
        print(f"from exec to ready, emulated: {took / 1e6:.3f} s; {unit['StatusText']}")
        self.assertGreater(took, 0)

    def test_what_it_keeps_of_its_capabilities_is_what_is_documented(self):
        for held in capabilities(show("MainPID")["MainPID"]).values():
            self.assertEqual(held, {"CapInh": [], "CapPrm": KEPT, "CapEff": KEPT, "CapBnd": KEPT, "CapAmb": [],
                                    "NoNewPrivs": "1"})

    def test_reloads_under_load_lose_no_request_and_a_stop_exports_the_last_window(self):
        with Nginx() as nginx:
            common = f"json:\n  spans: {SPANS}\n"
            self.assertTrue(self.reload(common)["last_reload"]["succeeded"])
            before = nginx.requests()
            with constant_load(nginx.url("/load"), 8, 1):
                for number in range(2):
                    state = self.reload(f"{common}telemetry:\n  window: {1 + number}s\n")
                    self.assertTrue(state["last_reload"]["succeeded"])
                    state = self.reload(f"{common}telemetry:\n  window: never\n")
                    self.assertFalse(state["last_reload"]["succeeded"])
                    self.assertRegex(show("StatusText")["StatusText"],
                                     rf"last reload refused: {re.escape(str(CONFIG))}:\d+:\d+: ")
                self.assertTrue(self.reload(f"{common}telemetry:\n  window: 1h\n")["last_reload"]["succeeded"])
            served = nginx.requests_of_others_since(before)
            self.assertEqual(sum(causes for family in status()["losses"].values() for causes in family.values()), 0)
            call("systemctl", "stop", "subfloor")
        self.assertEqual(show("Result", "ExecMainStatus"), {"Result": "success", "ExecMainStatus": "0"})
        counted = sum(span["count"] for span in map(json.loads, SPANS.read_text().splitlines())
                      if span["kind"] == "server" and span.get("url.path") == "/load")
        print(f"{served} requests served, {counted} exported")
        self.assertGreater(served, 100)
        self.assertEqual(counted, served)

    def test_it_comes_back_after_a_crash_and_not_with_a_wrong_configuration(self):
        pid = show("MainPID")["MainPID"]
        call("kill", "-KILL", pid)
        until(lambda: show("NRestarts", "ActiveState") == {"NRestarts": "1", "ActiveState": "active"}, journal, 120)
        self.assertNotEqual(show("MainPID")["MainPID"], pid)
        configure("log:\n  level: loud\n")
        self.assertNotEqual(call("systemctl", "restart", "subfloor", check=False).returncode, 0)
        self.assertEqual(show("Result", "ExecMainStatus", "ActiveState"),
                         {"Result": "exit-code", "ExecMainStatus": "2", "ActiveState": "failed"})
        self.assertIn(f"{CONFIG}:4:10: ", journal())

    def test_observe_asks_the_service(self):
        with Nginx() as nginx:
            observe = subprocess.Popen(["subfloor", "observe", "-o", "json", "--limit", "1", "--for", "120s"], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertIn("through the agent at /run/subfloor/api.sock", observe.stderr.readline())
            call("curl", "-s", "--noproxy", "*", nginx.url("/asked"))
            said, _ = observe.communicate(timeout=180)
            self.assertEqual(json.loads(said.splitlines()[0])["url.path"], "/asked")


class Z_Removing(unittest.TestCase):
    def test_removing_stops_it_and_purging_leaves_nothing(self):
        call("systemctl", "restart", "subfloor", check=False)
        call("dpkg", "--purge", "subfloor")
        self.assertEqual(call("pidof", "subfloor", check=False).stdout, "")
        for path in (CONFIG, SPANS.parent, pathlib.Path("/run/subfloor"), pathlib.Path("/lib/systemd/system/subfloor.service"),
                     pathlib.Path("/etc/systemd/system/multi-user.target.wants/subfloor.service")):
            self.assertFalse(path.exists() or path.is_symlink(), path)
